//! Messages that prost generated, as messages of a call: they travel as they are.
//!
//! A type of the program's own derives `Message` with `#[rpc(prost)]` beside `prost::Message`; prost-build's
//! `message_attribute` writes that for all of them. A type of another crate is wrapped: [`Prost`].

use crate::{DecodeError, DecodeFault, Message, Reader, Registry, Shape, Wire, Writer};
use std::ops::{Deref, DerefMut};

/// A message that prost made, with the name that it has in its `.proto`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no message that prost made and named",
    label = "not a named prost message",
    note = "`#[rpc(prost)]` stands on a struct that derives `prost::Message` and `Default`, and implements `prost::Name`",
    note = "prost-build writes the name with `Config::enable_type_names`"
)]
pub trait Named: prost::Message + prost::Name + Default + 'static {}

impl<T: prost::Message + prost::Name + Default + 'static> Named for T {}

/// A message of another crate that prost made: an argument, a result, or a field.
///
/// It travels as the message itself. Where it does not come, it is its default. Descriptions know it by its name
/// alone, unless another message of the same set brings the descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Prost<T>(pub T);

impl<T: Named> Message for Prost<T> {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        out.field(tag, self);
    }

    fn encode_fields(&self, out: &mut Writer) {
        encode_fields(&self.0, out);
    }

    fn decode_fields(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode_fields(before.map(|prost| prost.0), r).map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn describe(registry: &mut Registry) -> Shape {
        describe::<T>(registry, &[])
    }
}

impl<T> From<T> for Prost<T> {
    fn from(message: T) -> Self {
        Self(message)
    }
}

impl<T> Deref for Prost<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Prost<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

// What `#[rpc(prost)]` writes calls these.

/// Writes a whole message.
#[doc(hidden)]
pub fn encode_fields<T: Named>(message: &T, out: &mut Writer) {
    // Only a buffer that cannot grow would be too small.
    let _ = out.append(|buffer| message.encode(buffer));
}

/// Reads a whole message, up to the reader's end.
#[doc(hidden)]
pub fn decode_fields<T: Named>(before: Option<T>, r: &mut Reader<'_>) -> Result<T, DecodeError> {
    let mut message = before.unwrap_or_default();
    match message.merge(r.take_rest()) {
        Ok(()) => Ok(message),
        Err(error) => Err(DecodeFault::Foreign(error.to_string().into()).into()),
    }
}

/// Enters a message by its name, with the `FileDescriptorSet` that it is in, if that is known.
#[doc(hidden)]
pub fn describe<T: Named>(registry: &mut Registry, descriptors: &'static [u8]) -> Shape {
    registry.foreign(T::full_name(), descriptors)
}
