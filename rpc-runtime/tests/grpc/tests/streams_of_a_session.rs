//! What calls with streams take of their session over gRPC, and what ends them: its lease, its bounds, their deadlines, a shutdown.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/desk.rs"]
mod desk;

use std::sync::atomic::Ordering;
use std::time::Duration;

use desk::{DATA_LOSS, ENDLESS, LONG, Served, path, served, verdict};
use rpc_runtime::Limits;
use tokio::time::timeout;

/// A stream that runs holds its session, and one that waits for its reply; afterwards the session ends with its lease.
#[tokio::test(start_paused = true)]
async fn a_stream_holds_its_session() {
    let mut limits = Limits::default();
    limits.session_lease = Duration::from_secs(3);
    let served = served(limits, 1).await;
    let mut opened = served.count("0/1", ENDLESS).await.opened().await;
    let mut waiting = served.open("Add", "1/2").await;
    assert_eq!(opened.next().await, Some(0u64));
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(opened.next().await, Some(1u64));
    opened.call.reset();
    served.lost().await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    waiting.send(&(5u64,));
    waiting.end();
    served.clerk.gate.add_permits(1);
    assert_eq!(waiting.answer().await.field::<u64>(), 5);
    assert_eq!(verdict(&served.count("0/1", ENDLESS).await.answer().await), DATA_LOSS);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(verdict(&served.count("0/1", ENDLESS).await.answer().await), (9, "unknown"));
    assert_eq!(served.runs(), 2);
}

/// A session that is closed ends its streams: they say that it is not known what became of their calls.
#[tokio::test]
async fn a_session_that_ends_ends_its_streams() {
    let served = served(Limits::default(), 1).await;
    let (opened, adding) = served.opened_and_adding().await;
    let close = served.connection.whole("/rpc.v1.Sessions/Close", &[("rpc-session", &served.entry)], &()).await;
    assert_eq!(close.answer().await.code, 0);
    assert_eq!(verdict(&opened.rest().await), (9, "unknown"));
    assert_eq!(verdict(&adding.answer().await), (9, "unknown"));
    served.clerk.gate.add_permits(1);
    served.lost().await;
    served.lost().await;
    assert_eq!(served.clerk.failures.lock().expect("whole").len(), 1);
}

/// Streams of a session have a bound. What is refused never runs, also when there is room later; they take no handler's place.
#[tokio::test]
async fn streams_of_a_session_have_a_bound() {
    let mut limits = Limits::default();
    limits.session_streams_max = 2;
    limits.handlers_max = 1;
    let served = served(limits, 100).await;
    let a = served.count("0/1", ENDLESS).await.opened().await;
    let _b = served.count("1/2", ENDLESS).await.opened().await;
    let refused = || async { served.count("2/3", 3).await.answer().await };
    assert_eq!(verdict(&refused().await), (8, "never"));
    assert_eq!(served.plain().await, 2);
    drop(a);
    served.lost().await;
    assert_eq!(verdict(&refused().await), (8, "never"));
    assert_eq!(served.count("2/4", 3).await.answer().await.items.len(), 3);
    assert_eq!(served.runs(), 3);
}

/// `grpc-timeout` bounds the whole call. Past it a stream that comes back is given up, and one that is taken ends with an error.
#[tokio::test(start_paused = true)]
async fn a_deadline_bounds_a_stream_of_a_session() {
    let served = served(Limits::default(), 100).await;
    let names = |name| [("rpc-session", &*served.entry), ("rpc-call", name), ("grpc-timeout", "5S")];
    let call = served.connection.whole(&path("Count"), &names("0/1"), &(ENDLESS,)).await;
    let mut counted = call.opened().await;
    assert_eq!(counted.next().await, Some(0u64));
    let mut adding = served.connection.open(&path("Add"), &names("1/2")).await;
    adding.send(&(5u64,));
    assert_eq!(verdict(&adding.answer().await), (4, "unknown"));
    assert_eq!(verdict(&counted.rest().await), (4, "unknown"));
    served.lost().await;
    served.lost().await;
    let contexts = served.clerk.contexts.lock().expect("whole").clone();
    assert!(contexts.iter().all(|context| context.remaining() == Some(Duration::ZERO)));
    assert_eq!(verdict(&served.count("0/1", ENDLESS).await.answer().await), DATA_LOSS);
    let again = served.open("Add", "1/2").await.answer().await;
    assert_eq!((verdict(&again), &*again.text), ((2, "completed"), "it was 5 when the rest was lost"));
    assert_eq!(served.runs(), 2);
}

/// A node that shuts down lets streams end while it waits; then it ends them, and says so.
#[tokio::test]
async fn a_shutdown_ends_streams_of_sessions() {
    let served = served(Limits::default(), 1).await;
    let (opened, adding) = served.opened_and_adding().await;
    let Served { node, clerk, .. } = served;
    let shutdown = tokio::spawn(async move { node.shutdown(Duration::ZERO).await });
    for answer in [opened.rest().await, adding.answer().await] {
        assert_eq!(verdict(&answer), (13, "completed"), "{answer:?}");
    }
    assert!(!timeout(LONG, shutdown).await.expect("it ends").expect("no panic"));
    assert_eq!(clerk.runs.load(Ordering::SeqCst), 2);
}
