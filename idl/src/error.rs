//! What can be wrong with bytes that should be a value, and with a value that should become bytes.

use crate::Wire;
use std::fmt;

/// Why bytes are not a value of the expected type, and in which field.
///
/// Small, because every decoding function returns it: the details are in a box.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Details>);

#[derive(Clone, PartialEq, Eq)]
struct Details {
    fault: DecodeFault,
    /// Innermost field first.
    path: Vec<&'static str>,
}

/// What was wrong, without the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeFault {
    /// The bytes end within a value.
    #[error("the bytes end too early")]
    Truncated,
    /// A number has more than ten bytes or more than 64 bits.
    #[error("a number is longer than 64 bits")]
    VarintTooLong,
    /// A field's key is none: number 0, a number out of range, or a form that does not exist.
    #[error("no field has the key {0}")]
    BadKey(u64),
    /// The field has another form than its type.
    #[error("expected {expected:?} on the wire, found {found:?}")]
    WrongWire {
        /// The form of the field's type.
        expected: Wire,
        /// The form that came.
        found: Wire,
    },
    /// A group ends that did not start, or with another number than it started with.
    #[error("a group ends that was not open")]
    UnmatchedGroup,
    /// Messages sit deeper in each other than [`DEPTH_MAX`](crate::DEPTH_MAX).
    #[error("messages sit more than {} deep in each other", crate::DEPTH_MAX)]
    TooDeep,
    /// The number does not fit the Rust type.
    #[error("the number is out of range for {0}")]
    OutOfRange(&'static str),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// The type is exactly so many bytes long.
    #[error("expected {expected} bytes, found {found}")]
    WrongLength {
        /// The length of the type.
        expected: usize,
        /// The length that came.
        found: usize,
    },
    /// A field is absent whose type has no value for that.
    #[error("it is absent, and its type has no default")]
    Absent,
    /// An enum without data knows no such number, and has no variant marked `#[rpc(other)]`.
    #[error("no variant of {name} has the number {number}")]
    UnknownNumber {
        /// The enum.
        name: &'static str,
        /// What came.
        number: i32,
    },
    /// None of an enum's variants is present.
    #[error("it holds no known variant of {0}")]
    NoVariant(&'static str),
    /// Anything else that a hand-written type objects to.
    #[error("{0}")]
    Invalid(&'static str),
    /// What another library said that reads a type of its own.
    #[error("{0}")]
    Foreign(Box<str>),
}

impl DecodeError {
    /// The error that a hand-written [`Message`](crate::Message) reports. Lower case, no full stop.
    #[must_use]
    pub fn invalid(what: &'static str) -> Self {
        DecodeFault::Invalid(what).into()
    }

    /// The error of a field that is absent although its type has no default.
    #[cold]
    #[must_use]
    pub fn absent(field: &'static str) -> Self {
        Self::from(DecodeFault::Absent).in_field(field)
    }

    /// The error of an enum without data that came with a number it does not know.
    #[cold]
    #[must_use]
    pub fn unknown_number(name: &'static str, number: i32) -> Self {
        DecodeFault::UnknownNumber { name, number }.into()
    }

    /// The error of an enum with data that came without any variant it knows.
    #[cold]
    #[must_use]
    pub fn no_variant(name: &'static str) -> Self {
        DecodeFault::NoVariant(name).into()
    }

    #[cold]
    pub(crate) fn wrong_wire(expected: Wire, found: Wire) -> Self {
        DecodeFault::WrongWire { expected, found }.into()
    }

    /// The same error, one field further out: `title` becomes `loan.title`.
    #[cold]
    #[must_use]
    pub fn in_field(mut self, field: &'static str) -> Self {
        self.0.path.push(field);
        self
    }

    /// What was wrong.
    #[must_use]
    pub fn fault(&self) -> &DecodeFault {
        &self.0.fault
    }

    /// Where it was wrong, as far as fields have names: `loan.title`. Empty at the outermost message.
    #[must_use]
    pub fn path(&self) -> String {
        let outermost_first: Vec<&str> = self.0.path.iter().rev().copied().collect();
        outermost_first.join(".")
    }
}

impl From<DecodeFault> for DecodeError {
    #[cold]
    fn from(fault: DecodeFault) -> Self {
        Self(Box::new(Details { fault, path: Vec::new() }))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        self.0.fault.fmt(f)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self})")
    }
}

impl std::error::Error for DecodeError {}

/// Why a value cannot be written. The [`Writer`](crate::Writer) notes the first one and carries on with
/// nothing in the place of the offending value; [`Writer::check`](crate::Writer::check) reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Messages sit deeper in each other than [`DEPTH_MAX`](crate::DEPTH_MAX).
    #[error("messages sit more than {} deep in each other", crate::DEPTH_MAX)]
    TooDeep,
    /// The value lies outside what its type on the wire can say.
    #[error("the value is out of range for {0}")]
    OutOfRange(&'static str),
}
