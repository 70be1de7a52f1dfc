//! Buffers that are used again: so many as each thread keeps. A call takes one where it is made and gives it back where its
//! outcome is read, which as a rule is the same thread; so a small call allocates nothing.

use std::cell::RefCell;

use idl::Writer;

/// Buffers that a thread keeps.
const WRITERS_MAX: usize = 256;
/// Larger ones are not kept: a thread's spares take no more than both together.
const WRITER_BYTES_MAX: usize = 4 * 1024;

thread_local! {
    static WRITERS: RefCell<Vec<Writer>> = const { RefCell::new(Vec::new()) };
}

/// An empty writer.
pub(crate) fn writer() -> Writer {
    // A thread that ends has none any more.
    WRITERS.try_with(|writers| writers.borrow_mut().pop()).ok().flatten().unwrap_or_default()
}

/// Keeps the memory of a writer that is no longer needed.
pub(crate) fn keep(mut writer: Writer) {
    writer.clear();
    if (1..=WRITER_BYTES_MAX).contains(&writer.held()) {
        // In a thread that ends it is dropped.
        let _ = WRITERS.try_with(|writers| {
            let mut writers = writers.borrow_mut();
            if writers.len() < WRITERS_MAX {
                writers.push(writer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept comes back empty, with its memory; what is large is not kept.
    #[test]
    fn memory_is_used_again() {
        let mut small = writer();
        small.put_slice(&[7; 100]);
        keep(small);
        let mut large = Writer::new();
        large.put_slice(&[7; WRITER_BYTES_MAX + 1]);
        keep(large);
        let again = writer();
        assert!(again.is_empty() && again.held() >= 100);
        assert_eq!(writer().held(), 0);
    }

    /// A thread keeps so many, whatever is given to it.
    #[test]
    fn what_a_thread_keeps_is_bounded() {
        for _ in 0..2 * WRITERS_MAX {
            let mut writer = Writer::new();
            writer.put_slice(&[7]);
            keep(writer);
        }
        assert_eq!(WRITERS.with_borrow(Vec::len), WRITERS_MAX);
    }
}
