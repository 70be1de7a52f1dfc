//! How a field announces itself: its number and the form of what follows.

use crate::DecodeError;

/// The form of one value on the wire, as Protocol Buffers has it. A reader that does not know a
/// field can step over it by this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Wire {
    /// A number in groups of seven bits.
    Varint = 0,
    /// Eight bytes, little endian.
    Fixed64 = 1,
    /// A length, then that many bytes: text, bytes, messages, packed numbers.
    Len = 2,
    /// The start of a group. Nobody writes these any more; they are only skipped.
    Group = 3,
    /// Four bytes, little endian.
    Fixed32 = 5,
}

impl Wire {
    /// Refuses a field of another form than the expected one.
    pub fn expect(self, expected: Wire) -> Result<(), DecodeError> {
        if self == expected { Ok(()) } else { Err(DecodeError::wrong_wire(expected, self)) }
    }

    /// Whether a list of such values is packed into one field.
    pub(crate) const fn packs(self) -> bool {
        !matches!(self, Wire::Len | Wire::Group)
    }
}

/// How deep messages may sit in each other, when written and when read. Beyond it stacks could overflow.
pub const DEPTH_MAX: u32 = 64;

/// The largest field number of Protocol Buffers.
pub const TAG_MAX: u32 = (1 << 29) - 1;

/// Spreads signed numbers over the unsigned ones so that small magnitudes stay short.
pub(crate) const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

/// Reverses [`zigzag`].
pub(crate) const fn unzigzag(n: u64) -> i64 {
    ((n >> 1) as i64) ^ -((n & 1) as i64)
}
