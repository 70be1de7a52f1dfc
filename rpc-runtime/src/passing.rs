//! Large replies that are sent once and not kept: the memory that those of all connections together take until they are
//! sent.
//!
//! A call is not started while its connection has much to send, but calls that wait together can end together. What their
//! connection has no room for then comes out of this, and what finds no room here either is lost: its call has ended, and
//! that is what its caller learns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use idl::{Piece, Writer};

/// From this length on a reply is large: it is referred to and not copied.
pub(crate) const LARGE_BYTES: usize = 16 * 1024;

/// How much is on its way. A count, which orders nothing else.
#[derive(Debug)]
pub(crate) struct Passing {
    bytes_max: usize,
    bytes: Arc<AtomicUsize>,
}

impl Passing {
    /// Nothing yet, of at most `bytes_max` and one reply.
    pub(crate) fn new(bytes_max: usize) -> Passing {
        Passing { bytes_max, bytes: Arc::default() }
    }

    /// Whether there is room for no further reply.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.bytes_max
    }

    /// The same reply, whose large parts count for as long as somebody refers to them.
    pub(crate) fn count(&self, reply: &Writer) -> Writer {
        let mut counted = Writer::new();
        for piece in reply.pieces() {
            match piece {
                Piece::Slice(bytes) => counted.put_slice(bytes),
                Piece::Bytes(bytes) => counted.put_bytes(&Bytes::from_owner(Counted::new(bytes, &self.bytes))),
            }
        }
        counted
    }
}

/// Bytes that count until they are dropped.
struct Counted {
    bytes: Bytes,
    sum: Arc<AtomicUsize>,
}

impl Counted {
    fn new(bytes: &Bytes, sum: &Arc<AtomicUsize>) -> Counted {
        sum.fetch_add(bytes.len(), Ordering::Relaxed);
        Counted { bytes: bytes.clone(), sum: Arc::clone(sum) }
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.sum.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reply counts from when it is given away until the last that refers to it is gone.
    #[test]
    fn what_was_sent_counts_no_more() {
        let passing = Passing::new(100_000);
        let mut reply = Writer::new();
        reply.put_slice(&[7; 100_000]);
        reply.share();
        let counted = passing.count(&reply);
        assert!(passing.is_full());
        assert_eq!(counted.to_vec(), [7; 100_000]);
        let mut outbox = Writer::new();
        counted.pieces().for_each(|piece| match piece {
            Piece::Slice(bytes) => outbox.put_slice(bytes),
            Piece::Bytes(bytes) => outbox.put_bytes(bytes),
        });
        drop((reply, counted));
        assert!(passing.is_full());
        outbox.clear();
        assert!(!passing.is_full());
    }
}
