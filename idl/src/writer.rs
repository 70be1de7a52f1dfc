//! The buffer that values are marshalled into, in one pass.
//!
//! The length of a nested message stands before it but is known only after it: one byte is kept free,
//! and widened in place if the length needs more. Large [`Bytes`] are not copied; the buffer notes where
//! they belong (a cut), and [`Writer::pieces`] gives everything in order for a vectored write.

use crate::{DEPTH_MAX, EncodeError, Message, Wire};
use bytes::Bytes;

/// From this length on, [`Bytes`] are referred to and not copied.
const CUT_BYTES_MIN: usize = 16 * 1024;

/// What [`Writer::clear`] keeps of the buffer, so that one large call does not hold memory for ever.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Where values are marshalled to. Reusable: [`clear`](Self::clear) keeps the memory.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    /// None in most messages: a writer is moved more often than it has any.
    cuts: Option<Box<Cuts>>,
    depth: u32,
    fault: Option<EncodeError>,
}

/// Where the large values belong.
#[derive(Debug, Default)]
struct Cuts {
    list: Vec<Cut>,
    /// The bytes of all together.
    bytes: usize,
}

/// Bytes that belong into the buffer before its byte `at`.
#[derive(Debug)]
struct Cut {
    at: usize,
    bytes: Bytes,
}

impl Cuts {
    /// Keeps what lies within the first `length` bytes of the message.
    fn truncate(&mut self, length: usize) {
        while let Some(last) = self.list.last_mut() {
            let start = last.at + self.bytes - last.bytes.len();
            if start >= length {
                self.bytes -= last.bytes.len();
                self.list.pop();
                continue;
            }
            let kept = last.bytes.len().min(length - start);
            self.bytes -= last.bytes.len() - kept;
            last.bytes.truncate(kept);
            break;
        }
    }
}

/// A length that is not known yet.
#[derive(Debug)]
#[must_use = "what it spans has an end"]
pub(crate) struct Length {
    /// Where it belongs; there is room for one byte.
    at: usize,
    /// The number of cuts before it, and of their bytes.
    first_cut: usize,
    cut_bytes: usize,
}

/// A part of what was written; see [`Writer::pieces`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A part that the writer holds itself.
    Slice(&'a [u8]),
    /// A large value that was not copied.
    Bytes(&'a Bytes),
}

impl AsRef<[u8]> for Piece<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Piece::Slice(slice) => slice,
            Piece::Bytes(bytes) => bytes,
        }
    }
}

