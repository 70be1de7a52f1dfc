//! How tasks are started.
//!
//! What tokio makes of a task is compiled for each type of future anew, some 5,000 lines of LLVM IR each time. So tasks of which there are
//! few are all of one type, a box; the rest, of which there is one for each call or connection, are not: a box more would cost them.

use std::future::Future;
use std::pin::Pin;

use tokio::task::JoinHandle;

#[cfg(not(verify))]
pub(crate) use tokio::spawn as spawn_unboxed;

#[cfg(verify)]
pub(crate) use simulated::spawn as spawn_unboxed;

/// A future of which there are few, such as that of a task: what waits for it is compiled once.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a task, in a box.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    start(Box::pin(future))
}

fn start(task: Task) -> JoinHandle<()> {
    spawn_unboxed(task)
}

#[cfg(verify)]
mod simulated {
    use std::future::Future;

    use tokio::task::{JoinHandle, spawn_local};

    /// Starts a task. That of a simulated host belongs to the host: a crash drops its tasks in the order in which they were
    /// started, where a runtime's order depends on how many tasks its whole process has started.
    pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if turmoil::in_simulation() { spawn_local(future) } else { tokio::spawn(future) }
    }
}
