//! The shared words: the one place where a mapping becomes Rust values.
//!
//! A region is a slice of atomic 32-bit words and nothing else. Message bytes, too, are stored and loaded word by word with
//! relaxed atomic operations: another process may write to them at any moment, and only atomics make that a defined race. The ring's
//! positions (release and acquire) order the relaxed words, so a message that was handed over is seen whole.

use std::time::Duration;

use crate::layout::WORD_BYTES;
use crate::sync::{AtomicU32, Ordering};

/// Words that several processes may read and write.
pub(crate) struct Region {
    words: backing::Words,
}

impl Region {
    /// The word at `at`. Panics past the end: positions come from the layout, never from shared memory.
    pub(crate) fn word(&self, at: usize) -> &AtomicU32 {
        &self.words.as_slice()[at]
    }

    /// Writes `bytes` into the words from `at` on; the last word is filled up with zeros.
    pub(crate) fn copy_in(&self, at: usize, bytes: &[u8]) {
        let words = &self.words.as_slice()[at..at + bytes.len().div_ceil(WORD_BYTES)];
        #[cfg(loom)]
        self.words.writing(at);
        for (word, chunk) in words.iter().zip(bytes.chunks(WORD_BYTES)) {
            let mut value = [0; WORD_BYTES];
            value[..chunk.len()].copy_from_slice(chunk);
            word.store(u32::from_ne_bytes(value), Ordering::Relaxed);
        }
    }

    /// Copies `bytes` bytes out of the words from `at` on.
    pub(crate) fn copy_out(&self, at: usize, bytes: usize) -> Vec<u8> {
        let words = &self.words.as_slice()[at..at + bytes.div_ceil(WORD_BYTES)];
        #[cfg(loom)]
        self.words.reading(at);
        let mut out = Vec::with_capacity(words.len() * WORD_BYTES);
        for word in words {
            out.extend_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        out.truncate(bytes);
        out
    }

    /// Sleeps until the word at `at` is other than `seen`, until it is rung, or until `limit` has passed; may also return early.
    pub(crate) fn wait(&self, at: usize, seen: u32, limit: Duration) {
        self.words.wait(at, seen, limit);
    }

    /// Wakes whoever sleeps on the word at `at`.
    pub(crate) fn ring(&self, at: usize) {
        self.words.ring(at);
    }
}

#[cfg(not(loom))]
mod backing {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Write};
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;
    use std::time::Duration;

    use memmap2::{MmapOptions, MmapRaw};

    use super::{AtomicU32, Region, WORD_BYTES};

    pub(super) struct Words {
        /// Keeps the pages; unmapped on drop.
        mapping: MmapRaw,
        count: usize,
    }

    impl Region {
        /// Makes a file of `words` zero words and maps it. The file must not exist.
        pub(crate) fn create(path: &Path, words: usize) -> io::Result<Self> {
            let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
            // Written, not just extended: a page that memory has no room for must be an error here and not a SIGBUS later.
            file.write_all(&vec![0; words * WORD_BYTES])?;
            Self::map(&file, words)
        }

        /// Maps a file that another process made; `None` if it does not have the length that `words` words have.
        pub(crate) fn open(path: &Path, words: usize) -> io::Result<Option<Self>> {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            if file.metadata()?.len() != (words * WORD_BYTES) as u64 {
                return Ok(None);
            }
            Self::map(&file, words).map(Some)
        }

        fn map(file: &File, words: usize) -> io::Result<Self> {
            let mapping = MmapOptions::new().len(words * WORD_BYTES).map_raw(file)?;
            Ok(Self { words: Words { mapping, count: words } })
        }

        /// Words for a test, without a path.
        #[cfg(test)]
        pub(crate) fn scratch(words: usize) -> Self {
            let file = tempfile::tempfile().expect("a temporary file");
            file.set_len((words * WORD_BYTES) as u64).expect("its length");
            Self::map(&file, words).expect("its mapping")
        }
    }

    impl Words {
        #[expect(unsafe_code, reason = "the only way from a mapping to values; see SAFETY")]
        pub(super) fn as_slice(&self) -> &[AtomicU32] {
            let words: *const AtomicU32 = self.mapping.as_mut_ptr().cast();
            // SAFETY: `slice::from_raw_parts` asks for
            // - a pointer that is non-null, aligned, and valid for `count` words of one allocation: it is the start of a mapping of
            //   `count * 4` bytes (`map` asked for exactly these, both from the same `words`, and memmap2 fails rather than map
            //   less), which is aligned to a page. The mapping lives as long as `self`, and so does the slice that borrows it; it is
            //   readable and writable (`map_raw`), as atomics need.
            // - initialised values: every bit pattern is a valid `AtomicU32`, which has the size and layout of `u32`. Pages of a
            //   file always have contents.
            // - no mutation but through `UnsafeCell` while the slice lives: `AtomicU32` is one. In this process the words are reached
            //   only through this function, so only atomically, all of the same size. Another process that writes to the pages,
            //   atomically or not, is outside the abstract machine; to this one it looks like some value stored by some thread at
            //   some time, and atomic loads are prepared for that. No `&u8`, `&[u8]` or `&mut` into the mapping is ever made.
            // - a total size below `isize::MAX`: a layout has at most 2 × 1,024 cells of 1 MiB and a line.
            // Not covered: the file being truncated under the mapping (SIGBUS, not undefined behaviour); see the crate's page.
            unsafe { std::slice::from_raw_parts(words, self.count) }
        }

