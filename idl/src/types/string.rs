//! Text.

use crate::{DecodeError, Message, Reader, Registry, Scalar, Shape, Text, Wire, Writer};

impl Message for String {
    const WIRE: Wire = Wire::Len;

    #[cfg_attr(not(debug_assertions), inline)]
    fn encode(&self, tag: u32, out: &mut Writer) {
        out.str(tag, self);
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn encode_value(&self, out: &mut Writer) {
        out.bytes_value(self.as_bytes());
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.str().map(str::to_owned)
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::scalar(Scalar::String)
    }
}

impl Message for Text {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        self.as_bytes().encode(tag, out);
    }

    fn encode_value(&self, out: &mut Writer) {
        self.as_bytes().encode_value(out);
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.text()
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::scalar(Scalar::String)
    }
}
