//! One of two values: `Result` where it is not a method's result but a value in it.

use crate::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer};

impl<T: Message, E: Message> Message for Result<T, E> {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        out.field(tag, self);
    }

    fn encode_fields(&self, out: &mut Writer) {
        match self {
            Ok(value) => out.field(1, value),
            Err(error) => out.field(2, error),
        }
    }

    fn decode_fields(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut slot = before;
        while let Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => slot = Some(Ok(r.field(slot.and_then(Result::ok), wire, "ok")?)),
                2 => slot = Some(Err(r.field(slot.and_then(Result::err), wire, "err")?)),
                _ => r.skip(wire)?,
            }
        }
        slot.ok_or_else(|| DecodeError::no_variant("Result"))
    }

    fn absent() -> Option<Self> {
        None
    }

    fn describe(registry: &mut Registry) -> Shape {
        let value = T::describe(registry);
        Shape::Result(Box::new(value), Box::new(E::describe(registry)))
    }
}
