//! Calls whose outcome matters: what a caller does with each verdict.
//!
//! - *Never*: the call has not run and never will. Make it again.
//! - *Completed*, without a result: it has run, and its reply is lost. Ask the store what came of it.
//! - *Unknown*: it may have run. Do **not** make it again; ask the store first. If the store was restarted since, its answer is
//!   final, because the process that was called is dead (it held the lock on the shelf). Otherwise the call may still be on its way:
//!   "not run" is then only an answer for now, and is asked for again.
//!
//! Through all this the operation keeps its id, for it is still the same thing that somebody wants done once. Were the reasoning
//! wrong anywhere, the store would count a second run of that id, and the audit would show it.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rpc_runtime::{CallError, ErrorKind, Executed};

use super::stores::Counts;
use crate::desk::Trouble;
use crate::interface::{OperationId, Outcome, Store, StoreError};

/// How long a request is worked on in all. Shorter than the local process waits for it.
const PATIENCE: Duration = Duration::from_secs(50);

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Makes an idempotent call, and makes it again as long as there is hope.
pub(super) async fn repeat<T, F>(mut call: impl FnMut() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let started = Instant::now();
    loop {
        match call().await {
            Err(StoreError::Call(error)) if is_passing(&error) && started.elapsed() < PATIENCE => {
                tokio::time::sleep(PAUSE).await;
            }
            result => return result.map_err(Trouble::Store),
        }
    }
}

/// Has an operation done once. `call` makes it; `made` gives its result from the number that the store wrote down, for when the reply
/// itself was lost.
pub(super) async fn once<T, F, M>(
    store: &impl Store,
    counts: &Counts,
    mut call: impl FnMut(OperationId) -> F,
    made: impl Fn(u64) -> M,
) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, StoreError>>,
    M: Future<Output = Result<T, StoreError>>,
{
    let started = Instant::now();
    let mut operation = OperationId::random();
    loop {
        let error = match call(operation).await {
            Err(StoreError::Call(error)) => error,
            result => return result.map_err(Trouble::Store),
        };
        let unresolved = || Trouble::Unresolved { text: error.to_string() };
        if started.elapsed() > PATIENCE {
            // After `Never` there is nothing to resolve: it was not done.
            return Err(if error.executed() == Executed::Never {
                Trouble::Store(StoreError::Call(error))
            } else {
                unresolved()
            });
        }
        let outcome = match error.executed() {
            Executed::Never if is_passing(&error) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Executed::Never => return Err(Trouble::Store(StoreError::Call(error))),
            // A method that was broken off may have left work behind that still goes on.
            Executed::Completed => ask(store, operation, started, error.kind() == ErrorKind::Aborted).await,
            Executed::Unknown { may_still_run } => {
                let restarted = error.kind() == ErrorKind::PeerRestarted;
                ask(store, operation, started, may_still_run && !restarted).await
            }
        };
        let Some(outcome) = outcome else {
            return Err(unresolved());
        };
        if matches!(error.executed(), Executed::Unknown { .. }) {
            counts.resolved.fetch_add(1, Ordering::Relaxed);
            counts.had_run.fetch_add(u64::from(outcome != Outcome::NotRun), Ordering::Relaxed);
        }
        match outcome {
            Outcome::Done { made: number } => return repeat(|| made(number)).await,
            // It did not happen and will not: make it happen.
            Outcome::NotRun => tokio::time::sleep(PAUSE).await,
            // It was refused, and the reason is lost. Ask again, as a new operation.
            Outcome::Refused => operation = OperationId::random(),
        }
    }
}

