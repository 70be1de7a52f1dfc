//! Connections within one process, for tests: no socket, no port, the same protocol.
//!
//! A node that listens at `memory://name` is found by every node of the process under that name.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Bytes that one side may be ahead of the other.
const BUFFER_BYTES: usize = 64 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: usize = 128;

/// Every memory listener of the process, by name. A dead one is found out when it is dialled.
static LISTENERS: Mutex<Option<Listeners>> = Mutex::new(None);

type Listeners = HashMap<String, mpsc::Sender<DuplexStream>>;

fn listeners() -> MutexGuard<'static, Option<Listeners>> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The accepting end. Dropping it frees the name.
#[derive(Debug)]
pub(crate) struct MemoryListener {
    name: String,
    incoming: mpsc::Receiver<DuplexStream>,
}

impl MemoryListener {
    /// Takes the name.
    pub(crate) fn bind(name: &str) -> io::Result<MemoryListener> {
        let mut listeners = listeners();
        let listeners = listeners.get_or_insert_default();
        if listeners.get(name).is_some_and(|listener| !listener.is_closed()) {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another node of this process listens there"));
        }
        Ok(Self::insert(listeners, name))
    }

    /// Takes a name that is known to be free.
    pub(crate) fn register(name: &str) -> MemoryListener {
        Self::insert(listeners().get_or_insert_default(), name)
    }

    fn insert(listeners: &mut Listeners, name: &str) -> MemoryListener {
        let (sender, incoming) = mpsc::channel(BACKLOG);
        listeners.insert(name.to_owned(), sender);
        MemoryListener { name: name.to_owned(), incoming }
    }

    /// The next connection.
    pub(crate) async fn accept(&mut self) -> io::Result<DuplexStream> {
        self.incoming.recv().await.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        self.incoming.close();
        if let Some(listeners) = listeners().as_mut() {
            // Another listener may have taken the name already; ours is the closed one.
            if listeners.get(&self.name).is_some_and(mpsc::Sender::is_closed) {
                listeners.remove(&self.name);
            }
        }
    }
}

/// Connects to the listener of that name.
pub(crate) async fn connect(name: &str) -> io::Result<DuplexStream> {
    let listener = listeners().as_ref().and_then(|listeners| listeners.get(name).cloned());
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let listener = listener.ok_or_else(refused)?;
    let (ours, theirs) = tokio::io::duplex(BUFFER_BYTES);
    listener.send(theirs).await.map_err(|_| refused())?;
    Ok(ours)
}
