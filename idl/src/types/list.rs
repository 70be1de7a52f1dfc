//! Lists and sets. Lists of numbers are packed into one field.

use crate::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer};
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hash};

/// Writes a repeated field.
pub(crate) fn encode<'a, T: Message>(list: impl Iterator<Item = &'a T>, length: usize, tag: u32, out: &mut Writer) {
    if const { !T::WIRE.packs() } {
        for value in list {
            out.field(tag, value);
        }
    } else if length > 0 {
        out.key(tag, Wire::Len);
        let length = out.begin();
        for value in list {
            value.encode_value(out);
        }
        out.end(length);
    }
}

/// Reads a repeated field, or a part of one: a single value, or many packed.
pub(crate) fn merge<T: Message>(list: &mut Vec<T>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
    if wire == T::WIRE {
        if list.is_empty() {
            // Counted from what is there. Growing by and by would take up to three times as much.
            list.reserve_exact(1 + r.more(wire));
        }
        list.push(T::decode_value(None, r)?);
        return Ok(());
    }
    if const { T::WIRE.packs() } {
        merge_packed(list, T::WIRE, wire, r, |r| T::decode_value(None, r))
    } else {
        wire.expect(T::WIRE)
    }
}

/// Reads numbers that are packed into one field.
pub(crate) fn merge_packed<T>(
    list: &mut Vec<T>,
    packed: Wire,
    wire: Wire,
    r: &mut Reader<'_>,
    mut value: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<(), DecodeError> {
    wire.expect(Wire::Len)?;
    let outer = r.within_length()?;
    list.reserve(count_packed(packed, r.rest()));
    while !r.is_empty() {
        match value(r) {
            Ok(value) => list.push(value),
            Err(error) => {
                r.leave(outer);
                return Err(error);
            }
        }
    }
    r.leave(outer);
    Ok(())
}

/// How many numbers are there, so that memory follows the bytes received.
fn count_packed(packed: Wire, bytes: &[u8]) -> usize {
    match packed {
        Wire::Fixed32 => bytes.len() / 4,
        Wire::Fixed64 => bytes.len() / 8,
        _ => bytes.iter().filter(|byte| **byte < 0x80).count(),
    }
}

impl<T: Message> Message for Vec<T> {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        T::encode_slice(self, tag, out);
    }

    fn encode_value(&self, out: &mut Writer) {
        T::encode_slice_value(self, out);
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        T::merge_slice(slot.get_or_insert_default(), wire, r)
    }

    fn decode_value(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::decode_slice_value(before, r)
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn describe(registry: &mut Registry) -> Shape {
        T::describe_slice(registry)
    }
}

/// Reads a repeated field, or a part of one, into a set.
fn merge_set<T: Message, S: Default + Extend<T>>(
    slot: &mut Option<S>,
    wire: Wire,
    r: &mut Reader<'_>,
) -> Result<(), DecodeError> {
    let set = slot.get_or_insert_default();
    if wire == T::WIRE {
        set.extend([T::decode_value(None, r)?]);
        return Ok(());
    }
    let mut list = Vec::new();
    merge(&mut list, wire, r)?;
    set.extend(list);
    Ok(())
}

macro_rules! set {
    ($name:ident<T $(, $hasher:ident)?> where T: $($bound:path),+) => {
        impl<T, $($hasher)?> Message for $name<T, $($hasher)?>
        where
            T: Message $(+ $bound)+,
            $($hasher: BuildHasher + Default + Send + Sync + 'static,)?
        {
            const WIRE: Wire = Wire::Len;

            fn encode(&self, tag: u32, out: &mut Writer) {
                encode(self.iter(), self.len(), tag, out);
            }

            fn merge(
                slot: &mut Option<Self>,
                wire: Wire,
                r: &mut Reader<'_>,
            ) -> Result<(), DecodeError> {
                merge_set(slot, wire, r)
            }

            fn absent() -> Option<Self> {
                Some(Self::default())
            }

            fn describe(registry: &mut Registry) -> Shape {
                Shape::List(Box::new(T::describe(registry)))
            }
        }
    };
}

set!(HashSet<T, S> where T: Eq, Hash);
set!(BTreeSet<T> where T: Ord);
