//! What the tests of restarts share: an interface whose calls are counted, and callers that go on until they are stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rpc_runtime::{CallError, Executed, interface};
use tokio::task::JoinHandle;

/// No condition that a test waits for takes as long.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(20);
pub(crate) const MAY_STILL_RUN: Executed = Executed::Unknown { may_still_run: true };

#[interface]
pub(crate) trait Ledger {
    /// Notes the call, and gives the life that did.
    async fn note(&self, number: u64) -> Result<u32, CallError>;
    /// Notes the call, and does not end by itself.
    async fn note_and_hang(&self, number: u64) -> Result<(), CallError>;
    /// The life that answers. May be asked again anywhere.
    #[rpc(idempotent)]
    async fn life(&self) -> Result<u32, CallError>;
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Waits for a condition outside this process, or one that nobody announces.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < WAIT_MAX, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A call's number, and what its caller was told.
pub(crate) type Ended = (u64, Result<u32, CallError>);

/// Callers that note calls one after another until they are stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    callers: Vec<JoinHandle<Vec<Ended>>>,
}

impl Load {
    pub(crate) fn start(stub: &LedgerClient, callers: u64) -> Load {
        Load::start_at(stub, callers, 10)
    }

    /// The same with call numbers from `first` on.
    pub(crate) fn start_at(stub: &LedgerClient, callers: u64, first: u64) -> Load {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let callers = (0..callers)
            .map(|caller| {
                let (stub, stop, done) = (stub.clone(), Arc::clone(&stop), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut results = Vec::new();
                    for number in (first + caller * 1_000_000).. {
                        if stop.load(Ordering::SeqCst) {
                            break;
                        }
                        results.push((number, stub.note(number).await));
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                    results
                })
            })
            .collect();
        Load { stop, done, callers }
    }

    /// Waits for so many results from now on.
    pub(crate) async fn goes_on(&self, calls: u64) {
        let before = self.done.load(Ordering::SeqCst);
        until("calls end", || self.done.load(Ordering::SeqCst) >= before + calls).await;
    }

    pub(crate) async fn stop(self) -> Vec<Ended> {
        self.stop.store(true, Ordering::SeqCst);
        let mut results = Vec::new();
        for caller in self.callers {
            results.extend(caller.await.expect("the caller does not panic"));
        }
        results
    }
}
