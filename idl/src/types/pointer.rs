//! `Box` and `Arc`, which cannot be seen on the wire.

use crate::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer};
use std::sync::Arc;

macro_rules! pointer {
    ($($name:ident, |$pointer:ident| $take_out:expr;)*) => {$(
        impl<T: Message> Message for $name<T> {
            const WIRE: Wire = T::WIRE;

            fn encode(&self, tag: u32, out: &mut Writer) {
                T::encode(self, tag, out);
            }

            fn encode_value(&self, out: &mut Writer) {
                T::encode_value(self, out);
            }

            fn encode_fields(&self, out: &mut Writer) {
                T::encode_fields(self, out);
            }

            fn merge(
                slot: &mut Option<Self>,
                wire: Wire,
                r: &mut Reader<'_>,
            ) -> Result<(), DecodeError> {
                let mut inner = slot.take().and_then(|$pointer| $take_out);
                T::merge(&mut inner, wire, r)?;
                *slot = inner.map(Self::new);
                Ok(())
            }

            fn decode_value(
                before: Option<Self>,
                r: &mut Reader<'_>,
            ) -> Result<Self, DecodeError> {
                T::decode_value(before.and_then(|$pointer| $take_out), r).map(Self::new)
            }

            fn decode_fields(
                before: Option<Self>,
                r: &mut Reader<'_>,
            ) -> Result<Self, DecodeError> {
                T::decode_fields(before.and_then(|$pointer| $take_out), r).map(Self::new)
            }

            fn absent() -> Option<Self> {
                T::absent().map(Self::new)
            }

            fn describe(registry: &mut Registry) -> Shape {
                T::describe(registry)
            }
        }
    )*};
}

pointer! {
    Box, |pointer| Some(*pointer);
    // While it is being read nobody else holds it.
    Arc, |pointer| Arc::into_inner(pointer);
}
