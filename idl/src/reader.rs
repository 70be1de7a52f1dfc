//! Bytes from another process, read field by field. Whatever they are, nothing here panics, and nothing
//! allocates for a length that was only claimed.
//!
//! What is inlined only where code is optimised (`not(debug_assertions)`), here and in the runtime, is compiled once in a debug
//! build, and not again with each crate that calls it.

use crate::wire::TAG_MAX;
use crate::{DEPTH_MAX, DecodeError, DecodeFault, Message, Text, Wire};
use bytes::Bytes;

/// The rest of a message that is being read.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// What `rest` lies in, if values may be slices of it.
    frame: Option<&'a Bytes>,
    depth: u32,
    /// The number of the latest field: a group must end with the number it started with.
    tag: u32,
}

impl<'a> Reader<'a> {
    /// Reads a message from bytes; [`Bytes`] and [`Text`] values are copied out of them.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, frame: None, depth: 0, tag: 0 }
    }

    /// Reads a message from a frame; [`Bytes`] and [`Text`] values are slices of it, not copies.
    #[must_use]
    pub fn of_frame(frame: &'a Bytes) -> Self {
        Self { rest: frame, frame: Some(frame), depth: 0, tag: 0 }
    }

    /// The bytes that were not read yet, of the message that is being read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether the message that is being read is at its end.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The number and the form of the next field, or `None` at the end of the message. Read its value
    /// next, or [`skip`](Self::skip) it.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn next_field(&mut self) -> Result<Option<(u32, Wire)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        match self.key()? {
            (tag, Some(wire)) => Ok(Some((tag, wire))),
            (_, None) => Err(DecodeFault::UnmatchedGroup.into()),
        }
    }

    /// A key; no form means: the end of a group.
    #[cfg_attr(not(debug_assertions), inline)]
    fn key(&mut self) -> Result<(u32, Option<Wire>), DecodeError> {
        let key = self.varint()?;
        let wire = match key & 7 {
            0 => Some(Wire::Varint),
            1 => Some(Wire::Fixed64),
            2 => Some(Wire::Len),
            3 => Some(Wire::Group),
            4 => None,
            5 => Some(Wire::Fixed32),
            _ => return Err(DecodeFault::BadKey(key).into()),
        };
        match u32::try_from(key >> 3) {
            Ok(tag @ 1..=TAG_MAX) => {
                self.tag = tag;
                Ok((tag, wire))
            }
            _ => Err(DecodeFault::BadKey(key).into()),
        }
    }

    /// How many fields of the latest one's number come after it, before anything that is no field. Its own value, of
    /// this form, was not read yet.
    pub(crate) fn more(&self, wire: Wire) -> usize {
        let mut ahead = Self { ..*self };
        let mut next = Some((self.tag, wire));
        let mut more = 0;
        while let Some((_, wire)) = next
            && ahead.skip(wire).is_ok()
        {
            next = ahead.next_field().ok().flatten();
            more += usize::from(next.is_some_and(|(tag, _)| tag == self.tag));
        }
        more
    }

    /// Steps over the value of a field that nobody knows.
    pub fn skip(&mut self, wire: Wire) -> Result<(), DecodeError> {
        match wire {
            Wire::Varint => self.varint().map(drop),
            Wire::Fixed64 => self.take(8).map(drop),
            Wire::Len => self.slice().map(drop),
            Wire::Fixed32 => self.take(4).map(drop),
            Wire::Group => self.skip_group(),
        }
    }

    /// Steps to the end of the group that has just started.
    fn skip_group(&mut self) -> Result<(), DecodeError> {
        let start = self.tag;
        if self.depth >= DEPTH_MAX {
            return Err(DecodeFault::TooDeep.into());
        }
        self.depth += 1;
        loop {
            match self.key()? {
                (_, Some(wire)) => self.skip(wire)?,
                (tag, None) if tag == start => break,
                (_, None) => return Err(DecodeFault::UnmatchedGroup.into()),
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// A number in groups of seven bits.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.rest {
            [byte @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut n = 0;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte has room for one bit.
            if i == 9 && byte > 1 {
                return Err(DecodeFault::VarintTooLong.into());
            }
            n |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.rest = &self.rest[i + 1..];
                return Ok(n);
            }
        }
        Err(DecodeFault::Truncated.into())
    }

    /// Four bytes, little endian.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn fixed32(&mut self) -> Result<u32, DecodeError> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(u32::from_le_bytes(*bytes))
            }
            None => Err(DecodeFault::Truncated.into()),
        }
    }

    /// Eight bytes, little endian.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn fixed64(&mut self) -> Result<u64, DecodeError> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(u64::from_le_bytes(*bytes))
            }
            None => Err(DecodeFault::Truncated.into()),
        }
    }

    /// The number of an enum without data.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn enumeration(&mut self) -> Result<i32, DecodeError> {
        let n = self.varint()? as i64;
        i32::try_from(n).map_err(|_| DecodeFault::OutOfRange("an enum").into())
    }

    /// The next `length` bytes, as they are.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(DecodeFault::Truncated.into()),
        }
    }

    /// All that is left.
    #[cfg(feature = "prost")]
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// A length and that many bytes.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn slice(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(DecodeFault::Truncated.into()),
        }
    }

    /// A length and that much text.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.slice()?).map_err(|_| DecodeFault::NotUtf8.into())
    }

    /// A length and that many bytes: a slice of the frame if there is one, else a copy.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let slice = self.slice()?;
        Ok(self.hold(slice))
    }

    /// A length and that much text: a slice of the frame if there is one, else a copy.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn text(&mut self) -> Result<Text, DecodeError> {
        let text = self.str()?;
        Ok(Text::from_checked(self.hold(text.as_bytes())))
    }

    fn hold(&self, slice: &'a [u8]) -> Bytes {
        match self.frame {
            Some(frame) => frame.slice_ref(slice),
            None => Bytes::copy_from_slice(slice),
        }
    }

    /// A message: `body` reads its fields, and sees its end as the end.
    #[inline]
    pub fn nested<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        match self.enter() {
            Ok(mut inner) => body(&mut inner),
            Err(error) => Err(error),
        }
    }

    /// A field that is a message: like [`nested`](Self::nested), with its form checked.
    #[inline]
    pub fn message<T>(
        &mut self,
        wire: Wire,
        body: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        match wire.expect(Wire::Len) {
            Ok(()) => self.nested(body),
            Err(error) => Err(error),
        }
    }

    /// A field that is a message of which nothing is known: a variant without data.
    pub fn empty(&mut self, wire: Wire) -> Result<(), DecodeError> {
        wire.expect(Wire::Len)?;
        self.skip(wire)
    }

    /// A field that goes into the slot of its name.
    #[inline]
    pub fn merge<T: Message>(
        &mut self,
        slot: &mut Option<T>,
        wire: Wire,
        field: &'static str,
    ) -> Result<(), DecodeError> {
        match T::merge(slot, wire, self) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.in_field(field)),
        }
    }

    /// A field that is present whatever its value: in an `Option`, as a variant, in a map.
    #[inline]
    pub fn field<T: Message>(&mut self, before: Option<T>, wire: Wire, field: &'static str) -> Result<T, DecodeError> {
        let result = match wire.expect(T::WIRE) {
            Ok(()) => T::decode_value(before, self),
            Err(error) => Err(error),
        };
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(error.in_field(field)),
        }
    }

    /// A reader of the message that comes next. This one goes on after it.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn enter(&mut self) -> Result<Self, DecodeError> {
        if self.depth >= DEPTH_MAX {
            return Err(DecodeFault::TooDeep.into());
        }
        let inner = self.slice()?;
        Ok(Self { rest: inner, frame: self.frame, depth: self.depth + 1, tag: 0 })
    }

    // In two halves, so that what is compiled for each type is small.

    /// Goes to what a length that comes next spans. Gives what comes after it, for [`leave`](Self::leave).
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn within_length(&mut self) -> Result<&'a [u8], DecodeError> {
        let inner = self.slice()?;
        Ok(std::mem::replace(&mut self.rest, inner))
    }

    /// Goes on after what a length spans.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn leave(&mut self, outer: &'a [u8]) {
        self.rest = outer;
    }
}
