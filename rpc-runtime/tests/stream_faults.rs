//! Streams whose connections are lost all the time: each item arrives once and in order, and a stream whose session is lost
//! ends with an error on both sides, never as if it were complete.
//!
//! `FAULT_ITEMS` sets how many items each test sends, `FAULT_SEED` what the proxies do.

mod feed;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/raw.rs"]
mod raw;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use feed::{Failure, Feed, FeedClient, FeedError, LONG, collect, exporter, import};
use gate::Gate;
use proxy::Proxy;
use raw::{Raw, call, method_id};
use rpc_runtime::protocol::frame::{Frame, Item, Status, Way};
use rpc_runtime::protocol::id::{CallId, Sequence, Slot};
use rpc_runtime::protocol::stream::{Position, WINDOW_BYTES};
use rpc_runtime::{CallError, ErrorKind, Executed, Limits, Node, Streaming};
use tokio::time::timeout;

/// Items of each stream.
const ITEMS: u64 = 30_000;
const SEED: u64 = 1984;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

/// R35, R38: streams of all three kinds, side by side behind a proxy that cuts connections within frames, swallows what the
/// exporter says and delivers old bytes late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_item_arrives_once_and_in_order() -> Result<(), Failure> {
    let (items, seed) = (setting("FAULT_ITEMS", ITEMS), setting("FAULT_SEED", SEED));
    let (exporter, _export, feed) = exporter(Limits::default()).await?;
    let proxy = Proxy::start(&exporter.local_endpoints()[0], 10_000, seed).await?;
    let importer = Node::builder().start().await?;
    let client: FeedClient = importer.import_at(&proxy.address(), "feed").wait(Duration::from_secs(20)).await?;

    let count = tokio::spawn({
        let client = client.clone();
        async move {
            let mut numbers = client.count(items, false).await?;
            for number in 0..items {
                assert_eq!(numbers.next().await, Some(Ok(number)), "seed {seed}");
            }
            assert_eq!(numbers.next().await, None, "seed {seed}");
            Ok::<_, FeedError>(())
        }
    });
    let sum = tokio::spawn({
        let client = client.clone();
        async move { client.sum(Streaming::from_iter(0..items)).await }
    });
    let echo = tokio::spawn({
        let client = client.clone();
        async move {
            let lines = (1..=items).map(|number| number.to_string());
            let mut echo = client.echo(Streaming::from_iter(lines)).await?;
            for number in 1..=items {
                let line = echo.next().await.expect("an echo")?;
                assert_eq!((line.number, line.text), (number, number.to_string()), "seed {seed}");
            }
            assert_eq!(echo.next().await, None, "seed {seed}");
            Ok::<_, CallError>(())
        }
    });
    let many = tokio::spawn({
        let client = client.clone();
        async move {
            for number in 0..items / 100 {
                assert_eq!(collect(client.count(number % 7, false).await?).await?.len() as u64, number % 7);
            }
            Ok::<_, FeedError>(())
        }
    });
    let ends = async {
        count.await??;
        assert_eq!(sum.await??, items * (items - 1) / 2, "seed {seed}");
        echo.await??;
        many.await??;
        Ok::<_, Failure>(())
    };
    timeout(2 * LONG, ends).await.unwrap_or_else(|_| panic!("seed {seed} hangs"))?;
    assert_eq!(feed.openings.load(Ordering::SeqCst), 2 + items / 100, "each stream was opened once");
    assert!(exporter.shutdown(LONG).await, "seed {seed}: every call has ended");
    let harm = proxy.harm();
    let connections = harm.connections.load(Ordering::Relaxed);
    println!("{items} items each way, {connections} connections");
    assert!(connections > 2, "{harm:?}");
    Ok(())
}

/// R35, R38: a stream whose last acknowledgement was lost says it again on the next connection, although nobody holds it any
/// more; so its call gets its answer.
#[tokio::test]
async fn the_last_acknowledgement_is_repeated() -> Result<(), Failure> {
    let (exporter, _export, _feed) = exporter(Limits::default()).await?;
    let gate = Gate::open(&exporter.local_endpoints()[0]).await?;
    let importer = Node::builder().start().await?;
    let client = import(&importer, &gate.address()).await?;
    let mut numbers = client.count(2, false).await?;
    assert_eq!(numbers.next().await, Some(Ok(0)));
    assert_eq!(numbers.next().await, Some(Ok(1)));
    gate.lose_requests();
    assert_eq!(timeout(LONG, numbers.next()).await?, None);
    drop(numbers);
    gate.lost_request().await;
    gate.cut();
    gate.reopen();
    assert_eq!(client.plain().await, Ok(1));
    assert!(exporter.shutdown(LONG).await, "the call has its answer");
    Ok(())
}

