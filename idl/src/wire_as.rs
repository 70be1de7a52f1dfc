//! Rust integers as the integer types of a foreign `.proto`: what `#[rpc(as = "int64")]` stands for.
//!
//! A Rust integer has one type on the wire that suits it (`i64` is `sint64`). Most existing `.proto` files
//! say `int64` or `fixed32`, which have no Rust type of their own; the markers here name them.

use crate::describe::{Scalar, Shape};
use crate::{DecodeError, DecodeFault, EncodeError, Reader, Slot, Wire, Writer};
use std::marker::PhantomData;

/// An integer type of Protocol Buffers that a Rust integer can be written as.
pub trait Representation: Sized + 'static {
    /// The form of one value.
    const WIRE: Wire;
    #[doc(hidden)]
    const SCALAR: Scalar;
    #[doc(hidden)]
    const NAME: &'static str;

    /// Writes a number; false if it is out of range.
    #[doc(hidden)]
    fn put(n: i128, out: &mut Writer) -> bool;

    /// Reads a number.
    #[doc(hidden)]
    fn take(r: &mut Reader<'_>) -> Result<i128, DecodeError>;

    /// Writes a field; nothing when absence says the same.
    fn encode<T: As<Self>>(value: &T, tag: u32, out: &mut Writer) {
        value.encode(tag, out);
    }

    /// Reads a field, whose key was read, into its slot.
    fn merge<T: As<Self>>(slot: &mut Option<T>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        T::merge(slot, wire, r)
    }

    /// The value that an absent field has.
    #[must_use]
    fn absent<T: As<Self>>() -> Option<T> {
        Some(T::absent())
    }

    /// Writes a value without a key.
    #[doc(hidden)]
    fn encode_value<T: Integer>(value: &T, out: &mut Writer) {
        if !Self::put(value.widen(), out) {
            out.refuse(EncodeError::OutOfRange(Self::NAME));
        }
    }

    /// Reads a value without a key.
    #[doc(hidden)]
    fn decode_value<T: Integer>(r: &mut Reader<'_>) -> Result<T, DecodeError> {
        T::narrow(Self::take(r)?).ok_or_else(|| DecodeFault::OutOfRange(T::NAME).into())
    }
}

macro_rules! representation {
    ($($name:ident, $rust:ty, $proto:literal, $wire:ident,
       |$n:ident, $out:ident| $put:expr, |$r:ident| $take:expr;)*) => {$(
        #[doc = concat!("The type `", $proto, "`.")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Representation for $name {
            const WIRE: Wire = Wire::$wire;
            const SCALAR: Scalar = Scalar::$name;
            const NAME: &'static str = $proto;

            fn put(n: i128, $out: &mut Writer) -> bool {
                match <$rust>::try_from(n) {
                    Ok($n) => { $put; true }
                    // A value must follow the key all the same.
                    Err(_) => { let $n: $rust = 0; $put; false }
                }
            }

            fn take($r: &mut Reader<'_>) -> Result<i128, DecodeError> {
                Ok(i128::from($take))
            }
        }
    )*};
}

representation! {
    Int32, i32, "int32", Varint, |n, out| out.varint(i64::from(n) as u64),
        |r| i32::try_from(r.varint()? as i64).map_err(|_| DecodeFault::OutOfRange("int32"))?;
    Int64, i64, "int64", Varint, |n, out| out.varint(n as u64), |r| r.varint()? as i64;
    Fixed32, u32, "fixed32", Fixed32, |n, out| out.fixed32(n), |r| r.fixed32()?;
    Fixed64, u64, "fixed64", Fixed64, |n, out| out.fixed64(n), |r| r.fixed64()?;
    Sfixed32, i32, "sfixed32", Fixed32, |n, out| out.fixed32(n as u32), |r| r.fixed32()? as i32;
    Sfixed64, i64, "sfixed64", Fixed64, |n, out| out.fixed64(n as u64), |r| r.fixed64()? as i64;
}

/// A Rust integer.
pub trait Integer: Copy + Send + Sync + 'static {
    #[doc(hidden)]
    const NAME: &'static str;
    #[doc(hidden)]
    fn widen(self) -> i128;
    #[doc(hidden)]
    fn narrow(n: i128) -> Option<Self>;
}

