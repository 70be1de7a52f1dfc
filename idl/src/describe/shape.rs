//! What a type looks like on the wire, as its `describe` reports it.

use crate::descriptor::FieldType;
use std::borrow::Cow;

/// What a type looks like on the wire. Named types stand in the [`Registry`](crate::Registry) that the
/// shape came from; the other shapes are complete in themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A number, text or bytes.
    Scalar {
        /// Its type in Protocol Buffers.
        scalar: Scalar,
        /// What narrows it further: `u8` is a `uint32` up to 255. Empty: nothing does.
        narrowed: Cow<'static, str>,
    },
    /// A struct or an enum, by its place in the registry.
    Named(TypeRef),
    /// A message of Google's, known everywhere.
    WellKnown(WellKnown),
    /// A value or none.
    Optional(Box<Shape>),
    /// Any number of values in order, or a set.
    List(Box<Shape>),
    /// Keys and their values.
    Map(Box<Shape>, Box<Shape>),
    /// A message that was not described by its Rust type but by a `.proto`; by its full name, without a leading dot.
    Foreign(String),
    /// Several values, as fields 1, 2, …
    Tuple(Vec<Shape>),
    /// One of two: `Result<T, E>`, as fields 1 and 2.
    Result(Box<Shape>, Box<Shape>),
}

impl Shape {
    /// The shape of a scalar that its type in Protocol Buffers says all about.
    #[must_use]
    pub const fn scalar(scalar: Scalar) -> Self {
        Self::narrowed(scalar, "")
    }

    /// The shape of a scalar of which only some values are valid; `narrowed` is the Rust type's name.
    #[must_use]
    pub const fn narrowed(scalar: Scalar, narrowed: &'static str) -> Self {
        Self::Scalar { scalar, narrowed: Cow::Borrowed(narrowed) }
    }

    /// The shape of bytes of a fixed length.
    pub(crate) fn exactly(length: usize) -> Self {
        Self::Scalar { scalar: Scalar::Bytes, narrowed: format!("[u8; {length}]").into() }
    }
}

/// A struct's or enum's place in the [`Registry`](crate::Registry) that described it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeRef(pub(super) usize);

/// The scalar types of Protocol Buffers. The numbers are those of `FieldDescriptorProto.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[expect(missing_docs, reason = "each is the type of its name in Protocol Buffers")]
pub enum Scalar {
    Double = 1,
    Float = 2,
    Int64 = 3,
    Uint64 = 4,
    Int32 = 5,
    Fixed64 = 6,
    Fixed32 = 7,
    Bool = 8,
    String = 9,
    Bytes = 12,
    Uint32 = 13,
    Sfixed32 = 15,
    Sfixed64 = 16,
    Sint32 = 17,
    Sint64 = 18,
}

impl From<Scalar> for FieldType {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Double => Self::Double,
            Scalar::Float => Self::Float,
            Scalar::Int64 => Self::Int64,
            Scalar::Uint64 => Self::Uint64,
            Scalar::Int32 => Self::Int32,
            Scalar::Fixed64 => Self::Fixed64,
            Scalar::Fixed32 => Self::Fixed32,
            Scalar::Bool => Self::Bool,
            Scalar::String => Self::String,
            Scalar::Bytes => Self::Bytes,
            Scalar::Uint32 => Self::Uint32,
            Scalar::Sfixed32 => Self::Sfixed32,
            Scalar::Sfixed64 => Self::Sfixed64,
            Scalar::Sint32 => Self::Sint32,
            Scalar::Sint64 => Self::Sint64,
        }
    }
}

/// The messages of Google's that Rust types map to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WellKnown {
    /// `()`, and a variant without data: `google.protobuf.Empty`.
    Empty,
    /// `Duration`: `google.protobuf.Duration`.
    Duration,
    /// `SystemTime`: `google.protobuf.Timestamp`.
    Timestamp,
}
