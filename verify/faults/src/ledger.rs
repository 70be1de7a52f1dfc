//! The service that all scenarios call. It is not idempotent: each run leaves a trace of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_runtime::{Bytes, CallError, Message, interface};

use crate::moment::Moment;
use crate::note::{CallId, Journal, Note, Run};

/// Work below this is done at once, or after letting others go first.
const NAP_MIN: Duration = Duration::from_millis(1);

/// Notes calls.
#[interface(package = "faults.v1")]
pub(crate) trait Ledger {
    /// Notes `call`, works for so long, and gives back which run that was, with `padding` to fill the wire.
    async fn note(&self, call: u64, work: Duration, padding: Bytes) -> Result<Noted, CallError>;
}

/// The reply of one run.
#[derive(Debug, Clone, PartialEq, Message)]
pub(crate) struct Noted {
    pub(crate) call: u64,
    pub(crate) exporter: u32,
    pub(crate) life: u32,
    pub(crate) ordinal: u64,
    pub(crate) padding: Bytes,
}

/// One life of an exporter, with its journal.
#[derive(Debug)]
pub(crate) struct Book {
    exporter: u32,
    life: u32,
    runs: AtomicU64,
    journal: Journal,
}

impl Book {
    pub(crate) fn new(exporter: u32, life: u32, journal: Journal) -> Book {
        Book { exporter, life, runs: AtomicU64::new(0), journal }
    }
}

/// A run, from its start to its end, whichever way that comes: also a handler that is dropped has ended.
struct Entry<'a> {
    call: CallId,
    journal: &'a Journal,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.journal.note(&Note::Ended(self.call, Moment::now()));
    }
}

impl Ledger for Book {
    async fn note(&self, call: u64, work: Duration, padding: Bytes) -> Result<Noted, CallError> {
        let ordinal = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let run = Run { exporter: self.exporter, life: self.life, ordinal };
        self.journal.note(&Note::Started(CallId(call), run, Moment::now()));
        let _entry = Entry { call: CallId(call), journal: &self.journal };
        // All three roads of a callee: a reply at once, from a task of its own, and after a while.
        match work {
            Duration::ZERO => {}
            work if work < NAP_MIN => tokio::task::yield_now().await,
            work => tokio::time::sleep(work).await,
        }
        Ok(Noted { call, exporter: self.exporter, life: self.life, ordinal, padding })
    }
}
