//! One number for all of an interface that crosses the wire.
//!
//! In it: names, kinds, arguments, results and errors of methods; numbers, *names* and types of fields and
//! variants. Names, because fields are numbered by their order: of two that changed places, only the names
//! tell. Not in it, because the wire does not show them: names of types, modules, docs, the order of methods.

use super::index::{Described, Index, value_names};
use super::order;
use crate::descriptor::{EnumDescriptor, FieldNotes, FileDescriptor, MessageDescriptor, MethodKind};
use crate::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer};
use std::collections::HashMap;
use std::fmt;

/// A number that two interfaces share if all that crosses the wire is the same. Compare it for equality;
/// if it differs, [`compare`](crate::compare) the descriptions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of this number.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Sixteen bytes, in the order in which it is printed.
impl Message for Fingerprint {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        out.field(tag, self);
    }

    fn encode_value(&self, out: &mut Writer) {
        self.0.to_be_bytes().encode_value(out);
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        <[u8; 16]>::decode_value(None, r).map(|bytes| Self(u128::from_be_bytes(bytes)))
    }

    fn absent() -> Option<Self> {
        None
    }

    fn describe(registry: &mut Registry) -> Shape {
        <[u8; 16]>::describe(registry)
    }
}

/// The fingerprint of a file with one interface.
pub(super) fn of(file: &FileDescriptor) -> Fingerprint {
    let mut walk = Walk { hash: Fnv::new(), index: Index::of(file), places: HashMap::new(), found: Vec::new() };
    let methods = file.service.first().map_or(&[][..], |service| &service.method);
    let methods = order::ordered(methods, |method| order::name(&method.name));
    walk.hash.number(methods.len() as u64);
    for method in methods {
        let notes = method.options.as_ref().map(|options| &options.rpc);
        walk.hash.text(&method.name);
        walk.hash.number(match notes.map_or(MethodKind::Plain, |notes| notes.kind) {
            MethodKind::Plain => 1,
            MethodKind::Idempotent => 2,
            MethodKind::Oneway => 3,
        });
        walk.hash.number(method.client_streaming.into());
        walk.hash.number(method.server_streaming.into());
        walk.name(&method.input_type);
        walk.name(&method.output_type);
        walk.name(notes.map_or("", |notes| &notes.error));
    }
    // Types are hashed in the order in which they were found, one after the other: a description from
    // elsewhere may be nested by name as deep as it likes.
    let mut done = 0;
    while let Some(&described) = walk.found.get(done) {
        match described {
            Described::Message(message) => walk.message(message),
            Described::Enum(described) => walk.enumeration(described),
        }
        done += 1;
    }
    Fingerprint(walk.hash.0)
}

struct Walk<'a> {
    hash: Fnv,
    index: Index<'a>,
    /// The types that were found, by their full names.
    places: HashMap<&'a str, usize>,
    found: Vec<Described<'a>>,
}

impl<'a> Walk<'a> {
    /// A type is hashed as its place among those found, so that its name does not count.
    fn name(&mut self, full_name: &'a str) {
        if let Some(place) = self.places.get(full_name) {
            return self.hash.number(*place as u64 + 1);
        }
        match self.index.get(full_name) {
            Some(described) => {
                self.places.insert(full_name, self.found.len());
                self.found.push(described);
                self.hash.number(self.found.len() as u64);
            }
            // One of Google's, or none at all.
            None => {
                self.hash.number(0);
                self.hash.text(full_name);
            }
        }
    }

    fn message(&mut self, message: &'a MessageDescriptor) {
        let notes = message.options.as_ref().map(|options| &options.rpc);
        // Both are messages on the wire, but of an enum exactly one field comes.
        self.hash.number(if notes.is_some_and(|notes| notes.variants) { 3 } else { 1 });
        self.hash.number(notes.is_some_and(|notes| notes.open).into());
        self.hash.optional(notes.and_then(|notes| notes.default));
        let fields = order::ordered(&message.field, |field| order::number(field.number));
        self.hash.number(fields.len() as u64);
        for field in fields {
            let none = FieldNotes::default();
            let notes = field.options.as_ref().map_or(&none, |options| &options.rpc);
            self.hash.number(field.number.into());
            self.hash.text(&field.name);
            self.hash.number(field.label as u64);
            self.hash.number(field.r#type as u64);
            self.hash.number(field.proto3_optional.into());
            self.hash.number((field.oneof_index.is_some() && !field.proto3_optional).into());
            self.hash.number(notes.required.into());
            self.hash.text(&notes.narrowed);
            self.name(&field.type_name);
        }
    }

    fn enumeration(&mut self, described: &EnumDescriptor) {
        let notes = described.options.as_ref().map(|options| &options.rpc);
        self.hash.number(2);
        self.hash.number(notes.is_some_and(|notes| notes.open).into());
        self.hash.optional(notes.and_then(|notes| notes.default));
        let values = order::ordered(&described.value, |value| order::number(value.number()));
        self.hash.number(values.len() as u64);
        let short = value_names(described);
        for value in values {
            self.hash.number(value.number() as u64);
            self.hash.text(short(&value.name));
        }
    }
}

/// FNV-1a of 128 bits. It must stay as it is for ever: other versions of this crate compute it too.
struct Fnv(u128);

impl Fnv {
    const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u128::from(*byte);
            self.0 = self.0.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn optional(&mut self, number: Option<i32>) {
        self.number(number.is_some().into());
        self.number(number.unwrap_or_default() as u64);
    }

    /// With its length, so that two texts do not run into each other.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash is the published one.
    #[test]
    fn fnv_1a_of_known_texts() {
        let mut empty = Fnv::new();
        empty.bytes(b"");
        assert_eq!(empty.0, 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        let mut a = Fnv::new();
        a.bytes(b"a");
        assert_eq!(a.0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