/// What became of an operation, by the store's own records. `None` if that cannot be said in time.
async fn ask(store: &impl Store, operation: OperationId, started: Instant, may_still_run: bool) -> Option<Outcome> {
    loop {
        match repeat(|| store.outcome(operation)).await {
            Ok(Outcome::NotRun) if may_still_run => {}
            Ok(outcome) => return Some(outcome),
            Err(_) => {}
        }
        if started.elapsed() > PATIENCE {
            return None;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether a failure may pass by itself: the store is down, restarting, or has too much to do.
fn is_passing(error: &CallError) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::WrongInterface
            | ErrorKind::UnknownMethod
            | ErrorKind::NotIdempotent
            | ErrorKind::TooLarge
            | ErrorKind::TooDeep
            | ErrorKind::Undecodable
            | ErrorKind::InvalidAddress
            | ErrorKind::Shutdown
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rpc_runtime::{Bytes, in_memory};
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::interface::{Audit, CustomerId, Digest, Loan, LoanId, StoreClient, StoreServer, Supply, SupplyId};
    use crate::shelf::{Limits, Shelf};
    use crate::store::Lender;

    /// What goes wrong with the next call that changes something.
    #[derive(Debug, Clone, Copy)]
    enum Mishap {
        /// It runs, and its caller is told that it failed.
        After,
        /// It fails before it has done anything.
        Before,
    }

    /// A store with mishaps; each befalls one call.
    struct Clumsy {
        inner: Lender,
        mishaps: Mutex<Vec<Mishap>>,
    }

    impl Clumsy {
        async fn perhaps<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
            let mishap = self.mishaps.lock().expect("no panic").pop();
            let failed = || Err(StoreError::Call(CallError::failed("a mishap")));
            match mishap {
                None => work.await,
                Some(Mishap::Before) => failed(),
                Some(Mishap::After) => {
                    let _ = work.await;
                    failed()
                }
            }
        }
    }

    impl Store for Clumsy {
        async fn supply_begin(&self, operation: OperationId, supply: Supply) -> Result<SupplyId, StoreError> {
            self.inner.supply_begin(operation, supply).await
        }
        async fn supply_piece(&self, supply: SupplyId, piece: u32, bytes: Bytes) -> Result<(), StoreError> {
            self.inner.supply_piece(supply, piece, bytes).await
        }
        async fn supply_commit(&self, operation: OperationId, supply: SupplyId) -> Result<(), StoreError> {
            self.inner.supply_commit(operation, supply).await
        }
        async fn check_out(&self, id: OperationId, customer: CustomerId, title: &str) -> Result<Loan, StoreError> {
            self.perhaps(self.inner.check_out(id, customer, title)).await
        }
        async fn play(&self, loan: LoanId, piece: u32) -> Result<Bytes, StoreError> {
            self.inner.play(loan, piece).await
        }
        async fn return_loan(&self, operation: OperationId, loan: LoanId) -> Result<(), StoreError> {
            self.perhaps(self.inner.return_loan(operation, loan)).await
        }
        async fn outcome(&self, operation: OperationId) -> Result<Outcome, StoreError> {
            self.inner.outcome(operation).await
        }
        async fn loan(&self, loan: LoanId) -> Result<Loan, StoreError> {
            self.inner.loan(loan).await
        }
        async fn titles(&self) -> Result<Vec<String>, StoreError> {
            self.inner.titles().await
        }
        async fn audit(&self) -> Result<Audit, StoreError> {
            self.inner.audit().await
        }
    }

    /// A store behind its stub, with one empty object; the mishaps come last first.
    fn store(dir: &tempfile::TempDir, loans_max: u32, mishaps: &[Mishap]) -> StoreClient {
        let limits = Limits { bytes_max: 1 << 20, loans_max };
        let path = dir.path().join("shelf.redb");
        let shelf = Shelf::open(&path, "a-z".parse().expect("a part"), limits).expect("a new shelf");
        let supply = Supply { title: "empty".into(), bytes: 0, digest: Digest(Sha256::digest(b"").into()), copies: 3 };
        let begun = shelf.supply_begin(OperationId::random(), &supply).expect("there is room");
        shelf.supply_commit(OperationId::random(), begun).expect("there is nothing to bring");
        in_memory(StoreServer::new(Clumsy { inner: Lender::new(shelf), mishaps: Mutex::new(mishaps.to_vec()) }))
    }

    async fn check_out(store: &StoreClient, counts: &Counts) -> Result<Loan, Trouble> {
        let call = |operation| store.check_out(operation, CustomerId(1), "empty");
        once(store, counts, call, |number| store.loan(LoanId(number))).await
    }

    /// A check-out whose reply is lost is found at the store, and not made again; one that did not happen is.
    #[tokio::test]
    async fn a_lost_reply_is_asked_for() {
        let (dir, counts) = (tempfile::tempdir().expect("a directory"), Counts::default());
        let store = store(&dir, 3, &[Mishap::Before, Mishap::After]);
        let first = check_out(&store, &counts).await.expect("it has run");
        let second = check_out(&store, &counts).await.expect("it runs the second time");
        assert_ne!(first.loan, second.loan);
        let audit = store.audit().await.expect("readable");
        assert_eq!((audit.loans, audit.check_out.done, audit.double_executions), (2, 2, 0));
    }

    /// A refusal whose reply is lost is asked for anew, under another id, so it does not count as run twice.
    #[tokio::test]
    async fn a_lost_refusal_is_asked_for_anew() {
        let (dir, counts) = (tempfile::tempdir().expect("a directory"), Counts::default());
        let store = store(&dir, 0, &[Mishap::After]);
        let refused = check_out(&store, &counts).await;
        assert_eq!(refused, Err(Trouble::Store(StoreError::LimitReached { loans_max: 0 })));
        let audit = store.audit().await.expect("readable");
        assert_eq!((audit.check_out.refused, audit.double_executions), (2, 0));
    }
}
