//! The bounds of a node: at each of them it waits, queues or refuses, and what was promised still holds.

#[path = "support/gate.rs"]
mod gate;
#[path = "support/raw.rs"]
mod raw;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gate::Gate;
use raw::{Raw, call, method_id, unrecorded};
use rpc_runtime::protocol::frame::Status;
use rpc_runtime::{Binding, CallError, ErrorKind, Executed, Export, Limits, LinkState, Node, interface, within};
use tokio::sync::{Semaphore, watch};

/// No condition that a test waits for takes as long.
const WAIT_MAX: Duration = Duration::from_secs(10);

#[interface]
trait Workshop {
    /// Works until the test lets it end.
    async fn work(&self, number: u64) -> Result<u64, CallError>;
    /// Notes the number, with a pause in between.
    async fn note(&self, number: u64) -> Result<(), CallError>;
    /// The same, as an idempotent method.
    #[rpc(idempotent)]
    async fn look(&self, number: u64) -> Result<u64, CallError>;
    async fn blob(&self, bytes: u32) -> Result<Vec<u8>, CallError>;
}

struct MyWorkshop {
    /// Calls that run, and the most that ever did.
    running: watch::Sender<(usize, usize)>,
    may_end: Semaphore,
    notes: Mutex<Vec<u64>>,
}

impl MyWorkshop {
    fn new() -> Arc<MyWorkshop> {
        let running = watch::Sender::default();
        Arc::new(MyWorkshop { running, may_end: Semaphore::new(0), notes: Mutex::default() })
    }

    fn begin(&self) {
        self.running.send_modify(|(running, most)| {
            *running += 1;
            *most = (*most).max(*running);
        });
    }

    fn end(&self) {
        self.running.send_modify(|(running, _)| *running -= 1);
    }

    async fn runs(&self, calls: usize) {
        let mut running = self.running.subscribe();
        let reached = tokio::time::timeout(WAIT_MAX, running.wait_for(|(running, _)| *running == calls));
        reached.await.expect("in time").expect("the workshop stands");
    }
}

impl Workshop for MyWorkshop {
    async fn work(&self, number: u64) -> Result<u64, CallError> {
        self.begin();
        self.may_end.acquire().await.map_err(CallError::failed)?.forget();
        self.end();
        Ok(number)
    }
    async fn note(&self, number: u64) -> Result<(), CallError> {
        self.begin();
        tokio::task::yield_now().await;
        self.notes.lock().expect("no panic inside").push(number);
        self.end();
        Ok(())
    }
    async fn look(&self, number: u64) -> Result<u64, CallError> {
        Ok(number)
    }
    async fn blob(&self, bytes: u32) -> Result<Vec<u8>, CallError> {
        Ok(vec![7; bytes as usize])
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exporter(change: impl FnOnce(&mut Limits)) -> Result<(Node, Export, Arc<MyWorkshop>), Failure> {
    let workshop = MyWorkshop::new();
    let node = Node::builder().listen("127.0.0.1:0").limits(limits(change)).start().await?;
    let export = node.export("workshop", WorkshopServer::new(Arc::clone(&workshop))).await?;
    Ok((node, export, workshop))
}

async fn import(node: &Node) -> Result<WorkshopClient, CallError> {
    let callers = Node::builder().start().await.expect("a node that does not listen");
    callers.import_at(&node.local_endpoints()[0], "workshop").await
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// A connection beyond the limit, of all peers or of one address, is closed at once; those that stand are not
/// disturbed, and when one goes there is room again.
#[tokio::test]
async fn connections_are_bounded() -> Result<(), Failure> {
    let bounds: [fn(&mut Limits); 2] =
        [|limits| limits.connections_max = 2, |limits| limits.connections_per_address_max = 2];
    for bound in bounds {
        let (node, _export, _workshop) = exporter(bound).await?;
        let (first, second) = (import(&node).await?, import(&node).await?);
        let error = import(&node).await.err().ok_or("a third connection")?;
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Unreachable, Executed::Never), "{error}");
        let text = error.to_string();
        assert!(text.contains("closed the connection") && text.contains("limit of connections"), "{text}");
        assert_eq!((first.look(1).await?, second.look(2).await?), (1, 2));
        drop(first);
        let callers = Node::builder().start().await?;
        let third = callers.import_at::<WorkshopClient>(&node.local_endpoints()[0], "workshop");
        assert_eq!(third.wait(WAIT_MAX).await?.look(3).await?, 3);
        assert_eq!(second.look(2).await?, 2);
    }
    Ok(())
}

/// Handlers of all callers together are bounded: further calls wait their turn, and every one runs once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_are_bounded_and_calls_queue() -> Result<(), Failure> {
    let (node, _export, workshop) = exporter(|limits| limits.handlers_max = 3).await?;
    let stubs = [import(&node).await?, import(&node).await?];
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let stub = stubs[number as usize % 2].clone();
            tokio::spawn(async move { stub.work(number).await })
        })
        .collect();
    workshop.runs(3).await;
    workshop.may_end.add_permits(100);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await??, number as u64);
    }
    assert_eq!(*workshop.running.borrow(), (0, 3));
    assert_eq!(node.stats().calls_executed, 100);
    Ok(())
}

