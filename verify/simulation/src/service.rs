//! The service under test: a counter that nothing may move twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_runtime::{Bytes, CallError, Context, Incarnation, Message, Streaming, interface};
use tokio::time::sleep;

use crate::flow::{Echo, Ended, Producing, consume};
use crate::oracle::{Hand, Oracle, Running, TOLD_TO_FAIL, Way};
use crate::outcome::Rule;

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
    /// Gives items.
    async fn watch(&self, call: u64, flow: Flow) -> Result<Streaming<Tick>, CallError>;
    /// Takes items, of which the first says which call it is, and says that it ran.
    async fn collect(&self, ticks: Streaming<Tick>) -> Result<Added, CallError>;
    /// Takes items in the same way, and gives one for each.
    async fn echo(&self, ticks: Streaming<Tick>) -> Result<Streaming<Tick>, CallError>;
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

/// How a stream flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Message)]
pub struct Flow {
    /// Items that its producer gives.
    pub items: u32,
    /// How large each is, in bytes.
    pub bytes: u32,
    /// How long the producer takes for each at most, in milliseconds.
    pub pause_millis: u32,
    /// How long the consumer takes for each at most, in milliseconds.
    pub slow_millis: u32,
    /// Whether the producer fails in the end.
    pub fails: bool,
    /// After so many items the consumer goes away.
    pub left_after: Option<u32>,
}

/// An item of a stream.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Tick {
    /// The call that the stream belongs to.
    pub call: u64,
    /// The item's number: the first is 1.
    pub number: u64,
    /// The oracle's number of the run that gives it.
    pub run: u64,
    /// How the exporter is to consume the stream; in the first item that it takes.
    pub flow: Option<Flow>,
    /// What makes it large.
    pub filling: Bytes,
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

/// A call that has said which it is.
struct Taken {
    hand: Hand,
    flow: Flow,
    running: Running,
}

impl MyCounter {
    /// The start of a call of which only the first item says which it is.
    async fn take_first(&self, ticks: &mut Streaming<Tick>) -> Result<Taken, CallError> {
        self.starts.fetch_add(1, Ordering::Relaxed);
        let Some(caller) = caller() else { return Err(CallError::failed("there is no context")) };
        let arrived = self.oracle.unnamed_start(self.life, caller);
        let Some(first) = ticks.next().await else {
            self.oracle.violation(Rule::CutShort, "a stream has ended before its first item".to_owned());
            return Err(CallError::failed(TOLD_TO_FAIL));
        };
        let first = first?;
        let running = arrived.named(first.call);
        let hand = self.oracle.hand(first.call, Way::Up, "consumer");
        hand.consumed(first.call, first.number);
        Ok(Taken { hand, flow: first.flow.unwrap_or_default(), running })
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

    async fn watch(&self, call: u64, flow: Flow) -> Result<Streaming<Tick>, CallError> {
        self.starts.fetch_add(1, Ordering::Relaxed);
        let running = self.oracle.start(call, self.life, caller());
        let hand = self.oracle.hand(call, Way::Down, "producer");
        Ok(Streaming::new(Producing::new(hand, call, flow).of_run(running)))
    }

    async fn collect(&self, mut ticks: Streaming<Tick>) -> Result<Added, CallError> {
        let Taken { hand, flow, running } = self.take_first(&mut ticks).await?;
        let ended = match flow.left_after {
            Some(1) => Ended::Left,
            _ => consume(&hand, &mut ticks, flow).await,
        };
        drop((ticks, hand));
        let run = running.end();
        match ended {
            Ended::Complete | Ended::Left => Ok(Added { run, filling: Bytes::new() }),
            Ended::Failed(error) => Err(error),
        }
    }

    async fn echo(&self, ticks: Streaming<Tick>) -> Result<Streaming<Tick>, CallError> {
        self.starts.fetch_add(1, Ordering::Relaxed);
        let Some(caller) = caller() else { return Err(CallError::failed("there is no context")) };
        let arrived = self.oracle.unnamed_start(self.life, caller);
        Ok(Streaming::new(Echo::new(self.oracle.clone(), ticks, arrived)))
    }
}
