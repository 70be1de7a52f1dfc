//! Numbers, `bool` and `char`. A number out of its type's range is an error, never wrapped.

use crate::wire::{unzigzag, zigzag};
use crate::{DecodeError, DecodeFault, Message, Reader, Registry, Scalar, Shape, Wire, Writer};

macro_rules! varint {
    ($($rust:ident, $shape:expr, |$n:ident| $to_wire:expr, |$wire:ident| $from_wire:expr;)*) => {$(
        impl Message for $rust {
            const WIRE: Wire = Wire::Varint;

            #[cfg_attr(not(debug_assertions), inline)]
            fn encode(&self, tag: u32, out: &mut Writer) {
                if *self != 0 {
                    out.field(tag, self);
                }
            }

            #[cfg_attr(not(debug_assertions), inline)]
            fn encode_value(&self, out: &mut Writer) {
                let $n = *self;
                out.varint($to_wire);
            }

            #[cfg_attr(not(debug_assertions), inline)]
            fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let $wire = r.varint()?;
                $rust::try_from($from_wire)
                    .map_err(|_| DecodeFault::OutOfRange(stringify!($rust)).into())
            }

            fn absent() -> Option<Self> {
                Some(0)
            }

            fn describe(_: &mut Registry) -> Shape {
                $shape
            }
        }
    )*};
}

varint! {
    u16, Shape::narrowed(Scalar::Uint32, "u16"), |n| n.into(), |n| n;
    u32, Shape::scalar(Scalar::Uint32), |n| n.into(), |n| n;
    u64, Shape::scalar(Scalar::Uint64), |n| n, |n| n;
    usize, Shape::scalar(Scalar::Uint64), |n| n as u64, |n| n;
    i8, Shape::narrowed(Scalar::Sint32, "i8"), |n| zigzag(n.into()), |n| unzigzag(n);
    i16, Shape::narrowed(Scalar::Sint32, "i16"), |n| zigzag(n.into()), |n| unzigzag(n);
    i32, Shape::scalar(Scalar::Sint32), |n| zigzag(n.into()), |n| unzigzag(n);
    i64, Shape::scalar(Scalar::Sint64), |n| zigzag(n), |n| unzigzag(n);
    isize, Shape::scalar(Scalar::Sint64), |n| zigzag(n as i64), |n| unzigzag(n);
}

/// Alone it is a number; a list of it is bytes.
impl Message for u8 {
    const WIRE: Wire = Wire::Varint;

    fn encode(&self, tag: u32, out: &mut Writer) {
        if *self != 0 {
            out.field(tag, self);
        }
    }

    fn encode_value(&self, out: &mut Writer) {
        out.varint((*self).into());
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::try_from(r.varint()?).map_err(|_| DecodeFault::OutOfRange("u8").into())
    }

    fn absent() -> Option<Self> {
        Some(0)
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::narrowed(Scalar::Uint32, "u8")
    }

    fn encode_slice(list: &[Self], tag: u32, out: &mut Writer) {
        out.bytes(tag, list);
    }

    fn encode_slice_value(list: &[Self], out: &mut Writer) {
        out.bytes_value(list);
    }

    fn merge_slice(list: &mut Vec<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        wire.expect(Wire::Len)?;
        // Bytes that come twice do not add up, unlike a list: the last ones count.
        list.clear();
        list.extend_from_slice(r.slice()?);
        Ok(())
    }

    fn decode_slice_value(_: Option<Vec<Self>>, r: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        r.slice().map(<[u8]>::to_vec)
    }

    fn describe_slice(_: &mut Registry) -> Shape {
        Shape::scalar(Scalar::Bytes)
    }
}

impl Message for bool {
    const WIRE: Wire = Wire::Varint;

    fn encode(&self, tag: u32, out: &mut Writer) {
        if *self {
            out.field(tag, self);
        }
    }

    fn encode_value(&self, out: &mut Writer) {
        out.varint((*self).into());
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.varint().map(|n| n != 0)
    }

    fn absent() -> Option<Self> {
        Some(false)
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::scalar(Scalar::Bool)
    }
}

impl Message for char {
    const WIRE: Wire = Wire::Varint;

    fn encode(&self, tag: u32, out: &mut Writer) {
        if *self != '\0' {
            out.field(tag, self);
        }
    }

    fn encode_value(&self, out: &mut Writer) {
        out.varint(u32::from(*self).into());
    }

    fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = u32::try_from(r.varint()?).ok();
        code.and_then(Self::from_u32).ok_or_else(|| DecodeFault::OutOfRange("char").into())
    }

    fn absent() -> Option<Self> {
        Some('\0')
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::narrowed(Scalar::Uint32, "char")
    }
}

macro_rules! float {
    ($($rust:ident, $scalar:ident, $wire:ident, $put:ident;)*) => {$(
        impl Message for $rust {
            const WIRE: Wire = Wire::$wire;

            #[cfg_attr(not(debug_assertions), inline)]
            fn encode(&self, tag: u32, out: &mut Writer) {
                // Compared by bits: -0.0 equals 0.0, but absence would lose its sign.
                if self.to_bits() != 0 {
                    out.field(tag, self);
                }
            }

            #[cfg_attr(not(debug_assertions), inline)]
            fn encode_value(&self, out: &mut Writer) {
                out.$put(self.to_bits());
            }

            #[cfg_attr(not(debug_assertions), inline)]
            fn decode_value(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                r.$put().map(Self::from_bits)
            }

            fn absent() -> Option<Self> {
                Some(0.0)
            }

            fn describe(_: &mut Registry) -> Shape {
                Shape::scalar(Scalar::$scalar)
            }
        }
    )*};
}

float! {
    f32, Float, Fixed32, fixed32;
    f64, Double, Fixed64, fixed64;
}