/// What queued calls take is bounded, also where they have no arguments and no record: beyond it calls are refused.
#[tokio::test]
async fn the_queue_is_bounded() -> Result<(), Failure> {
    let (node, _export, workshop) = exporter(|limits| {
        limits.handlers_max = 1;
        limits.queued_bytes_max = 64 * 1024;
    })
    .await?;
    let stub = import(&node).await?;
    let running = tokio::spawn(async move { stub.work(1).await });
    workshop.runs(1).await;
    let (mut raw, _welcome) = Raw::hello(&node.local_endpoints()[0], "Workshop", "workshop").await?;
    for number in 1..=1000 {
        raw.send(&unrecorded(0, number, method_id("Look"), &[])).await?;
    }
    for _ in 0..1000 - 64 {
        assert_eq!(raw.answer().await?.header.status, Status::Refused);
    }
    workshop.may_end.add_permits(1);
    assert_eq!(running.await??, 1);
    for _ in 0..64 {
        assert_eq!(raw.answer().await?.header.status, Status::Value);
    }
    Ok(())
}

/// A call that would get its turn too late is refused at once, though there is room for it; one that has the time is not.
#[tokio::test(start_paused = true)]
async fn a_queue_that_is_too_long_is_not_joined() -> Result<(), Failure> {
    let workshop = MyWorkshop::new();
    let one_at_a_time = limits(|limits| limits.handlers_max = 1);
    let node = Node::builder().listen("memory://queue").limits(one_at_a_time).start().await?;
    let _export = node.export("workshop", WorkshopServer::new(Arc::clone(&workshop))).await?;
    let stub = import(&node).await?;
    let start = |number| {
        let stub = stub.clone();
        tokio::spawn(async move { stub.work(number).await })
    };
    // How long calls run is learnt from the second, which was queued: the mean is an eighth of it so far.
    let (first, second) = (start(1), start(2));
    workshop.runs(1).await;
    workshop.may_end.add_permits(1);
    first.await??;
    workshop.runs(1).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    workshop.may_end.add_permits(1);
    second.await??;
    let (running, queued) = (start(3), start(4));
    workshop.runs(1).await;
    let error = within(Duration::from_millis(150), stub.note(5)).await.expect_err("its turn would come too late");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Overload, Executed::Never), "{error}");
    let patient = tokio::spawn(async move { within(Duration::from_millis(900), stub.work(6)).await });
    workshop.may_end.add_permits(3);
    for call in [running, queued, patient] {
        call.await??;
    }
    Ok(())
}

/// Sessions that nobody uses keep nobody out for long.
#[tokio::test]
async fn unused_sessions_end_when_memory_is_scarce() -> Result<(), Failure> {
    let (node, _export, _workshop) = exporter(|limits| limits.record_bytes_max = 64 * 1024).await?;
    let address = &node.local_endpoints()[0];
    let (mut used, welcome) = Raw::hello(address, "Workshop", "workshop").await?;
    used.send(&call(0, 1, method_id("Blob"), &[8, 3])).await?;
    let reply = used.answer().await?;
    drop(used);
    while Raw::hello(address, "Workshop", "workshop").await.is_ok() {}
    let callers = Node::builder().start().await?;
    let stub: WorkshopClient = callers.import_at(address, "workshop").wait(WAIT_MAX).await?;
    assert_eq!(stub.look(1).await?, 1);
    // One that was used remembers.
    let (mut used, _attached) = Raw::attach(address, &welcome, 1).await?;
    used.send(&call(0, 1, method_id("Blob"), &[8, 3])).await?;
    assert_eq!(used.answer().await?.body, reply.body);
    Ok(())
}