        /// A futex: the kernel compares and goes to sleep in one step, so a `ring` between our look and our sleep is not lost.
        #[cfg(target_os = "linux")]
        pub(super) fn wait(&self, at: usize, seen: u32, limit: Duration) {
            use rustix::thread::futex;
            let limit = futex::Timespec {
                tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(limit.subsec_nanos()),
            };
            // Not `PRIVATE`: the other side is another process. An error (changed word, signal, time-out) is a reason to look again,
            // which the caller does anyway.
            let _ = futex::wait(&self.as_slice()[at], futex::Flags::empty(), seen, Some(&limit));
        }

        #[cfg(target_os = "linux")]
        pub(super) fn ring(&self, at: usize) {
            use rustix::thread::futex;
            // One consumer or one producer sleeps on a word, but after a crash there may be an orphan: wake all.
            let _ = futex::wake(&self.as_slice()[at], futex::Flags::empty(), i32::MAX as u32);
        }

        /// Without shared futexes: a short nap, then look again.
        #[cfg(not(target_os = "linux"))]
        pub(super) fn wait(&self, at: usize, seen: u32, limit: Duration) {
            use super::Ordering;
            if self.as_slice()[at].load(Ordering::Acquire) == seen {
                std::thread::sleep(limit.min(Duration::from_millis(1)));
            }
        }

        #[cfg(not(target_os = "linux"))]
        pub(super) fn ring(&self, _at: usize) {}
    }
}

/// The model: words on the heap, and a futex made of a lock and a condition variable, which is how the kernel does it.
///
/// Message bytes are relaxed atomics, and loom does not let a relaxed load see a store that comes later, as a processor may. So each
/// copy is also announced to a cell that loom watches: two copies of the same place that nothing orders fail the model.
#[cfg(loom)]
mod backing {
    use std::time::Duration;

    use loom::cell::UnsafeCell;
    use loom::sync::{Condvar, Mutex};

    use super::{AtomicU32, Ordering, Region};

    pub(super) struct Words {
        words: Vec<AtomicU32>,
        /// One for each word at which a message can begin; only watched, never looked into.
        watched: Vec<Watched>,
        bucket: Mutex<()>,
        sleepers: Condvar,
    }

    struct Watched(UnsafeCell<()>);

    #[expect(unsafe_code, reason = "of the model only; see SAFETY")]
    // SAFETY: nothing is ever read or written through the cell: `reading` and `writing` throw the pointer away, and the contents have
    // no bytes. Loom keeps its own books about them under its own lock.
    unsafe impl Sync for Watched {}

    impl Region {
        pub(crate) fn scratch(words: usize) -> Self {
            let watched = (0..words).map(|_| Watched(UnsafeCell::new(()))).collect();
            let words = (0..words).map(|_| AtomicU32::new(0)).collect();
            Self { words: Words { words, watched, bucket: Mutex::new(()), sleepers: Condvar::new() } }
        }
    }

    impl Words {
        pub(super) fn as_slice(&self) -> &[AtomicU32] {
            &self.words
        }

        pub(super) fn reading(&self, at: usize) {
            self.watched[at].0.with(|_| ());
        }

        pub(super) fn writing(&self, at: usize) {
            self.watched[at].0.with_mut(|_| ());
        }

        /// Without the limit: a wake-up that is lost is then a deadlock, which loom reports.
        pub(super) fn wait(&self, at: usize, seen: u32, _limit: Duration) {
            let bucket = self.bucket.lock().expect("no thread of the model panics with the lock");
            if self.words[at].load(Ordering::SeqCst) == seen {
                drop(self.sleepers.wait(bucket).expect("no thread of the model panics with the lock"));
            }
        }

        pub(super) fn ring(&self, _at: usize) {
            let _bucket = self.bucket.lock().expect("no thread of the model panics with the lock");
            self.sleepers.notify_all();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// What was copied in comes out again, also where it does not fill its last word.
    #[test]
    fn bytes_survive_the_words() {
        let region = Region::scratch(16);
        for bytes in [&b""[..], b"a", b"abcd", b"abcde", b"a message of some length"] {
            region.copy_in(3, bytes);
            assert_eq!(region.copy_out(3, bytes.len()), bytes);
        }
    }

    /// A wait ends by its limit when nothing happens, and at once when the word is already another.
    #[test]
    fn a_wait_ends() {
        let region = Region::scratch(16);
        region.wait(2, 0, Duration::from_millis(5));
        region.wait(2, 7, Duration::from_secs(3600));
    }
}
