//! What an implementation can know of the call that it carries out, and what its own calls inherit.

mod metadata;
mod reply_metadata;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;
use crate::protocol::id::Incarnation;
use crate::protocol::time::{AtomicTime, Time};
use crate::sync::{AtomicBool, Notify};

pub(crate) use metadata::{Beside, note_error};
#[cfg(feature = "grpc")]
pub(crate) use metadata::{BesideReply, is_reserved, outgoing};
pub use metadata::{Metadata, MetadataError, with_metadata};
pub use reply_metadata::ReplyMetadata;

thread_local! {
    /// The call that is being carried out: here while a step of its implementation runs, and only then.
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

tokio::task_local! {
    static DEADLINE: Option<Instant>;
}

/// The call that the current task carries out. Cloning it is cheap; a clone may outlive the call.
///
/// An implementation asks for it by [`Context::current`]. What it spawns does not inherit it by itself: take
/// the context along, and run the spawned future in [`Context::scope`].
#[derive(Debug, Clone)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// When the caller stops waiting, on this node's clock. Stays as it is while the call runs.
    until: AtomicTime,
    caller: Incarnation,
    cancelled: AtomicBool,
    signal: Notify,
    /// What a call over gRPC carries besides.
    beside: OnceLock<Box<metadata::Beside>>,
}

impl Context {
    pub(crate) fn new(clock: Clock, until: Time, caller: Incarnation) -> Context {
        let signal = Notify::new();
        let cancelled = AtomicBool::new(false);
        let until = AtomicTime::new(until);
        Context(Arc::new(Inner { clock, until, caller, cancelled, signal, beside: OnceLock::new() }))
    }

    /// The same for a call that came over gRPC.
    pub(crate) fn with_beside(self, beside: Beside) -> Context {
        // It was made just now, or made new: it has none yet.
        let _ = self.0.beside.set(Box::new(beside));
        self
    }

    /// Makes it that of another call of the same caller, unless there are more than so many handles of it: all of them are
    /// the asker's own, so that nobody looks at it meanwhile.
    #[inline]
    pub(crate) fn renew(&self, until: Time, handles: usize) -> bool {
        if Arc::strong_count(&self.0) > handles || self.0.beside.get().is_some() {
            return false;
        }
        // What others did, before they dropped their handles, comes before this.
        fence(Ordering::Acquire);
        self.0.until.store(until);
        self.0.cancelled.store(false, Ordering::Relaxed);
        true
    }

    /// The call that the current task carries out; `None` outside an implementation.
    pub fn current() -> Option<Context> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// When the caller stops waiting; `None` if it waits for ever, and in a method with streams (R40), unless a caller over gRPC has
    /// given the whole call a time. Further calls inherit it (R14).
    pub fn deadline(&self) -> Option<std::time::Instant> {
        self.0.deadline().map(Instant::into_std)
    }

    /// How long the caller still waits: zero once the deadline has passed, `None` if it waits for ever.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The life of the node that makes the call: the same value for the same process, another after its
    /// restart.
    pub fn caller(&self) -> Incarnation {
        self.0.caller
    }

    /// Whether the caller has cancelled the call, or its session has ended.
    pub fn is_cancelled(&self) -> bool {
        // Acquire: what the canceller did before is seen after.
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Waits until the caller cancels the call or is gone. Nothing is done to the implementation: it decides
    /// what to give up, and its end is the call's verdict (R16).
    pub async fn cancelled(&self) {
        // Begins before the look, so that no signal comes between the two.
        let signal = self.0.signal.notified();
        if !self.is_cancelled() {
            signal.await;
        }
    }

    /// Runs `future` as part of this call, wherever it runs.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Some(self);
        poll_fn(|cx| Context::enter(&mut context, || future.as_mut().poll(cx))).await
    }

    pub(crate) fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        self.0.signal.notify_waiters();
    }

    /// Runs `step` as part of a call, whose context is lent for so long: a clone for each step would cost more than that.
    pub(crate) fn enter<R>(context: &mut Option<Context>, step: impl FnOnce() -> R) -> R {
        let outer = replace_current(context.take());
        let _entered = Entered { context, outer };
        step()
    }
}

/// A call's step that runs. Dropping it, also by a panic, gives back what was lent.
struct Entered<'a> {
    context: &'a mut Option<Context>,
    outer: Option<Context>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.context = replace_current(self.outer.take());
    }
}

fn replace_current(context: Option<Context>) -> Option<Context> {
    // A thread that ends has none, and runs no further step.
    CURRENT.try_with(|current| current.replace(context)).ok().flatten()
}

impl Inner {
    fn deadline(&self) -> Option<Instant> {
        let until = self.until.load();
        (until != Time::NEVER).then(|| self.clock.instant(until))
    }
}

/// Runs `future` with a deadline for all the calls that it makes: `timeout` from now, or the deadline that holds
/// here already if that is earlier. Calls that would wait longer end with
/// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded); `future` itself is not stopped.
pub async fn within<F: Future>(timeout: Duration, future: F) -> F::Output {
    let deadline = Instant::now().checked_add(timeout);
    let deadline = match (inherited_deadline(), deadline) {
        (Some(outer), Some(own)) => Some(outer.min(own)),
        (outer, own) => outer.or(own),
    };
    DEADLINE.scope(deadline, future).await
}

/// The deadline that calls made here inherit: the earlier of [`within`]'s and the current call's (R14).
pub(crate) fn inherited_deadline() -> Option<Instant> {
    let scope = DEADLINE.try_with(|deadline| *deadline).ok().flatten();
    let call = CURRENT.try_with(|current| current.borrow().as_ref()?.0.deadline()).ok().flatten();
    match (scope, call) {
        (Some(scope), Some(call)) => Some(scope.min(call)),
        (scope, call) => scope.or(call),
    }
}

#[cfg(all(test, interleave))]
mod interleave;