/// R38: where the session is lost, both sides of each stream learn it.
#[tokio::test]
async fn a_lost_session_ends_streams_with_an_error() -> Result<(), Failure> {
    let mut limits = Limits::default();
    limits.session_lease = Duration::from_millis(300);
    let (exporter, _export, feed) = exporter(limits).await?;
    let gate = Gate::open(&exporter.local_endpoints()[0]).await?;
    let importer = Node::builder().start().await?;
    let client = import(&importer, &gate.address()).await?;
    let mut lines = client.lines().await?;
    assert_eq!(lines.next().await.expect("a line")?.number, 0);
    let (sender, numbers) = Streaming::channel();
    let sum = tokio::spawn({
        let client = client.clone();
        async move { client.sum(numbers).await }
    });
    sender.send(1).await?;
    sender.send(2).await?;

    gate.shut();
    gate.cut();
    // The exporter's side: what produces is dropped, what consumes is told.
    timeout(LONG, feed.drops.notified()).await?;
    timeout(LONG, feed.drops.notified()).await?;
    assert_eq!(feed.dropped.load(Ordering::SeqCst), 1);
    gate.reopen();
    let error = loop {
        match timeout(LONG, lines.next()).await? {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("as if it were complete"),
        }
    };
    assert_eq!(error.kind(), ErrorKind::SessionLost, "{error}");
    assert!(matches!(error.executed(), Executed::Unknown { .. }), "{error}");
    let FeedError::Call(error) = timeout(LONG, sum).await??.expect_err("no sum") else {
        panic!("it is no error of its own");
    };
    assert_eq!(error.kind(), ErrorKind::SessionLost, "{error}");
    timeout(LONG, sender.closed()).await?;
    // And the binding goes on with another session.
    assert_eq!(client.plain().await, Ok(1));
    Ok(())
}

/// R38: an exporter that was killed and comes again knows nothing of the stream.
#[tokio::test]
async fn a_restarted_exporter_ends_streams_with_an_error() -> Result<(), Failure> {
    let (first, _export, _) = exporter(Limits::default()).await?;
    let (second, _export, _) = exporter(Limits::default()).await?;
    let gate = Gate::open(&first.local_endpoints()[0]).await?;
    let importer = Node::builder().start().await?;
    let client = import(&importer, &gate.address()).await?;
    let mut lines = client.lines().await?;
    assert_eq!(lines.next().await.expect("a line")?.number, 0);
    gate.lead_to(&second.local_endpoints()[0]);
    gate.cut();
    let error = loop {
        match timeout(LONG, lines.next()).await? {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("as if it were complete"),
        }
    };
    assert_eq!(error.executed(), Executed::Unknown { may_still_run: true }, "{error}");
    assert!(!error.safe_to_retry());
    Ok(())
}

fn id(slot: u16, sequence: u64) -> CallId {
    CallId { slot: Slot(slot), sequence: Sequence(sequence) }
}

fn item(number: u64, body: &[u8]) -> Frame {
    let body = Bytes::copy_from_slice(body);
    Frame::Item(Way::Up, Item { id: id(0, 1), number, end: None, body })
}

/// A caller that has opened a stream that nobody reads, by hand.
async fn raw_caller(address: &str) -> Result<Raw, Failure> {
    let (mut raw, _) = Raw::hello(address, "Feed", "feed").await?;
    raw.send(&call(0, 1, method_id("Hold"), &[])).await?;
    let Some(Frame::ItemAck(Way::Down, _, position)) = raw.frame().await? else { panic!("no go-ahead") };
    assert_eq!(position, Position { received: 0, consumed: 0 });
    Ok(raw)
}

/// R36: a caller that leaves an item out, sends more than it was asked for, or acknowledges what was not sent, is cut off.
#[tokio::test]
async fn a_caller_that_breaks_the_rules_is_cut_off() -> Result<(), Failure> {
    let (exporter, _export, _feed) = exporter(Limits::default()).await?;
    let address = &exporter.local_endpoints()[0];
    let mut gap = raw_caller(address).await?;
    gap.send(&item(2, &[])).await?;
    gap.closed().await?;

    let mut greedy = raw_caller(address).await?;
    greedy.send(&item(1, &vec![0; WINDOW_BYTES])).await?;
    greedy.send(&item(2, &[])).await?;
    greedy.closed().await?;

    let (mut liar, _) = Raw::hello(address, "Feed", "feed").await?;
    liar.send(&call(0, 1, method_id("Lines"), &[])).await?;
    assert_eq!(liar.answer().await?.header.status, Status::Opened);
    liar.send(&Frame::ItemAck(Way::Up, id(0, 1), Position { received: 1 << 40, consumed: 1 << 40 })).await?;
    liar.closed().await?;

    // Items of streams that there are not are dropped.
    let mut late = raw_caller(address).await?;
    late.send(&Frame::Item(Way::Up, Item { id: id(7, 9), number: 3, end: None, body: Bytes::new() })).await?;
    late.send(&Frame::Ping).await?;
    assert!(matches!(late.frame().await?, Some(Frame::Pong(_))));
    Ok(())
}
