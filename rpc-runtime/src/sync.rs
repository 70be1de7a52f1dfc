//! What tasks share: locks, flags, signals, tasks of their own. Under `--cfg interleave` loom takes their place, which tries
//! every order in which threads can come to them.
//!
//! Of tokio's own signals only the contract is modelled (`sync/notify.rs`): that they keep it is what tokio's tests show.

#[cfg(interleave)]
mod notify;
#[cfg(interleave)]
mod task;

#[cfg(all(test, interleave))]
pub(crate) use task::block_on;
#[cfg(interleave)]
pub(crate) use {
    loom::sync::atomic::AtomicBool,
    loom::sync::{Mutex, MutexGuard},
    notify::Notify,
    task::{AbortHandle, spawn},
};
#[cfg(not(interleave))]
pub(crate) use {
    std::sync::atomic::AtomicBool,
    std::sync::{Mutex, MutexGuard},
    tokio::sync::Notify,
    tokio::task::AbortHandle,
};

/// Runs `future` in a task of its own; gives what drops it before its end.
#[cfg(not(interleave))]
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    crate::task::spawn_unboxed(future).abort_handle()
}
