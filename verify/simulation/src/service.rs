//! The service under test: a counter that nothing may move twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_runtime::{Bytes, CallError, Context, Incarnation, Message, interface};
use tokio::time::sleep;

use crate::oracle::Oracle;

/// Each call carries the number under which the oracle knows it.
#[interface]
pub trait Counter {
    /// Adds one. Must not run twice.
    async fn add(&self, call: u64, work: Work) -> Result<Added, CallError>;
    /// Says that it ran. May run again.
    #[rpc(idempotent)]
    async fn touch(&self, call: u64, work: Work) -> Result<Added, CallError>;
    /// Adds one, and nobody waits for it. Must not run twice.
    #[rpc(oneway)]
    async fn note(&self, call: u64) -> Result<(), CallError>;
    /// What the counter shows.
    #[rpc(idempotent)]
    async fn total(&self) -> Result<u64, CallError>;
}

/// How a call is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Message)]
pub struct Work {
    /// How long it takes, in milliseconds; 0: it is ready at once.
    pub millis: u32,
    /// How large the reply is beside its number.
    pub reply_bytes: u32,
    /// Whether it fails in the end.
    pub fails: bool,
    /// Whether it ends as soon as it hears that its caller gave up.
    pub gives_up: bool,
}

/// The reply: which run of which call it is of.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Added {
    /// The oracle's number of this run.
    pub run: u64,
    /// What makes it large.
    pub filling: Bytes,
}

/// The implementation in one life of an exporter.
pub struct MyCounter {
    oracle: Oracle,
    life: u64,
    starts: AtomicU64,
}

impl MyCounter {
    /// A counter that shows 0.
    pub fn new(oracle: Oracle, life: u64) -> Arc<MyCounter> {
        Arc::new(MyCounter { oracle, life, starts: AtomicU64::new(0) })
    }

    async fn carry_out(&self, call: u64, work: Work) -> Result<Added, CallError> {
        self.starts.fetch_add(1, Ordering::Relaxed);
        let running = self.oracle.start(call, self.life, caller());
        if work.millis > 0 {
            let done = sleep(Duration::from_millis(work.millis.into()));
            match Context::current().filter(|_| work.gives_up) {
                None => done.await,
                Some(context) => tokio::select! {
                    () = done => {}
                    () = context.cancelled() => {}
                },
            }
        }
        let run = running.end();
        if work.fails {
            return Err(CallError::failed("it was told to fail"));
        }
        Ok(Added { run, filling: Bytes::from(vec![0; work.reply_bytes as usize]) })
    }
}

/// The life of the node that makes the current call.
fn caller() -> Option<Incarnation> {
    Context::current().map(|context| context.caller())
}

impl Counter for MyCounter {
    async fn add(&self, call: u64, work: Work) -> Result<Added, CallError> {
        self.carry_out(call, work).await
    }

    async fn touch(&self, call: u64, work: Work) -> Result<Added, CallError> {
        self.carry_out(call, work).await
    }

    async fn note(&self, call: u64) -> Result<(), CallError> {
        self.carry_out(call, Work::default()).await.map(|_| ())
    }

    async fn total(&self) -> Result<u64, CallError> {
        let starts = self.starts.load(Ordering::Relaxed);
        self.oracle.check_total(self.life, starts);
        Ok(starts)
    }
}