/// A queued call that is given up never runs, and those behind it do.
#[tokio::test]
async fn a_queued_call_can_be_given_up() -> Result<(), Failure> {
    let (node, _export, workshop) = exporter(|limits| limits.handlers_max = 1).await?;
    let stub = import(&node).await?;
    let start = |number| {
        let stub = stub.clone();
        tokio::spawn(async move { stub.work(number).await })
    };
    let first = start(1);
    workshop.runs(1).await;
    let error = within(Duration::from_millis(100), stub.note(2)).await.expect_err("queued");
    let third = start(3);
    assert_eq!(error.receipt().expect("a receipt").settled().await, Executed::Never);
    workshop.may_end.add_permits(2);
    assert_eq!((first.await??, third.await??), (1, 3));
    assert_eq!(*workshop.notes.lock().expect("no panic inside"), [0u64; 0]);
    Ok(())
}

/// With one slot, calls of a binding run one at a time and in the order in which they were made, also over lost
/// connections. None of the limits is so small that nothing goes.
#[tokio::test]
async fn one_slot_keeps_the_order() -> Result<(), Failure> {
    for slots in [1, 0] {
        let (node, _export, workshop) = exporter(|limits| limits.slots_max = slots).await?;
        let gate = Gate::open(&node.local_endpoints()[0]).await?;
        let callers = Node::builder().start().await?;
        let stub: WorkshopClient = callers.import_at(&gate.address(), "workshop").await?;
        // On this one thread the tasks make their calls in this order.
        let calls: Vec<_> = (0..300)
            .map(|number| {
                let stub = stub.clone();
                tokio::spawn(async move { stub.note(number).await })
            })
            .collect();
        for (number, call) in calls.into_iter().enumerate() {
            call.await??;
            if number % 100 == 50 {
                gate.cut();
            }
        }
        assert!(workshop.notes.lock().expect("no panic inside").iter().copied().eq(0..300));
        assert_eq!(*workshop.running.borrow(), (0, 1));
        assert!(Binding::of(&stub).stats().connects > 1);
    }
    Ok(())
}

/// A callee of few slots and a caller of many calls: what finds no slot waits, unsent.
#[tokio::test]
async fn slots_bound_what_is_in_flight() -> Result<(), Failure> {
    let (node, _export, workshop) = exporter(|limits| limits.slots_max = 5).await?;
    let stub = import(&node).await?;
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let stub = stub.clone();
            tokio::spawn(async move { stub.work(number).await })
        })
        .collect();
    workshop.runs(5).await;
    // One that waits for a slot past its deadline has never been sent.
    let error = within(Duration::from_millis(100), stub.note(1)).await.expect_err("no slot");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::DeadlineExceeded, Executed::Never), "{error}");
    workshop.may_end.add_permits(50);
    for call in calls {
        call.await??;
    }
    assert_eq!(*workshop.running.borrow(), (0, 5));
    assert_eq!(*workshop.notes.lock().expect("no panic inside"), [0u64; 0]);
    Ok(())
}

/// A large reply over a slow line arrives, though it takes longer than a peer may be silent.
#[tokio::test]
async fn a_slow_line_is_no_silence() -> Result<(), Failure> {
    let (node, _export, _workshop) = exporter(|_| ()).await?;
    let gate = Gate::open(&node.local_endpoints()[0]).await?;
    let hasty = limits(|limits| limits.ping_after = Duration::from_millis(50));
    let callers = Node::builder().limits(hasty).start().await?;
    let stub: WorkshopClient = callers.import_at(&gate.address(), "workshop").await?;
    gate.trickle(4096);
    // Half a second at the least; three pings take a fifth.
    assert_eq!(within(WAIT_MAX, stub.blob(1 << 20)).await?.len(), 1 << 20);
    assert_eq!(Binding::of(&stub).stats().connects, 1);
    assert_eq!(Binding::of(&stub).link(), LinkState::Up(node.incarnation()));
    Ok(())
}

/// An exporter with a bound on replies that it keeps sends large ones all the same, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_replies_need_not_be_kept() -> Result<(), Failure> {
    let (node, _export, _workshop) = exporter(|limits| limits.session_reply_bytes_max = 4096).await?;
    let stub = import(&node).await?;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let stub = stub.clone();
            tokio::spawn(async move { stub.blob(100_000).await })
        })
        .collect();
    let mut refused = 0;
    for call in calls {
        match call.await? {
            Ok(blob) => assert_eq!(blob.len(), 100_000),
            // No room to record a verdict: refused rather than run without a record.
            Err(error) => {
                assert_eq!((error.kind(), error.executed()), (ErrorKind::Overload, Executed::Never), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!(node.stats().calls_executed, 64 - refused);
    assert_eq!(node.stats().calls_refused, refused);
    Ok(())
}
