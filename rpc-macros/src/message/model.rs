//! What a derive knows of a type: its name on the wire and its numbered fields or variants.

use proc_macro2::{Literal, Span};
use syn::{Generics, Ident, Member, Path, Type};

/// A type that is to travel.
pub(crate) struct Message {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// Where rpc-runtime is found.
    pub(crate) krate: Path,
    /// Its name in descriptions.
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) body: Body,
}

/// The four forms that a type takes on the wire.
pub(crate) enum Body {
    /// A struct: a message.
    Fields(Vec<Field>),
    /// `#[rpc(transparent)]`: whatever its only field is.
    Transparent(Box<Field>),
    /// `#[rpc(prost)]`: prost reads and writes it. The path is that of the descriptors.
    Prost(Option<Path>),
    /// An enum without data: an enum.
    Numbers(Vec<Variant>),
    /// An enum with data: a message with one oneof.
    Oneof(Vec<Variant>),
}

/// A field of a struct or of a variant.
pub(crate) struct Field {
    /// How Rust reaches it.
    pub(crate) member: Member,
    /// The local variable that holds it in generated code.
    pub(crate) local: Ident,
    pub(crate) ty: Type,
    pub(crate) tag: u32,
    /// Its name in descriptions.
    pub(crate) name: String,
    pub(crate) docs: String,
    /// The marker type of `#[rpc(as = "…")]`.
    pub(crate) wire_as: Option<Ident>,
    /// The tokens that give the field its number and name, for mistakes.
    pub(crate) span: Span,
}

/// A variant of an enum.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) tag: u32,
    /// Its name in descriptions, in Rust's spelling.
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) payload: Payload,
    /// `#[rpc(code = "not_found")]` in an error enum: the variant of `Code` that callers over gRPC see.
    pub(crate) code: Option<Ident>,
    /// `#[rpc(other)]`: stands for whatever this program does not know.
    pub(crate) other: Option<Span>,
    /// std's `#[default]`: stands for absence.
    pub(crate) default: Option<Span>,
    /// The tokens that give the variant its number, for mistakes.
    pub(crate) span: Span,
}

/// What a variant of a oneof carries.
pub(crate) enum Payload {
    /// Nothing: the empty message.
    Unit,
    /// One unnamed field, which is the oneof's field itself.
    Value(Box<Field>),
    /// A message of its own.
    Fields(Vec<Field>),
    /// The runtime's `CallError`, in an error enum.
    CallError(Box<Field>),
    /// `#[rpc(text)]` in an error enum: anything, of which only the text travels.
    Text,
}

/// The tag of the variant that holds the runtime's `CallError`, in every error enum.
pub(crate) const CALL_ERROR_TAG: u32 = 2047;

impl Field {
    /// Its tag as it stands in code.
    pub(crate) fn number(&self) -> Literal {
        Literal::u32_unsuffixed(self.tag)
    }
}

impl Variant {
    /// Its number as it stands in code.
    pub(crate) fn number(&self) -> Literal {
        Literal::u32_unsuffixed(self.tag)
    }
}

impl Message {
    /// Every list of fields in it, each with a number space of its own.
    pub(crate) fn field_lists(&self) -> Vec<&[Field]> {
        match &self.body {
            Body::Fields(fields) => vec![fields],
            Body::Transparent(field) => vec![std::slice::from_ref(&**field)],
            Body::Prost(_) => Vec::new(),
            Body::Numbers(variants) | Body::Oneof(variants) => variants
                .iter()
                .filter_map(|variant| match &variant.payload {
                    Payload::Fields(fields) => Some(&fields[..]),
                    _ => None,
                })
                .collect(),
        }
    }
}
