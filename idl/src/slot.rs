//! Slots: where the fields of a message are read to, when their types are not to be known. Who reads so is compiled once, and
//! not for each message.

use crate::{DecodeError, Message, Reader, Wire};

/// Where a field's value is read to, whatever its type.
#[doc(hidden)]
pub trait Slot {
    /// Reads a field, whose key was read.
    fn merge(&mut self, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError>;

    /// Puts in what absence means, if nothing came. False if absence is an error.
    fn settle(&mut self) -> bool;

    /// Takes away what came.
    fn clear(&mut self);
}

/// A field that can be read: its number, its name, and its slot.
#[doc(hidden)]
pub type Field<'a> = (u32, &'static str, &'a mut dyn Slot);

impl<T: Message> Slot for Option<T> {
    fn merge(&mut self, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        T::merge(self, wire, r)
    }

    fn settle(&mut self) -> bool {
        if self.is_none() {
            *self = T::absent();
        }
        self.is_some()
    }

    fn clear(&mut self) {
        *self = None;
    }
}

impl Reader<'_> {
    /// Reads a whole message into its fields' slots. Each holds a value afterwards, or none if this is an error.
    #[doc(hidden)]
    // Where it is inlined, the slots' types are known, and nothing is left of the table.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn slots(&mut self, fields: &mut [Field<'_>]) -> Result<(), DecodeError> {
        let read = self.fill(fields);
        if read.is_err() {
            fields.iter_mut().for_each(|(.., slot)| slot.clear());
        }
        read
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn fill(&mut self, fields: &mut [Field<'_>]) -> Result<(), DecodeError> {
        while let Some((tag, wire)) = self.next_field()? {
            match fields.iter_mut().find(|(number, ..)| *number == tag) {
                Some((_, name, slot)) => slot.merge(wire, self).map_err(|error| error.in_field(name)),
                None => self.skip(wire),
            }?;
        }
        for (_, name, slot) in fields {
            if !slot.settle() {
                return Err(DecodeError::absent(name));
            }
        }
        Ok(())
    }
}
