//! The contract of tokio's `Notify`, in a few lines that loom can follow.

use std::future::Future;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use loom::sync::{Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(crate) struct Notify {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether one wait is over, of whoever comes first.
    permit: bool,
    /// How many times all that wait were notified.
    rounds: usize,
    waiting: Vec<Waker>,
}

impl Notify {
    pub(crate) fn new() -> Notify {
        Notify::default()
    }

    /// Ends one wait: a present one, or the next.
    pub(crate) fn notify_one(&self) {
        let mut state = self.lock();
        state.permit = true;
        wake(state);
    }

    /// Ends the waits that have begun.
    pub(crate) fn notify_waiters(&self) {
        let mut state = self.lock();
        state.rounds += 1;
        wake(state);
    }

    /// A wait that begins now, before it is polled.
    pub(crate) fn notified(&self) -> Notified<'_> {
        Notified { notify: self, began: self.lock().rounds }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waiting = std::mem::take(&mut state.waiting);
    drop(state);
    waiting.into_iter().for_each(Waker::wake);
}

/// One wait.
pub(crate) struct Notified<'a> {
    notify: &'a Notify,
    began: usize,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.notify.lock();
        if state.rounds != self.began || std::mem::take(&mut state.permit) {
            return Poll::Ready(());
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}