macro_rules! integer {
    ($($rust:ident)*) => {$(
        impl Integer for $rust {
            const NAME: &'static str = stringify!($rust);

            fn widen(self) -> i128 {
                self as i128
            }

            fn narrow(n: i128) -> Option<Self> {
                Self::try_from(n).ok()
            }
        }
    )*};
}

integer!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

/// A Rust type that can be written as `W`: an integer, or an `Option` or a `Vec` of integers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as `{W}`",
    note = "`#[rpc(as = \"…\")]` is for integers, and for `Option` and `Vec` of integers"
)]
pub trait As<W: Representation>: Sized {
    #[doc(hidden)]
    fn encode(&self, tag: u32, out: &mut Writer);
    #[doc(hidden)]
    fn merge(slot: &mut Option<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError>;
    #[doc(hidden)]
    fn absent() -> Self;
    #[doc(hidden)]
    fn describe() -> Shape;

    /// The slot of a field that is written so.
    #[doc(hidden)]
    fn slot(slot: &mut Option<Self>) -> SlotAs<'_, Self, W> {
        SlotAs { slot, written: PhantomData }
    }
}

/// A slot of a type that is written as `W`.
#[doc(hidden)]
pub struct SlotAs<'a, T, W> {
    slot: &'a mut Option<T>,
    written: PhantomData<W>,
}

impl<T: As<W>, W: Representation> Slot for SlotAs<'_, T, W> {
    fn merge(&mut self, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        T::merge(self.slot, wire, r)
    }

    fn settle(&mut self) -> bool {
        if self.slot.is_none() {
            *self.slot = Some(T::absent());
        }
        true
    }

    fn clear(&mut self) {
        *self.slot = None;
    }
}

impl<W: Representation, T: Integer> As<W> for T {
    fn encode(&self, tag: u32, out: &mut Writer) {
        if self.widen() != 0 {
            out.key(tag, W::WIRE);
            W::encode_value(self, out);
        }
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        wire.expect(W::WIRE)?;
        *slot = Some(W::decode_value(r)?);
        Ok(())
    }

    fn absent() -> Self {
        T::narrow(0).expect("every integer type has a zero")
    }

    fn describe() -> Shape {
        // What the type on the wire can say, the Rust type may still not hold.
        let narrowed = match W::SCALAR {
            Scalar::Int32 | Scalar::Sfixed32 => T::NAME != "i32",
            Scalar::Int64 | Scalar::Sfixed64 => T::NAME != "i64",
            Scalar::Fixed32 => T::NAME != "u32",
            _ => T::NAME != "u64",
        };
        Shape::narrowed(W::SCALAR, if narrowed { T::NAME } else { "" })
    }
}

impl<W: Representation, T: Integer> As<W> for Option<T> {
    fn encode(&self, tag: u32, out: &mut Writer) {
        if let Some(value) = self {
            out.key(tag, W::WIRE);
            W::encode_value(value, out);
        }
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        wire.expect(W::WIRE)?;
        *slot = Some(Some(W::decode_value(r)?));
        Ok(())
    }

    fn absent() -> Self {
        None
    }

    fn describe() -> Shape {
        Shape::Optional(Box::new(<T as As<W>>::describe()))
    }
}

impl<W: Representation, T: Integer> As<W> for Vec<T> {
    fn encode(&self, tag: u32, out: &mut Writer) {
        if !self.is_empty() {
            out.key(tag, Wire::Len);
            let length = out.begin();
            for value in self {
                W::encode_value(value, out);
            }
            out.end(length);
        }
    }

    fn merge(slot: &mut Option<Self>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let list = slot.get_or_insert_default();
        if wire == W::WIRE {
            list.push(W::decode_value(r)?);
            return Ok(());
        }
        crate::types::list::merge_packed(list, W::WIRE, wire, r, |r| W::decode_value(r))
    }

    fn absent() -> Self {
        Vec::new()
    }

    fn describe() -> Shape {
        Shape::List(Box::new(<T as As<W>>::describe()))
    }
}
