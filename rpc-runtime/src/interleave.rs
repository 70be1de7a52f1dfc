//! What the models of hand-overs share. A model runs a few threads over the real code, in every order in which they can come to
//! its locks, flags and signals (`sync.rs`). A wake-up that is lost is a deadlock, which loom reports.
//!
//! `verify/run interleave` runs them. Each stands in a file `interleave.rs` beside what it checks.

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::outbox::{Outbox, Sending};
use crate::protocol::frame::{Frame, frame_bytes};
pub(crate) use crate::sync::block_on;

/// Steps of one order, beyond which a model is taken for endless.
const BRANCHES_MAX: usize = 10_000;
/// No model's frames are larger.
const FRAME_BYTES_MAX: usize = 1024;

/// Runs `threads` in every order; gives each outcome that was reached.
pub(crate) fn every_order<T: Ord + Send + 'static>(threads: impl Fn() -> T + Sync + Send + 'static) -> BTreeSet<T> {
    check(None, threads)
}

/// Runs `threads` in every order in which at most `preemptions` times a thread is stopped that could have gone on: where there
/// are too many orders to try them all, nearly all defects are among these.
pub(crate) fn orders_with<T: Ord + Send + 'static>(
    preemptions: usize,
    threads: impl Fn() -> T + Sync + Send + 'static,
) -> BTreeSet<T> {
    check(Some(preemptions), threads)
}

fn check<T: Ord + Send + 'static>(
    preemptions: Option<usize>,
    threads: impl Fn() -> T + Sync + Send + 'static,
) -> BTreeSet<T> {
    // Time stands still, so that every run is the same: timers are made, and none ever rings.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.max_branches = BRANCHES_MAX;
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    model.check({
        let outcomes = Arc::clone(&outcomes);
        move || {
            let outcome = threads();
            outcomes.lock().expect("no thread has panicked").insert(outcome);
        }
    });
    std::mem::take(&mut *outcomes.lock().expect("no thread has panicked"))
}

/// The frames that the connection task sends next.
pub(crate) fn sent(outbox: &Outbox, sending: &mut Sending) -> Vec<Frame> {
    outbox.take(sending);
    let mut slices = [IoSlice::new(&[]); 32];
    let used = sending.slices(&mut slices);
    let mut bytes = Bytes::from_iter(slices[..used].iter().flat_map(|slice| slice.to_vec()));
    sending.advance(bytes.len());
    let mut frames = Vec::new();
    while let Ok(Some(length)) = frame_bytes(&bytes, FRAME_BYTES_MAX) {
        frames.push(Frame::decode(bytes.split_to(length)).expect("it is one of ours"));
    }
    frames
}
