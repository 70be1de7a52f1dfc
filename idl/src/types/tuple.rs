//! Tuples: messages with fields 1, 2, …

use crate::{DecodeError, Message, Reader, Registry, Shape, WellKnown, Wire, Writer, present};

impl Message for () {
    const WIRE: Wire = Wire::Len;

    /// Nothing, for absence says the same.
    fn encode(&self, _: u32, _: &mut Writer) {}

    fn decode_fields(_: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        while let Some((_, wire)) = r.next_field()? {
            r.skip(wire)?;
        }
        Ok(())
    }

    fn absent() -> Option<Self> {
        Some(())
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::WellKnown(WellKnown::Empty)
    }
}

macro_rules! tuple {
    ($($tag:literal $name:literal $value:ident $type:ident,)+) => {
        impl<$($type: Message),+> Message for ($($type,)+) {
            const WIRE: Wire = Wire::Len;

            fn encode(&self, tag: u32, out: &mut Writer) {
                out.field(tag, self);
            }

            fn encode_fields(&self, out: &mut Writer) {
                let ($($value,)+) = self;
                $($value.encode($tag, out);)+
            }

            fn decode_fields(
                before: Option<Self>,
                r: &mut Reader<'_>,
            ) -> Result<Self, DecodeError> {
                let ($(mut $value,)+) = match before {
                    Some(($($value,)+)) => ($(Some($value),)+),
                    None => Default::default(),
                };
                while let Some((tag, wire)) = r.next_field()? {
                    match tag {
                        $($tag => r.merge(&mut $value, wire, $name)?,)+
                        _ => r.skip(wire)?,
                    }
                }
                Ok(($(present(&mut $value, $name)?,)+))
            }

            fn absent() -> Option<Self> {
                Some(($($type::absent()?,)+))
            }

            fn describe(registry: &mut Registry) -> Shape {
                Shape::Tuple(vec![$($type::describe(registry)),+])
            }
        }
    };
}

/// Implements it for the tuple of all that is given, after that of all but the last.
macro_rules! tuples {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] $tag:literal $name:literal $value:ident $type:ident, $($rest:tt)*) => {
        tuple!($($done)* $tag $name $value $type,);
        tuples!([$($done)* $tag $name $value $type,] $($rest)*);
    };
}

tuples! { []
    1 "field_1" a A,
    2 "field_2" b B,
    3 "field_3" c C,
    4 "field_4" d D,
    5 "field_5" e E,
    6 "field_6" f F,
    7 "field_7" g G,
    8 "field_8" h H,
    9 "field_9" i I,
    10 "field_10" j J,
    11 "field_11" k K,
    12 "field_12" l L,
}
