//! What an implementation knows of its call, how deadlines come about and are handed on, when a call is cancelled,
//! and what the kinds of methods promise.

#[path = "support/gate.rs"]
mod gate;
#[path = "support/raw.rs"]
mod raw;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gate::Gate;
use raw::{Raw, call, method_id};
use rpc_runtime::{
    Binding, CallError, Context, ErrorKind, Executed, Export, Limits, LinkState, Node, Owner, interface, within,
};
use tokio::sync::watch;
use uuid::Uuid;

/// No condition that a test waits for takes as long.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// A deadline that is waited for.
const SHORT: Duration = Duration::from_millis(150);
const MAY_STILL_RUN: Executed = Executed::Unknown { may_still_run: true };

#[interface]
trait Desk {
    /// How long the caller waits yet, in microseconds, and which life it is.
    async fn look(&self) -> Result<(Option<u64>, String), CallError>;
    /// Asks the desk behind, within the deadline that holds here.
    async fn look_behind(&self, own_ms: Option<u64>) -> Result<Option<u64>, CallError>;
    /// The same from a task of its own, with and without the call's context.
    async fn look_behind_apart(&self) -> Result<(Option<u64>, Option<u64>), CallError>;
    /// Waits until it is cancelled, and then until the test lets it end.
    async fn wait(&self, number: u64) -> Result<(), CallError>;
    #[rpc(timeout = "100ms")]
    async fn wait_briefly(&self) -> Result<(), CallError>;
    #[rpc(idempotent)]
    async fn read(&self, number: u64) -> Result<u64, CallError>;
    #[rpc(idempotent)]
    async fn read_slowly(&self, number: u64) -> Result<u64, CallError>;
    #[rpc(oneway)]
    async fn tell(&self, number: u64) -> Result<(), CallError>;
}

/// What happened to the calls of a desk, by their numbers.
#[derive(Debug, Clone, Default)]
struct Seen {
    begun: HashMap<u64, u32>,
    cancelled: Vec<u64>,
}

struct MyDesk {
    behind: Option<DeskClient>,
    seen: watch::Sender<Seen>,
}

impl MyDesk {
    fn new(behind: Option<DeskClient>) -> Arc<MyDesk> {
        Arc::new(MyDesk { behind, seen: watch::Sender::default() })
    }

    fn begun(&self, number: u64) -> u32 {
        let mut times = 0;
        self.seen.send_modify(|seen| {
            let begun = seen.begun.entry(number).or_default();
            *begun += 1;
            times = *begun;
        });
        times
    }

    /// How often the call has begun.
    fn times(&self, number: u64) -> u32 {
        self.seen.borrow().begun.get(&number).copied().unwrap_or(0)
    }

    async fn has_begun(&self, number: u64) {
        self.sees(|seen| seen.begun.contains_key(&number)).await;
    }

    /// Waits until the call is cancelled; says how long that took.
    async fn has_cancelled(&self, number: u64) -> Duration {
        let begun = Instant::now();
        self.sees(|seen| seen.cancelled.contains(&number)).await;
        begun.elapsed()
    }

    async fn sees(&self, condition: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let seen = tokio::time::timeout(WAIT_MAX, seen.wait_for(condition));
        seen.await.expect("it happens in time").expect("the desk stands");
    }
}

fn micros(left: Option<Duration>) -> Option<u64> {
    left.map(|left| left.as_micros() as u64)
}

