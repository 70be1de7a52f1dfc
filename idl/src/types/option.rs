//! A value or none.

use crate::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer};

impl<T: Message> Message for Option<T> {
    /// As a value it is a message with one optional field.
    const WIRE: Wire = Wire::Len;

    #[inline]
    fn encode(&self, tag: u32, out: &mut Writer) {
        if let Some(value) = self {
            out.field(tag, value);
        }
    }

    #[inline]
    fn merge(slot: &mut Option<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        wire.expect(T::WIRE)?;
        *slot = Some(Some(T::decode_value(slot.take().flatten(), r)?));
        Ok(())
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn describe(registry: &mut Registry) -> Shape {
        Shape::Optional(Box::new(T::describe(registry)))
    }
}
