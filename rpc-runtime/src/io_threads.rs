//! Threads that drive a node's accepted connections, each with a runtime of its own: a connection stays on its thread, and
//! with it whatever is touched for a call.
//!
//! What handlers do besides is none of these threads' business: a handler is polled here once, as part of the runtime that
//! the node was started on, and goes on there if it has to wait.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::callee::serve;
use crate::server::{Admitted, Server};
use crate::task::Task;
use crate::transport::{Stream, Unregistered};

/// The threads. Each ends when this is dropped and its last connection has ended.
#[derive(Debug)]
pub(crate) struct IoThreads {
    /// Bounded by `connections_max`: what is sent was admitted.
    threads: Vec<UnboundedSender<Accepted>>,
    next: usize,
}

/// A connection on its way to its thread.
#[derive(Debug)]
struct Accepted {
    stream: Unregistered,
    server: Arc<Server>,
    admitted: Admitted,
}

impl IoThreads {
    /// Starts so many threads for a node of the current runtime.
    pub(crate) fn start(count: usize) -> io::Result<IoThreads> {
        let home = Handle::current();
        let threads = (0..count).map(|number| {
            let (sender, receiver) = unbounded_channel();
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let home = home.clone();
            let life: Task = Box::pin(drive(receiver, home));
            let run = move || runtime.block_on(life);
            thread::Builder::new().name(format!("rpc-io-{number}")).spawn(run)?;
            Ok(sender)
        });
        Ok(IoThreads { threads: threads.collect::<io::Result<_>>()?, next: 0 })
    }

    /// Serves a connection on the next thread in turn.
    pub(crate) fn serve(&mut self, stream: Stream, server: Arc<Server>, admitted: Admitted) -> io::Result<()> {
        let accepted = Accepted { stream: stream.unregister()?, server, admitted };
        let thread = self.next % self.threads.len();
        self.next = thread + 1;
        let sent = self.threads[thread].send(accepted);
        sent.map_err(|_gone| io::Error::other("the thread for connections has ended"))
    }
}

/// A thread's work: it serves what it is sent. Ends with the last connection, after the threads were given up.
async fn drive(mut receiver: UnboundedReceiver<Accepted>, home: Handle) {
    let mut connections = JoinSet::new();
    let mut is_open = true;
    while is_open || !connections.is_empty() {
        tokio::select! {
            accepted = receiver.recv(), if is_open => match accepted {
                Some(Accepted { stream, server, admitted }) => match stream.register() {
                    Ok(stream) => drop(connections.spawn(serve(stream, server, admitted, Some(home.clone())))),
                    Err(error) => tracing::warn!(%error, "cannot drive a connection; it was closed"),
                },
                None => is_open = false,
            },
            // A connection's panic has been its own end.
            _ended = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Runs `future` here, and what it spawns on the runtime `home`.
pub(crate) async fn at_home<F: Future>(home: Option<&Handle>, future: F) -> F::Output {
    let mut future = pin!(future);
    match home {
        Some(home) => {
            poll_fn(|cx| {
                let _home = home.enter();
                future.as_mut().poll(cx)
            })
            .await
        }
        None => future.await,
    }
}
