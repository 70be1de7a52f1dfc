//! The codes of gRPC: what its callers see of a failed call.

use std::fmt;

/// Why a call failed, in the words of gRPC. Native callers see [`ErrorKind`](crate::ErrorKind) and the typed error instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Code {
    /// The caller cancelled the call.
    Cancelled = 1,
    /// Nothing more is known.
    Unknown = 2,
    /// The arguments are wrong, whatever the state of the service.
    InvalidArgument = 3,
    /// The deadline passed.
    DeadlineExceeded = 4,
    /// Something that was asked for does not exist.
    NotFound = 5,
    /// Something that was to be made exists.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A quota or a table is full.
    ResourceExhausted = 8,
    /// The service is in no state for the call.
    FailedPrecondition = 9,
    /// The call met another one in its way.
    Aborted = 10,
    /// The arguments reach past the end of something.
    OutOfRange = 11,
    /// There is no such method.
    Unimplemented = 12,
    /// The service is broken.
    Internal = 13,
    /// The service cannot be reached, or does not take calls at present.
    Unavailable = 14,
    /// Data is lost.
    DataLoss = 15,
    /// The caller did not say who it is.
    Unauthenticated = 16,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Code; 16] = [
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ];

    /// The code of this number; [`Unknown`](Code::Unknown) for 0 and for a number that gRPC does not have.
    pub fn from_number(number: u32) -> Code {
        let place = number.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| Code::ALL.get(place)).copied().unwrap_or(Code::Unknown)
    }

    /// Its number on the wire.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Its name in gRPC: `NOT_FOUND`.
    pub fn name(self) -> &'static str {
        match self {
            Code::Cancelled => "CANCELLED",
            Code::Unknown => "UNKNOWN",
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::Aborted => "ABORTED",
            Code::OutOfRange => "OUT_OF_RANGE",
            Code::Unimplemented => "UNIMPLEMENTED",
            Code::Internal => "INTERNAL",
            Code::Unavailable => "UNAVAILABLE",
            Code::DataLoss => "DATA_LOSS",
            Code::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each code has its number, and a number that is none of them is read as unknown.
    #[test]
    fn numbers_and_codes_agree() {
        for (place, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code.number() as usize, place + 1);
            assert_eq!(Code::from_number(code.number()), code);
        }
        for number in [0, 17, u32::MAX] {
            assert_eq!(Code::from_number(number), Code::Unknown);
        }
    }
}
