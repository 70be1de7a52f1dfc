//! Exporters that leave and come again while a directory knows them: bindings to a name or a group go on with another, no call fails
//! by that, and none runs twice.

#[path = "support/gate.rs"]
mod gate;
mod ledger;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gate::Gate;
use ledger::{Failure, Ledger, LedgerClient, LedgerServer, Load, MAY_STILL_RUN, WAIT_MAX, until};
use rpc_runtime::directory::MemoryDirectory;
use rpc_runtime::{
    Binding, CallError, Context, ErrorKind, Export, Limits, LinkState, Node, RegisterMode, Selector, within,
};

/// An implementation that counts, shared by the exporters of a rolling restart.
#[derive(Default)]
struct Counts {
    runs: Mutex<HashMap<u64, u32>>,
}

impl Ledger for Counts {
    async fn note(&self, number: u64) -> Result<u32, CallError> {
        *self.runs.lock().expect("no panic inside").entry(number).or_default() += 1;
        match number % 16 {
            // Work that takes a while, so that every drain finds some of it.
            0 => tokio::time::sleep(Duration::from_millis(5)).await,
            number if number.is_multiple_of(2) => tokio::task::yield_now().await,
            _ => {}
        }
        Ok(0)
    }
    async fn note_and_hang(&self, _number: u64) -> Result<(), CallError> {
        Context::current().expect("within a call").cancelled().await;
        Ok(())
    }
    async fn life(&self) -> Result<u32, CallError> {
        Ok(0)
    }
}

/// When one member of a group leaves for good, its callers go on with another, also with one that registered before it.
#[tokio::test]
async fn a_member_that_leaves_is_replaced_by_an_older_one() -> Result<(), Failure> {
    let directory = Arc::new(MemoryDirectory::new());
    let counts = Arc::new(Counts::default());
    let (older, _older_export) = member(&directory, &counts, "left").await?;
    let (newer, _newer_export) = member(&directory, &counts, "right").await?;
    let callers = Node::builder().directory(Arc::clone(&directory) as _).start().await?;
    // Which member a binding gets is drawn.
    let stub: LedgerClient = loop {
        let stub = callers.import(Selector::Group("ledgers".into())).await?;
        if Binding::of(&stub).link() == LinkState::Up(newer.incarnation()) {
            break stub;
        }
    };
    stub.note(1).await?;
    assert!(newer.shutdown(WAIT_MAX).await);
    within(WAIT_MAX, stub.note(2)).await?;
    assert_eq!(Binding::of(&stub).link(), LinkState::Up(older.incarnation()));
    Ok(())
}

/// A pinned binding to a group waits for its member, though others are there: also after its session was lost.
#[tokio::test]
async fn a_pinned_binding_stays_with_its_member() -> Result<(), Failure> {
    let directory = Arc::new(MemoryDirectory::new());
    let counts = Arc::new(Counts::default());
    let (_other, _other_export) = member(&directory, &counts, "other").await?;
    let mut limits = Limits::default();
    limits.session_lease = Duration::from_millis(300);
    // Its address is registered before it is known where it leads.
    let gate = Gate::open("127.0.0.1:1").await?;
    let builder = Node::builder().directory(Arc::clone(&directory) as _).limits(limits).advertise(gate.address());
    let pinned = builder.listen("127.0.0.1:0").start().await?;
    gate.lead_to(&pinned.local_endpoints()[0]);
    let _export = pinned.export("pinned", LedgerServer::new(Arc::clone(&counts))).group("ledgers").await?;

    let callers = Node::builder().directory(Arc::clone(&directory) as _).start().await?;
    let stub: LedgerClient = loop {
        let stub = callers.import(Selector::Group("ledgers".into())).pinned().await?;
        if Binding::of(&stub).link() == LinkState::Up(pinned.incarnation()) {
            break stub;
        }
    };
    let in_flight = tokio::spawn({
        let stub = stub.clone();
        async move { stub.note_and_hang(1).await }
    });
    until("it runs", || pinned.stats().calls_executed > 0).await;
    gate.shut();
    let error = in_flight.await?.expect_err("the session is lost");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::SessionLost, MAY_STILL_RUN), "{error}");
    let late = tokio::spawn({
        let stub = stub.clone();
        async move { stub.note(2).await }
    });
    let refused = gate.refused();
    until("it is dialled again", || gate.refused() > refused).await;
    gate.reopen();
    assert_eq!(late.await??, 0);
    assert_eq!(Binding::of(&stub).link(), LinkState::Up(pinned.incarnation()));
    Ok(())
}

