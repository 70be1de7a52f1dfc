//! What an input may cost.

use std::time::Duration;

use allocation_counter::measure;
use rustix::time::{ClockId, clock_gettime};

use crate::Run;

/// Memory beside twice the input's bytes.
pub(crate) const SLACK_BYTES: u64 = 64 * 1024;
/// Processor time for one input.
const CPU_MAX: Duration = Duration::from_millis(100);

/// The memory that `work` takes at once, in this thread.
pub(crate) fn memory(work: impl FnOnce()) -> u64 {
    measure(work).bytes_max
}

/// The memory that `work` takes at once, when what is made once for ever is there.
pub(crate) fn constant(work: impl Fn()) -> u64 {
    work();
    memory(work)
}

/// Panics if `work` takes more memory at once than `allowed`, and [`SLACK_BYTES`].
pub(crate) fn within(allowed: u64, work: impl FnOnce()) {
    allow(memory(work), allowed);
}

/// Panics if `taken` is more than `allowed`, and [`SLACK_BYTES`].
pub(crate) fn allow(taken: u64, allowed: u64) {
    assert!(taken <= allowed + SLACK_BYTES, "it took {taken} bytes of memory; {allowed} and {SLACK_BYTES} are allowed");
}

/// Twice the bytes of an input.
pub(crate) fn twice(bytes: usize) -> u64 {
    2 * bytes as u64
}

/// What a busy connection reads at once.
const READ_BYTES: u64 = 16 * 1024;

/// For each connection, by the bytes that came over it: what it reads at once, four times the bytes, and once more those that
/// wait to be a whole frame: while a larger buffer is made for these, both count. (The system's allocator can move pages
/// instead of copying; the counting one cannot.)
pub(crate) fn buffered(connections: impl Iterator<Item = usize>) -> u64 {
    connections.map(|bytes| READ_BYTES + 5 * bytes as u64).sum()
}

/// Runs one input, and panics if it takes too long. The time is the processor's, so that other processes do not count;
/// and taken again if it was too long, so that a page that had to be fetched does not count.
pub fn in_time(run: Run, bytes: &[u8]) {
    let time = || {
        let begun = cpu();
        run(bytes);
        cpu() - begun
    };
    let taken = time();
    assert!(taken <= CPU_MAX || time() <= CPU_MAX, "it took {taken:?} of processor time; {CPU_MAX:?} are allowed");
}

/// The processor time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