impl Writer {
    /// An empty writer, without memory of its own yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), cuts: None, depth: 0, fault: None }
    }

    /// The number of bytes written, large values included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len() + self.cut_bytes()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets what was written and any fault. The memory is kept, up to 64 KiB.
    pub fn clear(&mut self) {
        self.buffer.clear();
        if self.buffer.capacity() > KEPT_BYTES_MAX {
            self.buffer.shrink_to(KEPT_BYTES_MAX);
        }
        self.cuts = None;
        self.fault = None;
    }

    /// Gives back memory that what was written does not need, if that is more than half of it and more than a
    /// little: for a message that is kept.
    pub fn shrink(&mut self) {
        const LITTLE: usize = 1024;
        if self.buffer.capacity() > 2 * self.buffer.len() + LITTLE {
            self.buffer.shrink_to_fit();
        }
    }

    /// The memory that it takes, large values included.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.capacity() + self.cut_bytes()
    }

    /// Makes a large message without large values into a large value, which other writers can refer to.
    pub fn share(&mut self) {
        if self.cuts.is_none() && self.buffer.len() >= CUT_BYTES_MIN {
            self.fit();
            let bytes = Bytes::from(std::mem::take(&mut self.buffer));
            self.cut(bytes);
        }
    }

    /// Gives back all memory that what was written does not need.
    pub fn fit(&mut self) {
        self.buffer.shrink_to_fit();
    }

    /// Whether all that was written can be read again. Ask once, at the end, before sending.
    pub fn check(&self) -> Result<(), EncodeError> {
        match self.fault {
            None => Ok(()),
            Some(fault) => Err(fault),
        }
    }

    /// Keeps the first `length` bytes, as counted by [`len`](Self::len), and forgets any fault.
    pub fn truncate(&mut self, length: usize) {
        self.fault = None;
        if let Some(cuts) = &mut self.cuts {
            cuts.truncate(length);
            if cuts.list.is_empty() {
                self.cuts = None;
            }
        }
        self.buffer.truncate(length.saturating_sub(self.cut_bytes()));
    }

    /// Gives back the large values that lie within the first `length` bytes, and the rest moves up: for what was sent
    /// already. Gives how many bytes they were.
    pub fn forget_large(&mut self, length: usize) -> usize {
        let Some(cuts) = &mut self.cuts else { return 0 };
        let (mut count, mut forgotten) = (0, 0);
        for cut in &cuts.list {
            if cut.at + forgotten + cut.bytes.len() > length {
                break;
            }
            forgotten += cut.bytes.len();
            count += 1;
        }
        cuts.list.drain(..count);
        cuts.bytes -= forgotten;
        if cuts.list.is_empty() {
            self.cuts = None;
        }
        forgotten
    }

    /// All that was written, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut done = 0;
        let around_cuts = self.cuts().iter().flat_map(move |cut| {
            let slice = &self.buffer[done..cut.at];
            done = cut.at;
            [Piece::Slice(slice), Piece::Bytes(&cut.bytes)]
        });
        let last_cut = self.cuts().last().map_or(0, |cut| cut.at);
        let rest = Piece::Slice(&self.buffer[last_cut..]);
        around_cuts.chain([rest]).filter(|piece| !piece.as_ref().is_empty())
    }

    /// All that was written, if there are no large values in it.
    #[cfg_attr(not(debug_assertions), inline)]
    #[must_use]
    pub fn as_slice(&self) -> Option<&[u8]> {
        self.cuts.is_none().then_some(&self.buffer)
    }

    /// All that was written, copied into one vector.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        self.pieces().for_each(|piece| all.extend_from_slice(piece.as_ref()));
        all
    }

    /// All that was written, as one piece; copied only if there are large values.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        if self.cuts.is_none() { self.buffer.into() } else { self.to_vec().into() }
    }

    /// Appends bytes as they are, without key or length.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends what `write` appends.
    #[cfg(feature = "prost")]
    pub(crate) fn append<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        write(&mut self.buffer)
    }

    /// Appends bytes as they are; large ones are referred to and not copied.
    pub fn put_bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < CUT_BYTES_MIN {
            self.put_slice(bytes);
        } else {
            self.cut(bytes.clone());
        }
    }

    /// Notes that a large value belongs here.
    fn cut(&mut self, bytes: Bytes) {
        let cuts = self.cuts.get_or_insert_default();
        cuts.bytes += bytes.len();
        cuts.list.push(Cut { at: self.buffer.len(), bytes });
    }

    fn cuts(&self) -> &[Cut] {
        self.cuts.as_ref().map_or(&[], |cuts| &cuts.list)
    }

    fn cut_bytes(&self) -> usize {
        self.cuts.as_ref().map_or(0, |cuts| cuts.bytes)
    }

    /// Appends the key of a field. A value of form `wire` must follow.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn key(&mut self, tag: u32, wire: Wire) {
        self.varint((u64::from(tag) << 3) | wire as u64);
    }

    /// Appends a number in groups of seven bits.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn varint(&mut self, n: u64) {
        if n < 0x80 { self.buffer.push(n as u8) } else { self.long_varint(n) }
    }

    fn long_varint(&mut self, mut n: u64) {
        let mut bytes = [0; 10];
        let mut length = 0;
        while n >= 0x80 {
            bytes[length] = n as u8 | 0x80;
            n >>= 7;
            length += 1;
        }
        bytes[length] = n as u8;
        self.put_slice(&bytes[..=length]);
    }

    /// Appends four bytes, little endian.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn fixed32(&mut self, n: u32) {
        self.put_slice(&n.to_le_bytes());
    }

    /// Appends eight bytes, little endian.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn fixed64(&mut self, n: u64) {
        self.put_slice(&n.to_le_bytes());
    }

    /// Appends a field of text; nothing when it is empty, for absence says the same.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn str(&mut self, tag: u32, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    /// Appends a field of bytes; nothing when it is empty, for absence says the same.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn bytes(&mut self, tag: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.key(tag, Wire::Len);
            self.bytes_value(bytes);
        }
    }

    /// Appends a length and bytes, without a key.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn bytes_value(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.put_slice(bytes);
    }

    /// Appends a field that is present whatever its value: in an `Option`, as a variant, in a map.
    #[inline]
    pub fn field<T: Message>(&mut self, tag: u32, value: &T) {
        self.key(tag, T::WIRE);
        value.encode_value(self);
    }

    /// Appends a field that is a message; `body` writes its fields.
    #[inline]
    pub fn message(&mut self, tag: u32, body: impl FnOnce(&mut Self)) {
        self.key(tag, Wire::Len);
        self.nested(body);
    }

    /// Appends a field that is an empty message: a variant without data.
    pub fn empty(&mut self, tag: u32) {
        self.key(tag, Wire::Len);
        self.varint(0);
    }

    /// Appends a field that is an enum without data; nothing for number 0, which absence says too.
    pub fn enumeration(&mut self, tag: u32, number: i32) {
        if number != 0 {
            self.key(tag, Wire::Varint);
            self.enumeration_value(number);
        }
    }

    /// Appends the number of an enum without data, without a key.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn enumeration_value(&mut self, number: i32) {
        self.varint(i64::from(number) as u64);
    }

    /// Appends the length of a message and the message; `body` writes its fields.
    ///
    /// Too deep in each other, `body` is not called: so that a value without end does not overflow the
    /// stack. [`check`](Self::check) tells.
    #[inline]
    pub fn nested(&mut self, body: impl FnOnce(&mut Self)) {
        if let Some(length) = self.open() {
            body(self);
            self.close(length);
        }
    }

    // In two halves, so that what is compiled for each type is small.

    /// Begins a message: its fields come next, then [`close`](Self::close). None: it is too deep, and stays empty.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn open(&mut self) -> Option<Length> {
        if self.depth >= DEPTH_MAX {
            self.refuse(EncodeError::TooDeep);
            self.varint(0);
            return None;
        }
        self.depth += 1;
        Some(self.begin())
    }

    /// Ends a message.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn close(&mut self, length: Length) {
        self.end(length);
        self.depth -= 1;
    }

    /// Keeps room for the length of what comes next.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn begin(&mut self) -> Length {
        let length = Length { at: self.buffer.len(), first_cut: self.cuts().len(), cut_bytes: self.cut_bytes() };
        self.buffer.push(0);
        length
    }

    /// What the length spans has been written.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn end(&mut self, Length { at, first_cut, cut_bytes }: Length) {
        let length = self.buffer.len() - at - 1 + self.cut_bytes() - cut_bytes;
        if length < 0x80 {
            self.buffer[at] = length as u8;
        } else {
            self.widen(at, first_cut, length);
        }
    }

    /// Makes room at `start`, where one byte is free, for a length of several bytes.
    fn widen(&mut self, start: usize, first_cut: usize, length: usize) {
        let end = self.buffer.len();
        let width = (usize::BITS - length.leading_zeros()).div_ceil(7) as usize;
        self.buffer.resize(end + width - 1, 0);
        self.buffer.copy_within(start + 1..end, start + width);
        let mut rest = length;
        for byte in &mut self.buffer[start..start + width] {
            *byte = rest as u8 | 0x80;
            rest >>= 7;
        }
        self.buffer[start + width - 1] &= 0x7f;
        if let Some(cuts) = &mut self.cuts {
            cuts.list[first_cut..].iter_mut().for_each(|cut| cut.at += width - 1);
        }
    }

    /// Notes that a value cannot be written. The first such note stays.
    #[cold]
    pub(crate) fn refuse(&mut self, fault: EncodeError) {
        self.fault.get_or_insert(fault);
    }
}
