//! How tasks are started.

#[cfg(not(verify))]
pub use tokio::spawn;

#[cfg(verify)]
pub use simulated::spawn;

#[cfg(verify)]
mod simulated {
    use std::future::Future;

    use tokio::task::{JoinHandle, spawn_local};

    /// Starts a task. That of a simulated host belongs to the host: a crash drops its tasks in the order in which they were
    /// started, where a runtime's order depends on how many tasks its whole process has started.
    pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if turmoil::in_simulation() { spawn_local(future) } else { tokio::spawn(future) }
    }
}
