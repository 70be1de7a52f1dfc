//! Bytes, of any length and of a fixed one.

use crate::{Bytes, DecodeError, DecodeFault, Message, Reader, Registry, Scalar, Shape, Wire, Writer};
use uuid::Uuid;

impl Message for Bytes {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        if !self.is_empty() {
            out.field(tag, self);
        }
    }

    fn encode_value(&self, out: &mut Writer) {
        out.varint(self.len() as u64);
        out.put_bytes(self);
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.bytes()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::scalar(Scalar::Bytes)
    }
}

/// Always written, for absence does not say `[0; N]`.
impl<const N: usize> Message for [u8; N] {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        out.field(tag, self);
    }

    fn encode_value(&self, out: &mut Writer) {
        out.bytes_value(self);
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = r.slice()?;
        Self::try_from(bytes).map_err(|_| DecodeFault::WrongLength { expected: N, found: bytes.len() }.into())
    }

    fn absent() -> Option<Self> {
        None
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::exactly(N)
    }
}

/// Sixteen bytes, in the order in which a `Uuid` is printed.
impl Message for Uuid {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        self.as_bytes().encode(tag, out);
    }

    fn encode_value(&self, out: &mut Writer) {
        self.as_bytes().encode_value(out);
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        <[u8; 16]>::decode_value(None, r).map(Self::from_bytes)
    }

    fn absent() -> Option<Self> {
        None
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::narrowed(Scalar::Bytes, "Uuid")
    }
}