impl Desk for MyDesk {
    async fn look(&self) -> Result<(Option<u64>, String), CallError> {
        let context = Context::current().expect("within a call");
        Ok((micros(context.remaining()), format!("{:?}", context.caller())))
    }
    async fn look_behind(&self, own_ms: Option<u64>) -> Result<Option<u64>, CallError> {
        let behind = self.behind.as_ref().expect("a desk behind");
        let looked = match own_ms {
            Some(own) => within(Duration::from_millis(own), behind.look()).await,
            None => behind.look().await,
        };
        Ok(looked?.0)
    }
    async fn look_behind_apart(&self) -> Result<(Option<u64>, Option<u64>), CallError> {
        let behind = self.behind.clone().expect("a desk behind");
        let context = Context::current().expect("within a call");
        let apart = tokio::spawn(async move {
            assert!(Context::current().is_none());
            let without = behind.look().await?.0;
            let with = context.scope(async { behind.look().await }).await?.0;
            Ok((without, with))
        });
        apart.await.map_err(CallError::failed)?
    }
    async fn wait(&self, number: u64) -> Result<(), CallError> {
        let context = Context::current().expect("within a call");
        assert!(!context.is_cancelled());
        self.begun(number);
        context.cancelled().await;
        assert!(context.is_cancelled());
        // Again at once, and for whoever asks later.
        context.cancelled().await;
        self.seen.send_modify(|seen| seen.cancelled.push(number));
        Ok(())
    }
    async fn wait_briefly(&self) -> Result<(), CallError> {
        std::future::pending().await
    }
    async fn read(&self, number: u64) -> Result<u64, CallError> {
        self.begun(number);
        Ok(number)
    }
    async fn read_slowly(&self, number: u64) -> Result<u64, CallError> {
        match self.begun(number) {
            // The first run does not end while its caller is there.
            1 => {
                Context::current().expect("within a call").cancelled().await;
                Ok(0)
            }
            times => Ok(u64::from(times)),
        }
    }
    async fn tell(&self, number: u64) -> Result<(), CallError> {
        self.begun(number);
        Ok(())
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exporter(desk: &Arc<MyDesk>, limits: Limits) -> Result<(Node, Export, String), Failure> {
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await?;
    let export = node.export("desk", DeskServer::new(Arc::clone(desk))).await?;
    let address = node.local_endpoints()[0].clone();
    Ok((node, export, address))
}

async fn import(address: &str) -> Result<DeskClient, Failure> {
    Ok(Node::builder().start().await?.import_at(address, "desk").await?)
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn is_between(left: Option<u64>, least: Duration, most: Duration) -> bool {
    left.is_some_and(|left| (least..=most).contains(&Duration::from_micros(left)))
}

/// An implementation sees its caller's deadline and which life it is. The deadline is the default, the binding's, the
/// method's or that of `within`, which shortens and never lengthens.
#[tokio::test]
async fn deadline_and_caller_are_readable() -> Result<(), Failure> {
    assert!(Context::current().is_none(), "outside a call there is none");
    let desk = MyDesk::new(None);
    let (_node, _export, address) = exporter(&desk, Limits::default()).await?;
    let callers = Node::builder().start().await?;
    let seconds = Duration::from_secs;

    let stub: DeskClient = callers.import_at(&address, "desk").await?;
    let (left, caller) = stub.look().await?;
    assert!(is_between(left, seconds(29), seconds(30)), "{left:?}: 30 s unless something else is said");
    assert_eq!(caller, format!("{:?}", callers.incarnation()));

    let left = within(seconds(7), stub.look()).await?.0;
    assert!(is_between(left, seconds(6), seconds(7)), "{left:?}");
    let left = within(seconds(7), within(seconds(70), stub.look())).await?.0;
    assert!(is_between(left, seconds(6), seconds(7)), "{left:?}");

    let patient: DeskClient = callers.import_at(&address, "desk").timeout(seconds(100)).await?;
    assert!(is_between(patient.look().await?.0, seconds(99), seconds(100)));
    let eternal: DeskClient = callers.import_at(&address, "desk").timeout(Duration::MAX).await?;
    assert_eq!(eternal.look().await?.0, None, "for ever, where that is written");

    let hasty = Node::builder().limits(limits(|limits| limits.call_timeout = SHORT)).start().await?;
    let hasty: DeskClient = hasty.import_at(&address, "desk").await?;
    assert!(is_between(hasty.look().await?.0, Duration::ZERO, SHORT));
    let error = hasty.wait(1).await.expect_err("it waits");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::DeadlineExceeded, MAY_STILL_RUN), "{error}");

    // The method's own, whatever the binding says.
    let begun = Instant::now();
    let error = patient.wait_briefly().await.expect_err("it waits");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    assert!(error.to_string().contains("100ms"), "{error}");
    assert!(begun.elapsed() < seconds(5));
    Ok(())
}

/// A call made by an implementation has what its own call has left, or less; what it spawns takes the context along or
/// has a deadline of its own.
#[tokio::test]
async fn nested_calls_inherit_the_smaller_deadline() -> Result<(), Failure> {
    let seconds = Duration::from_secs;
    let (_node, _export, address) = exporter(&MyDesk::new(None), Limits::default()).await?;
    let behind = import(&address).await?;
    let (_front_node, _front_export, address) = exporter(&MyDesk::new(Some(behind)), Limits::default()).await?;
    let front = import(&address).await?;

    let left = within(seconds(7), front.look_behind(None)).await?;
    assert!(is_between(left, seconds(6), seconds(7)), "{left:?}: the caller's");
    let left = within(seconds(7), front.look_behind(Some(3_000))).await?;
    assert!(is_between(left, seconds(2), seconds(3)), "{left:?}: its own");
    let left = within(seconds(7), front.look_behind(Some(60_000))).await?;
    assert!(is_between(left, seconds(6), seconds(7)), "{left:?}: the caller's");

    let (without, with) = within(seconds(7), front.look_behind_apart()).await?;
    assert!(is_between(without, seconds(29), seconds(30)), "{without:?}");
    assert!(is_between(with, seconds(6), seconds(7)), "{with:?}");
    Ok(())
}

/// A call is cancelled when its future is dropped, its deadline passes, its binding or its node goes, or another life of
/// its caller shows itself.
#[tokio::test]
async fn a_call_is_cancelled_when_nobody_waits() -> Result<(), Failure> {
    let desk = MyDesk::new(None);
    let (_node, _export, address) = exporter(&desk, Limits::default()).await?;
    let stub = import(&address).await?;
    let start = |stub: &DeskClient, number| {
        let stub = stub.clone();
        tokio::spawn(async move { stub.wait(number).await })
    };

    let dropped = start(&stub, 1);
    desk.has_begun(1).await;
    dropped.abort();
    desk.has_cancelled(1).await;

    let error = within(SHORT, stub.wait(2)).await.expect_err("it waits");
    desk.has_cancelled(2).await;
    assert_eq!(error.receipt().expect("a receipt").settled().await, Executed::Completed);

    let callers = Node::builder().start().await?;
    let closing: DeskClient = callers.import_at(&address, "desk").await?;
    let cut_off = start(&closing, 3);
    desk.has_begun(3).await;
    callers.shutdown(Duration::ZERO).await;
    desk.has_cancelled(3).await;
    assert_eq!(cut_off.await?.expect_err("closed").kind(), ErrorKind::Shutdown);

    // Another life of the same owner ends the sessions of those before, also where their caller cannot say goodbye.
    let owner = Owner::new(Uuid::new_v4());
    let gate = Gate::open(&address).await?;
    let first = Node::builder().owner(owner).start().await?;
    let first: DeskClient = first.import_at(&gate.address(), "desk").await?;
    let orphan = start(&first, 4);
    desk.has_begun(4).await;
    gate.shut();
    let second = Node::builder().owner(owner).start().await?;
    let second: DeskClient = second.import_at(&address, "desk").await?;
    second.read(5).await?;
    desk.has_cancelled(4).await;
    orphan.abort();
    Ok(())
}

/// A caller's process that dies says nothing: its calls are cancelled when its session's lease ends, and not before.
#[tokio::test]
async fn a_call_is_cancelled_when_its_caller_is_gone() -> Result<(), Failure> {
    let desk = MyDesk::new(None);
    let lease = Duration::from_millis(400);
    let (_node, _export, address) = exporter(&desk, limits(|limits| limits.session_lease = lease)).await?;
    let (mut raw, _welcome) = Raw::hello(&address, "Desk", "desk").await?;
    raw.send(&call(0, 1, method_id("Wait"), &[8, 1])).await?;
    desk.has_begun(1).await;
    drop(raw);
    let waited = desk.has_cancelled(1).await;
    assert!(waited >= lease / 2, "cancelled after {waited:?}");
    Ok(())
}

/// A caller that is silent but there keeps its session, however short its lease: it asks in time.
#[tokio::test]
async fn a_long_call_keeps_a_short_lease() -> Result<(), Failure> {
    let desk = MyDesk::new(None);
    let lease = Duration::from_millis(300);
    let (_node, _export, address) = exporter(&desk, limits(|limits| limits.session_lease = lease)).await?;
    let stub = import(&address).await?;
    let error = within(5 * lease, stub.wait(1)).await.expect_err("it waits");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    stub.read(2).await?;
    let stats = Binding::of(&stub).stats();
    assert_eq!((stats.sessions, stats.connects), (1, 1), "{stats:?}");
    Ok(())
}

/// One-way calls return once they are handed over. They are sent at most once: what was lost with a connection is not
/// sent again.
#[tokio::test]
async fn one_way_calls_are_sent_at_most_once() -> Result<(), Failure> {
    let desk = MyDesk::new(None);
    let (node, _export, address) = exporter(&desk, Limits::default()).await?;
    let gate = Gate::open(&address).await?;
    let stub = import(&gate.address()).await?;
    for number in 0..100 {
        stub.tell(number).await?;
    }
    desk.sees(|seen| seen.begun.len() == 100).await;
    gate.lose_requests();
    stub.tell(100).await?;
    gate.lost_request().await;
    gate.reopen();
    Binding::of(&stub).link_changed(&LinkState::Up(node.incarnation())).await;
    // One that waits for a connection has not been sent yet.
    stub.tell(101).await?;
    desk.has_begun(101).await;
    stub.read(102).await?;
    assert_eq!(desk.times(100), 0);
    assert!((0..100).all(|number| desk.times(number) == 1));
    assert_eq!(Binding::of(&stub).stats().resent, 0);
    Ok(())
}

/// Idempotent calls go on where a plain one would end: over a lost connection, a session that ran out, and another life
/// of the exporter.
#[tokio::test]
async fn idempotent_calls_are_repeated() -> Result<(), Failure> {
    let desk = MyDesk::new(None);
    let (_node, _export, address) = exporter(&desk, limits(|limits| limits.session_lease = 2 * SHORT)).await?;
    let gate = Gate::open(&address).await?;
    let stub = import(&gate.address()).await?;
    let start = |number| {
        let stub = stub.clone();
        tokio::spawn(async move { stub.read_slowly(number).await })
    };
    // A lost connection.
    let slow = start(1);
    desk.has_begun(1).await;
    gate.cut();
    assert_eq!(slow.await??, 2);
    // A lost session: nobody answers for longer than its lease, which a plain call beside it learns.
    let plain = tokio::spawn({
        let stub = stub.clone();
        async move { stub.wait(20).await }
    });
    let slow = start(2);
    desk.has_begun(2).await;
    desk.has_begun(20).await;
    gate.shut();
    let error = plain.await?.expect_err("the session is lost");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::SessionLost, MAY_STILL_RUN), "{error}");
    gate.reopen();
    assert_eq!(slow.await??, 2);
    let stats = Binding::of(&stub).stats();
    assert_eq!((stats.sessions, stats.unknown), (2, 1));
    // Another life.
    let next = MyDesk::new(None);
    next.begun(3);
    let (_next_node, _next_export, next_address) = exporter(&next, Limits::default()).await?;
    let slow = start(3);
    desk.has_begun(3).await;
    gate.lead_to(&next_address);
    assert_eq!(slow.await??, 2);
    assert_eq!((desk.times(3), next.times(3)), (1, 2));
    assert_eq!(Binding::of(&stub).stats().unknown, 1);
    Ok(())
}

