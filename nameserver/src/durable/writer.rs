//! The one writer of a registry, and where it runs: on a thread of its own, because the disk blocks. A simulation has one
//! thread; there it is a task, which a crash of the simulated host takes away, with what it has not written.

use std::io;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::Shared;
use crate::store::{Store, StoreError};

/// Takes what has been decided to the disk, and shows it then.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) store: Store,
    /// Dropped when the writer ends, which whoever waits for a revision sees.
    pub(super) published: watch::Sender<u64>,
    /// A message for each time that there may be something to do.
    pub(super) wakes: mpsc::Receiver<()>,
}

impl Writer {
    /// Writes everything that has been decided. False when there will be nothing more.
    fn write(&mut self) -> bool {
        match self.write_batches() {
            Ok(goes_on) => goes_on,
            Err(error) => {
                if let Ok(mut failure) = self.shared.failure.lock() {
                    *failure = Some(error);
                }
                false
            }
        }
    }

    fn write_batches(&mut self) -> Result<bool, StoreError> {
        loop {
            let mut state = self.shared.state.lock().map_err(|_| self.panicked())?;
            let Some(batch) = state.registry.take_batch() else { return Ok(!state.stopping) };
            drop(state);
            self.store.commit(&batch)?;
            let mut state = self.shared.state.lock().map_err(|_| self.panicked())?;
            state.registry.publish(batch.revision);
            self.published.send_replace(batch.revision);
        }
    }

    fn panicked(&self) -> StoreError {
        let what = "a decision of the registry panicked".into();
        StoreError::System { path: self.store.directory().to_owned(), what }
    }
}

#[cfg(not(verify))]
pub(super) use thread::{Handle, start};

#[cfg(not(verify))]
mod thread {
    use std::sync::Mutex;
    use std::thread::{Builder, JoinHandle};

    use super::{Writer, io};

    /// To wait for the writer's end.
    pub(in super::super) struct Handle(Mutex<Option<JoinHandle<()>>>);

    impl Handle {
        pub(in super::super) fn join(&self) {
            let thread = self.0.lock().ok().and_then(|mut thread| thread.take());
            // A panic there has been told of by the thread itself.
            let _ = thread.map(JoinHandle::join);
        }
    }

    /// Starts the thread. It ends when the registry is closed, or when the disk fails.
    pub(in super::super) fn start(mut writer: Writer) -> io::Result<Handle> {
        let life = move || while writer.write() && writer.wakes.blocking_recv().is_some() {};
        let thread = Builder::new().name("nameserver-store".into()).spawn(life)?;
        Ok(Handle(Mutex::new(Some(thread))))
    }
}

#[cfg(verify)]
pub(super) use task::{Handle, start};

#[cfg(verify)]
mod task {
    use std::time::Duration;

    use rpc_runtime::task::spawn;
    use tokio::time::sleep;

    use super::{Writer, io};

    /// A simulated disk takes up to this long, so that a host can crash between a decision and its commit.
    const DISK_MILLIS_MAX: u64 = 5;

    /// Of a task, which nobody can wait for without giving way to it.
    pub(in super::super) struct Handle;

    impl Handle {
        pub(in super::super) fn join(&self) {}
    }

    /// Starts the task. It ends when the registry is closed or its host crashes.
    pub(in super::super) fn start(mut writer: Writer) -> io::Result<Handle> {
        spawn(async move {
            while writer.write() && writer.wakes.recv().await.is_some() {
                sleep(Duration::from_millis(fastrand::u64(..=DISK_MILLIS_MAX))).await;
            }
        });
        Ok(Handle)
    }
}
