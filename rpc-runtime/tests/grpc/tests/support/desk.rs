//! A desk with methods of each kind that streams, an implementation that notes what becomes of them, and a session with it.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_runtime::{CallError, Context, Export, Limits, Message, Node, NodeBuilder, RemoteError, Streaming, interface};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::bare::{Answer, Call, Connection, Opened};

/// More than any test takes that does not hang.
pub(crate) const LONG: Duration = Duration::from_secs(60);

#[interface(package = "desk.v1")]
pub(crate) trait Desk {
    /// The sum, when all is there and the gate is open.
    async fn add(&self, numbers: Streaming<u64>) -> Result<u64, CallError>;
    /// The numbers from 0, opened when the gate is.
    async fn count(&self, to: u64) -> Result<Streaming<u64, DeskError>, DeskError>;
    /// Each number, twice.
    async fn double(&self, numbers: Streaming<u64>) -> Result<Streaming<u64>, CallError>;
    async fn plain(&self) -> Result<u32, CallError>;
}

#[derive(Debug, PartialEq, thiserror::Error, RemoteError)]
pub(crate) enum DeskError {
    #[error("nothing beyond {limit}")]
    NoMore { limit: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Ends with an error behind the numbers.
pub(crate) const FAILS: u64 = 500;
/// Fails at once.
pub(crate) const TOO_MANY: u64 = 1 << 40;
/// Never ends.
pub(crate) const ENDLESS: u64 = 1 << 32;

pub(crate) struct Clerk {
    pub(crate) runs: AtomicU32,
    /// How often each call has run, by the name that it carries.
    pub(crate) runs_of: Mutex<HashMap<String, u32>>,
    /// Numbers that were taken.
    pub(crate) taken: AtomicU64,
    pub(crate) begun: Semaphore,
    pub(crate) gate: Semaphore,
    /// Producers that were dropped, and streams of callers that failed.
    pub(crate) lost: Arc<Semaphore>,
    /// How those failed.
    pub(crate) failures: Mutex<Vec<String>>,
    pub(crate) contexts: Mutex<Vec<Context>>,
}

struct Producer {
    next: u64,
    to: u64,
    dropped: Arc<Semaphore>,
}

impl Iterator for Producer {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.next += 1;
        (self.next <= self.to).then_some(self.next - 1)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.dropped.add_permits(1);
    }
}

impl Clerk {
    async fn begin(&self) {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let context = Context::current().expect("a call");
        let name = context.metadata().get_text("rpc-call").unwrap_or_default().to_owned();
        *self.runs_of.lock().expect("whole").entry(name).or_default() += 1;
        self.contexts.lock().expect("whole").push(context);
        self.begun.add_permits(1);
        self.gate.acquire().await.expect("open").forget();
    }
}

impl Desk for Clerk {
    async fn add(&self, mut numbers: Streaming<u64>) -> Result<u64, CallError> {
        self.begin().await;
        Context::current().expect("a call").add_trailer("taken", "by the clerk").expect("metadata");
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            match number {
                Ok(number) => sum += number,
                Err(error) => {
                    self.failures.lock().expect("whole").push(error.to_string());
                    self.lost.add_permits(1);
                    return Err(CallError::failed(format!("it was {sum} when the rest was lost")));
                }
            }
            self.taken.fetch_add(1, Ordering::SeqCst);
        }
        Ok(sum)
    }

    async fn count(&self, to: u64) -> Result<Streaming<u64, DeskError>, DeskError> {
        self.begin().await;
        let context = Context::current().expect("a call");
        context.add_header("opened", "yes").expect("metadata");
        context.add_trailer("behind", "them").expect("metadata");
        if to == TOO_MANY {
            return Err(DeskError::NoMore { limit: 0 });
        }
        let numbers = Producer { next: 0, to, dropped: Arc::clone(&self.lost) };
        if to != FAILS {
            return Ok(Streaming::from_iter(numbers));
        }
        let (sender, numbers) = Streaming::channel();
        tokio::spawn(async move {
            for number in 0..FAILS {
                let _ = sender.send(number).await;
            }
            let _ = sender.end_with(DeskError::NoMore { limit: FAILS }).await;
        });
        Ok(numbers)
    }

