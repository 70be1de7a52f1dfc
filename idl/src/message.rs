//! What can travel in a call.

use crate::{DecodeError, EncodeError, Reader, Registry, Shape, Wire, Writer};

/// A type that can travel in a call, as Protocol Buffers (proto3) has it. Derive it for structs and
/// enums; `std`'s numbers, text, collections, tuples and times have it already.
///
/// Every type has two forms. As a *field* it may be left out when absence says the same (an empty list, a
/// zero). As a *value* it stands alone: in a list, a map, an `Option` or an enum's variant. What needs
/// several fields to be said, such as a list, becomes a small message as a value; that is what makes
/// `Option<Vec<T>>` and `Vec<Vec<T>>` possible.
///
/// Writing cannot fail at once: the [`Writer`] notes what cannot be written and reports it at the end.
/// Reading fills slots, so that no type needs a `Default`; a message that comes in two parts is merged.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel in a call",
    label = "not a type that can be marshalled",
    note = "derive it with `#[derive(Message)]`, on a struct or enum whose parts can travel",
    note = "a type of another crate: wrap it in a struct of your own that holds its parts"
)]
pub trait Message: Sized + Send + Sync + 'static {
    /// The form of one value.
    const WIRE: Wire;

    /// Writes this as the field `tag`; nothing when absence says the same.
    fn encode(&self, tag: u32, out: &mut Writer);

    /// Writes this as a value, without a key: by default a message, with its length before it.
    fn encode_value(&self, out: &mut Writer) {
        if let Some(length) = out.open() {
            self.encode_fields(out);
            out.close(length);
        }
    }

    /// Writes this as a whole message, without a length: by default one with this as its only field.
    fn encode_fields(&self, out: &mut Writer) {
        self.encode(1, out);
    }

    /// Reads a field of this type, whose key was read, into its slot.
    fn merge(slot: &mut Option<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        match wire.expect(Self::WIRE) {
            Ok(()) => match Self::decode_value(slot.take(), r) {
                Ok(value) => {
                    *slot = Some(value);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Reads a value, of which an earlier part may have come `before`.
    fn decode_value(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.enter() {
            Ok(mut inner) => Self::decode_fields(before, &mut inner),
            Err(error) => Err(error),
        }
    }

    /// Reads a whole message, up to the reader's end.
    fn decode_fields(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut value = before;
        while let Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => Self::merge(&mut value, wire, r),
                _ => r.skip(wire),
            }?;
        }
        present(&mut value, "value")
    }

    /// The value that an absent field has. `None`: its absence is an error.
    fn absent() -> Option<Self>;

    /// Enters this type, and what it is made of, into `registry`.
    fn describe(registry: &mut Registry) -> Shape;

    // A list asks its elements to write it, because a list of bytes is not a list of numbers. Only `u8`
    // overrides these.

    /// Writes a list of this as the field `tag`.
    #[doc(hidden)]
    fn encode_slice(list: &[Self], tag: u32, out: &mut Writer) {
        crate::types::list::encode(list.iter(), list.len(), tag, out);
    }

    /// Writes a list of this as a value.
    #[doc(hidden)]
    fn encode_slice_value(list: &[Self], out: &mut Writer) {
        out.nested(|out| Self::encode_slice(list, 1, out));
    }

    /// Reads a field that is a list of this, or a part of one.
    #[doc(hidden)]
    fn merge_slice(list: &mut Vec<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        crate::types::list::merge(list, wire, r)
    }

    /// Reads a value that is a list of this.
    #[doc(hidden)]
    fn decode_slice_value(before: Option<Vec<Self>>, r: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        r.nested(|r| Vec::decode_fields(before, r))
    }

    /// The shape of a list of this.
    #[doc(hidden)]
    fn describe_slice(registry: &mut Registry) -> Shape {
        Shape::List(Box::new(Self::describe(registry)))
    }
}

/// Takes the value of a slot after all fields were read: what came, or what absence means.
#[doc(hidden)]
#[inline]
pub fn present<T: Message>(slot: &mut Option<T>, field: &'static str) -> Result<T, DecodeError> {
    match slot.take() {
        Some(value) => Ok(value),
        None => match T::absent() {
            Some(value) => Ok(value),
            None => Err(DecodeError::absent(field)),
        },
    }
}

/// A message of which no field came.
#[doc(hidden)]
pub fn empty<T: Message>() -> Option<T> {
    T::decode_fields(None, &mut Reader::new(&[])).ok()
}

/// The same of an enum with data, after all fields of its message were read.
#[doc(hidden)]
#[inline]
pub fn variant<T: Message>(slot: Option<T>, name: &'static str) -> Result<T, DecodeError> {
    match slot {
        Some(value) => Ok(value),
        None => match T::absent() {
            Some(value) => Ok(value),
            None => Err(DecodeError::no_variant(name)),
        },
    }
}

/// Writes a whole message: its fields, without a key or a length before them. A type that is no message
/// of its own (a number, a list) becomes one with it as field 1.
pub fn encode_message<T: Message>(value: &T, out: &mut Writer) {
    value.encode_fields(out);
}

/// Reads a whole message, up to the reader's end: what [`encode_message`] wrote.
pub fn decode_message<T: Message>(r: &mut Reader<'_>) -> Result<T, DecodeError> {
    T::decode_fields(None, r)
}

/// A value as the bytes of a whole message.
pub fn to_vec<T: Message>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut out = Writer::new();
    encode_message(value, &mut out);
    out.check()?;
    Ok(out.to_vec())
}

/// The value of a whole message.
pub fn from_slice<T: Message>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode_message(&mut Reader::new(bytes))
}