/// An idempotent call that was given up, and lost with its connection, leaves its slot to others.
#[tokio::test]
async fn a_lost_cancel_frees_its_slot() -> Result<(), Failure> {
    let desk = MyDesk::new(None);
    let (_node, _export, address) = exporter(&desk, limits(|limits| limits.slots_max = 1)).await?;
    let gate = Gate::open(&address).await?;
    let stub = import(&gate.address()).await?;
    gate.lose_requests();
    let given_up = tokio::spawn({
        let stub = stub.clone();
        async move { stub.read(1).await }
    });
    gate.lost_request().await;
    given_up.abort();
    gate.reopen();
    assert_eq!(within(WAIT_MAX, stub.read(2)).await?, 2);
    assert_eq!(desk.times(1), 0);
    Ok(())
}

/// A cancelled call whose cancel meets it again after a reconnect runs at most once, and its slot comes free.
#[tokio::test]
async fn a_cancelled_call_is_not_sent_again() -> Result<(), Failure> {
    let desk = MyDesk::new(None);
    let (_node, _export, address) = exporter(&desk, limits(|limits| limits.slots_max = 1)).await?;
    let gate = Gate::open(&address).await?;
    let stub = import(&gate.address()).await?;
    gate.lose_requests();
    let lost = within(SHORT, stub.wait(1)).await.expect_err("lost");
    assert_eq!(lost.executed(), MAY_STILL_RUN);
    gate.reopen();
    // Its cancel came first, so that it never runs.
    assert_eq!(lost.receipt().expect("a receipt").settled().await, Executed::Never);
    assert_eq!(within(WAIT_MAX, stub.read(2)).await?, 2);
    assert_eq!(desk.times(1), 0);
    Ok(())
}