    async fn double(&self, mut numbers: Streaming<u64>) -> Result<Streaming<u64>, CallError> {
        self.begin().await;
        let (sender, doubled) = Streaming::channel();
        tokio::spawn(async move {
            while let Some(Ok(number)) = numbers.next().await {
                if sender.send(2 * number).await.is_err() {
                    return;
                }
            }
        });
        Ok(doubled)
    }

    async fn plain(&self) -> Result<u32, CallError> {
        Ok(self.runs.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Message)]
struct Session {
    entry: String,
}

pub(crate) struct Served {
    pub(crate) clerk: Arc<Clerk>,
    pub(crate) node: Node,
    _export: Export,
    pub(crate) connection: Connection,
    pub(crate) entry: String,
}

/// The gate lets `open` calls through.
pub(crate) async fn served(limits: Limits, open: usize) -> Served {
    served_by(Node::builder().limits(limits), open).await
}

pub(crate) async fn served_by(node: NodeBuilder, open: usize) -> Served {
    let node = node.listen("127.0.0.1:0").start().await.expect("it starts");
    let clerk = Arc::new(Clerk {
        runs: AtomicU32::new(0),
        runs_of: Mutex::default(),
        taken: AtomicU64::new(0),
        begun: Semaphore::new(0),
        gate: Semaphore::new(open),
        lost: Arc::new(Semaphore::new(0)),
        failures: Mutex::default(),
        contexts: Mutex::default(),
    });
    let export = node.export("desk", DeskServer::new(Arc::clone(&clerk))).await.expect("exported");
    let connection = Connection::dial(&node.local_endpoints()[0]).await;
    let opening = connection.whole("/rpc.v1.Sessions/Open", &[], &("desk.v1.Desk".to_owned(),)).await;
    let session: Session = opening.answer().await.field();
    Served { clerk, node, _export: export, connection, entry: session.entry }
}

impl Served {
    /// Another connection, as after a break.
    pub(crate) async fn dial(&self) -> Connection {
        Connection::dial(&self.node.local_endpoints()[0]).await
    }

    pub(crate) async fn open_on(&self, connection: &Connection, method: &str, name: &str) -> Call {
        connection.open(&path(method), &[("rpc-session", &self.entry), ("rpc-call", name)]).await
    }

    /// Opens a call whose items are to be sent.
    pub(crate) async fn open(&self, method: &str, name: &str) -> Call {
        self.open_on(&self.connection, method, name).await
    }

    /// Counts, on any connection.
    pub(crate) async fn count_on(&self, connection: &Connection, name: &str, to: u64) -> Call {
        let names = [("rpc-session", &*self.entry), ("rpc-call", name)];
        connection.whole(&path("Count"), &names, &(to,)).await
    }

    pub(crate) async fn count(&self, name: &str, to: u64) -> Call {
        self.count_on(&self.connection, name, to).await
    }

    /// Two calls that have begun: one whose stream is open, its first item taken, and one that has sent an item of its own.
    pub(crate) async fn opened_and_adding(&self) -> (Opened, Call) {
        let mut opened = self.count("0/1", ENDLESS).await.opened().await;
        assert_eq!(opened.next().await, Some(0u64));
        let mut adding = self.open("Add", "1/2").await;
        adding.send(&(5u64,));
        self.begun().await;
        self.begun().await;
        (opened, adding)
    }

    pub(crate) async fn plain(&self) -> u32 {
        let call = self.connection.whole(&path("Plain"), &[], &()).await;
        call.answer().await.field()
    }

    pub(crate) fn runs(&self) -> u32 {
        self.clerk.runs.load(Ordering::SeqCst)
    }

    pub(crate) async fn begun(&self) {
        timeout(LONG, self.clerk.begun.acquire()).await.expect("it begins").expect("open").forget();
    }

    /// Something was lost, as the implementation sees it.
    pub(crate) async fn lost(&self) {
        timeout(LONG, self.clerk.lost.acquire()).await.expect("it is told").expect("open").forget();
    }
}

pub(crate) fn path(method: &str) -> String {
    format!("/desk.v1.Desk/{method}")
}

pub(crate) const ABORTED: (u32, &str) = (10, "unknown");
pub(crate) const DATA_LOSS: (u32, &str) = (15, "completed");

pub(crate) fn verdict(answer: &Answer) -> (u32, &str) {
    (answer.code, &answer.executed)
}
