//! Watching a nameserver that is busy: no change is missed, none is told twice.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nameserver::{Options, Running};
use rpc_runtime::directory::nameserver::{
    Change, Interest, NAMESERVER_INSTANCE, Nameserver, NameserverClient, Watched,
};
use rpc_runtime::directory::{RegisterMode, Registration};
use rpc_runtime::{Node, within};
use support::registration;
use uuid::Uuid;

const CHANGES: usize = 2_000;
/// Longer than any test.
const WAIT: Duration = Duration::from_secs(60);

async fn start(data: &std::path::Path) -> (Running, Node, NameserverClient) {
    let options = Options { listen: "127.0.0.1:0".into(), data: data.to_owned() };
    let running = nameserver::start(options).await.expect("a new one");
    let node = Node::builder().start().await.expect("a node");
    let client = node.import_at(&running.endpoints()[0], NAMESERVER_INSTANCE).await.expect("it runs");
    (running, node, client)
}

/// R23, I18: watchers that are quick, slow and late are told the same 2,000 changes, each once and in order.
#[tokio::test]
async fn every_change_is_told_once() {
    let data = tempfile::tempdir().expect("a directory");
    let (_running, _node, client) = start(data.path()).await;
    let last = Arc::new(tokio::sync::OnceCell::new());
    let watchers: Vec<_> = [0, 5, 50]
        .map(|pause| tokio::spawn(follow(client.clone(), Duration::from_millis(pause), Arc::clone(&last))))
        .into();

    let mut held = BTreeMap::new();
    let mut changes = tokio::task::JoinSet::new();
    for n in 0..CHANGES {
        let client = client.clone();
        changes.spawn(async move {
            let mut wanted = registration(&format!("s{}", n % 50));
            wanted.mode = RegisterMode::Takeover;
            let lease = client.ns_register(wanted, Uuid::new_v4(), None).await.expect("the same owner");
            (lease.instance, lease.epoch.number)
        });
        if n % 100 == 99 {
            while let Some(changed) = changes.join_next().await {
                let (instance, number) = changed.expect("no panic");
                let newest = held.entry(instance).or_default();
                *newest = number.max(*newest);
            }
        }
    }
    last.set(*held.values().max().expect("some")).expect("once");
    for watcher in watchers {
        let told = tokio::time::timeout(Duration::from_secs(10), watcher).await;
        let (numbers, state) = told.expect("it gets there").expect("no panic");
        assert!(numbers.iter().copied().eq(1..=CHANGES as u64), "each once and in order");
        assert!(state == held, "and they add up to what there is");
    }
}

/// Follows everything; gives the numbers told, in the order in which they were, and what they add up to.
async fn follow(
    client: NameserverClient,
    pause: Duration,
    last: Arc<tokio::sync::OnceCell<u64>>,
) -> (Vec<u64>, BTreeMap<String, u64>) {
    let (mut numbers, mut state, mut cursor) = (Vec::new(), BTreeMap::new(), None);
    loop {
        let watched =
            within(Duration::from_secs(2), client.ns_watch(Interest::everything(), cursor.clone(), WAIT)).await;
        cursor = Some(match watched.expect("it answers before the deadline") {
            Watched::Snapshot { entries, next, .. } => {
                // Before the first change: what is in it would be missing from the events.
                assert!(entries.is_empty() && cursor.is_none());
                next
            }
            Watched::Events { events, next } => {
                for event in events {
                    let Change::Put(entry) = event.change else { panic!("nothing is removed") };
                    numbers.push(entry.epoch.number);
                    state.insert(entry.instance.clone(), entry.epoch.number);
                }
                next
            }
        });
        if last.get().is_some_and(|last| numbers.last() == Some(last)) {
            return (numbers, state);
        }
        tokio::time::sleep(pause).await;
    }
}

/// R23: without a change a watch is answered before its deadline, and the watcher can go on from there.
#[tokio::test]
async fn without_a_change_it_ends_in_time() {
    let data = tempfile::tempdir().expect("a directory");
    let (_running, _node, client) = start(data.path()).await;
    let Ok(Watched::Snapshot { next, .. }) = client.ns_watch(Interest::everything(), None, WAIT).await else {
        panic!("a snapshot")
    };
    let patience = Duration::from_millis(700);
    let waited = within(patience, client.ns_watch(Interest::everything(), Some(next.clone()), WAIT)).await;
    assert_eq!(waited.expect("in time"), Watched::Events { events: vec![], next });
}

/// Bounds and names are checked where they come in, and the caller is told what to change.
#[tokio::test]
async fn what_is_not_acceptable_is_refused_in_words() {
    let data = tempfile::tempdir().expect("a directory");
    let (_running, _node, client) = start(data.path()).await;
    let nowhere = Registration { endpoints: vec![], ..registration("a-m") };
    let refused = client.ns_register(nowhere, Uuid::nil(), None).await.expect_err("no endpoint").to_string();
    assert!(refused.contains("say where to reach the exporter"), "{refused}");
    let epoch = client.ns_register(registration("a-m"), Uuid::nil(), None).await.expect("free").epoch;
    let refused = client.ns_renew(vec![epoch; 10_001]).await.expect_err("too many").to_string();
    assert!(refused.contains("use several calls"), "{refused}");
}

/// A nameserver that stops lets go of its watchers at once, and of its directory.
#[tokio::test]
async fn stopping_does_not_wait_for_watchers() {
    let data = tempfile::tempdir().expect("a directory");
    let (running, _node, client) = start(data.path()).await;
    let Ok(Watched::Snapshot { next, .. }) = client.ns_watch(Interest::everything(), None, WAIT).await else {
        panic!("a snapshot")
    };
    let waiting = tokio::spawn(async move { client.ns_watch(Interest::everything(), Some(next), WAIT).await });
    tokio::task::yield_now().await;
    let begun = std::time::Instant::now();
    running.stop().await.expect("all written");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    waiting.abort();
    start(data.path()).await;
}