/// A member that died without a word stays registered for a while: who binds to the group then gets one that lives.
#[tokio::test]
async fn a_dead_member_is_passed_over() -> Result<(), Failure> {
    let directory = Arc::new(MemoryDirectory::new());
    let counts = Arc::new(Counts::default());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let dead = Node::builder().directory(Arc::clone(&directory) as _).advertise(nobody.to_string()).start().await?;
    let stub = || LedgerServer::new(Arc::clone(&counts));
    let _dead_exports =
        [dead.export("dead", stub()).group("ledgers").await?, dead.export("lost", stub()).group("ledgers").await?];
    let (alive, _export) = member(&directory, &counts, "alive").await?;
    let callers = Node::builder().directory(Arc::clone(&directory) as _).start().await?;
    for number in 0..20 {
        let stub: LedgerClient = callers.import(Selector::Group("ledgers".into())).await?;
        stub.note(number).await?;
        assert_eq!(Binding::of(&stub).link(), LinkState::Up(alive.incarnation()));
    }
    Ok(())
}

/// Of several addresses of an exporter one is enough, whatever answers at the others.
#[tokio::test]
async fn one_good_address_is_enough() -> Result<(), Failure> {
    let directory = Arc::new(MemoryDirectory::new());
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let foreign = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let foreign_address = foreign.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = foreign.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example.com ESMTP\r\n").await;
        }
    });
    let addresses = [closed.to_string(), foreign_address.to_string(), "memory://good".to_owned()];
    let builder = Node::builder().directory(Arc::clone(&directory) as _).listen("memory://good");
    let node = addresses.iter().fold(builder, |builder, address| builder.advertise(address)).start().await?;
    let _export = node.export("ledger", LedgerServer::new(Arc::<Counts>::default())).await?;
    let callers = Node::builder().directory(directory).start().await?;
    let stub: LedgerClient = callers.import("ledger").await?;
    assert_eq!(stub.note(1).await?, 0);
    Ok(())
}

/// An exporter of the group `ledgers`.
async fn member(
    directory: &Arc<MemoryDirectory>,
    counts: &Arc<Counts>,
    instance: &str,
) -> Result<(Node, Export), Failure> {
    let node = Node::builder().directory(Arc::clone(directory) as _).listen("127.0.0.1:0").start().await?;
    let export = node.export(instance, LedgerServer::new(Arc::clone(counts))).group("ledgers").await?;
    Ok((node, export))
}

/// Rolling restarts of two exporters that callers find by group, under load: no call fails, and none runs twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_a_group_fails_no_call() -> Result<(), Failure> {
    let directory = Arc::new(MemoryDirectory::new());
    let counts = Arc::new(Counts::default());
    let mut members = [member(&directory, &counts, "left").await?, member(&directory, &counts, "right").await?];
    let callers = Node::builder().directory(Arc::clone(&directory) as _).start().await?;
    let mut loads = Vec::new();
    let mut stubs: Vec<LedgerClient> = Vec::new();
    for binding in 0..4 {
        stubs.push(callers.import(Selector::Group("ledgers".into())).await?);
        loads.push(Load::start_at(&stubs[binding], 4, binding as u64 * 100_000_000));
    }
    for round in 0..8 {
        loads[round % 4].goes_on(100).await;
        let place = (round + 1) % 2;
        assert!(members[place].0.shutdown(WAIT_MAX).await, "every call ends within the drain");
        members[place] = member(&directory, &counts, ["left", "right"][place]).await?;
    }
    for load in &loads {
        load.goes_on(100).await;
    }
    let mut calls = 0;
    for load in loads {
        for (number, result) in load.stop().await {
            assert_eq!(result, Ok(0), "call {number} failed");
            calls += 1;
        }
    }
    let runs = counts.runs.lock().expect("no panic inside");
    assert_eq!(runs.len(), calls);
    assert!(runs.values().all(|runs| *runs == 1));
    println!("{calls} calls over 8 restarts");
    Ok(())
}

/// A name is taken over by a new exporter before the old one shuts down, under load, again and again: no call
/// fails, and none runs twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takeover_fails_no_call() -> Result<(), Failure> {
    let directory = Arc::new(MemoryDirectory::new());
    let counts = Arc::new(Counts::default());
    let start = || async {
        let node = Node::builder().directory(Arc::clone(&directory) as _).listen("127.0.0.1:0").start().await?;
        let stub = LedgerServer::new(Arc::clone(&counts));
        let export = node.export("ledger", stub).mode(RegisterMode::Takeover).await?;
        Ok::<_, Failure>((node, export))
    };
    let mut holder = start().await?;
    let callers = Node::builder().directory(Arc::clone(&directory) as _).start().await?;
    let stub: LedgerClient = callers.import("ledger").await?;
    let load = Load::start(&stub, 8);
    for _ in 0..5 {
        load.goes_on(100).await;
        let next = start().await?;
        let old = std::mem::replace(&mut holder, next);
        // The old holder refuses from now on, though nobody shuts it down yet (R32).
        load.goes_on(100).await;
        assert!(!old.1.is_offered());
        assert!(old.0.shutdown(WAIT_MAX).await, "every call ends within the drain");
    }
    load.goes_on(100).await;
    let results = load.stop().await;
    for (number, result) in &results {
        assert_eq!(result, &Ok(0), "call {number} failed");
    }
    let runs = counts.runs.lock().expect("no panic inside");
    assert_eq!(runs.len(), results.len());
    assert!(runs.values().all(|runs| *runs == 1));
    Ok(())
}
