//! Streams over real sockets, as a user makes them: what a method takes and gives as items, one after the other.

mod feed;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use feed::{
    DynFeed, Failure, Feed, FeedError, FeedServer, LONG, MyFeed, STUCK, collect, exporter, import, pair, takes_turns,
};
use rpc_runtime::{CallError, ErrorKind, Executed, Limits, Node, Streaming, in_memory, within};
use tokio::time::timeout;

/// What every implementation and every stub does with the three kinds.
async fn exercise(feed: &impl Feed) -> Result<(), Failure> {
    assert_eq!(collect(feed.count(3, false).await?).await, Ok(vec![0, 1, 2]));
    assert_eq!(collect(feed.count(0, false).await?).await, Ok(vec![]));
    assert_eq!(feed.sum(Streaming::from_iter(1..=100)).await, Ok(5050));
    assert_eq!(feed.sum(Streaming::from_iter([])).await, Ok(0));
    let lines = ["a", "b"].map(str::to_owned);
    let echo = collect(feed.echo(Streaming::from_iter(lines)).await?).await?;
    let texts: Vec<_> = echo.iter().map(|line| (line.number, line.text.as_str())).collect();
    assert_eq!(texts, [(1, "a"), (2, "b")]);

    let error = feed.count(2_000_000, false).await.expect_err("too many");
    assert_eq!(error, FeedError::NoMore { limit: 1_000_000 });
    let mut numbers = feed.count(1, true).await?;
    assert_eq!(numbers.next().await, Some(Ok(0)));
    assert_eq!(numbers.next().await, Some(Err(FeedError::NoMore { limit: 1 })));
    assert_eq!(numbers.next().await, None);
    Ok(())
}

/// Code that is written against the interface does the same with the implementation and with the stub.
#[tokio::test]
async fn all_kinds_work_here_and_there() -> Result<(), Failure> {
    exercise(&MyFeed::default()).await?;
    exercise(&in_memory(FeedServer::new(MyFeed::default()))).await?;
    let (client, feed, _nodes) = pair().await?;
    exercise(&client).await?;
    exercise(&DynFeed::new(client)).await?;
    assert!(feed.openings.load(Ordering::SeqCst) > 0);
    Ok(())
}

/// Both sides of a stream speak in turns: an item goes out as soon as it is there.
#[tokio::test]
async fn a_dialogue_takes_turns() -> Result<(), Failure> {
    let (client, _, _nodes) = pair().await?;
    takes_turns(&client).await
}

/// A producer that fails, or panics, ends its stream with that error: behind what it has produced, and never as if it were
/// complete.
#[tokio::test]
async fn a_failed_producer_reaches_its_consumer() -> Result<(), Failure> {
    let (client, _, _nodes) = pair().await?;
    let mut numbers = client.panics(3).await?;
    for number in 0..3 {
        assert_eq!(numbers.next().await, Some(Ok(number)));
    }
    let error = numbers.next().await.expect("an end").expect_err("a panic");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Aborted, Executed::Completed));
    assert!(error.to_string().contains("Panics: the stream's producer panicked"), "{error}");
    assert_eq!(numbers.next().await, None);

    let panics = Streaming::from_iter((0..).inspect(|number| assert!(*number < 3, "as asked")));
    let FeedError::Call(error) = client.sum(panics).await.expect_err("the implementation passes it on") else {
        panic!("it is no error of its own");
    };
    assert_eq!(error.nested().map(|nested| nested.kind.as_str()), Some("Aborted"));

    let (sender, numbers) = Streaming::channel();
    let sum = client.sum(numbers);
    let fails = async {
        sender.send(1).await?;
        sender.end_with(CallError::failed("no more numbers")).await
    };
    let (sum, sent) = tokio::join!(sum, fails);
    assert_eq!(sent, Ok(()));
    assert!(sum.expect_err("no sum").to_string().contains("no more numbers"));
    Ok(())
}

/// A panic in the task that fills a channel is no end.
#[tokio::test]
async fn a_panic_beside_a_channel_is_an_error() {
    let (sender, mut numbers) = Streaming::<u64>::channel();
    let task = tokio::spawn(async move {
        sender.send(1).await.expect("a consumer");
        panic!("as asked");
    });
    assert_eq!(numbers.next().await, Some(Ok(1)));
    let error = numbers.next().await.expect("an end").expect_err("a panic");
    assert_eq!(error.kind(), ErrorKind::Aborted);
    assert!(task.await.is_err());
}

/// R39: who drops a result's stream has its producer dropped, and its call's slot is free again.
#[tokio::test]
async fn a_dropped_result_drops_its_producer() -> Result<(), Failure> {
    let mut limits = Limits::default();
    limits.slots_max = 1;
    let (exporter, _export, feed) = exporter(limits).await?;
    let importer = Node::builder().start().await?;
    let client = import(&importer, &exporter.local_endpoints()[0]).await?;
    for round in 1..=3 {
        let mut lines = client.lines().await?;
        assert_eq!(lines.next().await.expect("a line")?.number, 0);
        drop(lines);
        timeout(LONG, feed.drops.notified()).await?;
        assert_eq!(feed.dropped.load(Ordering::SeqCst), round);
        assert_eq!(client.plain().await, Ok(1));
    }
    Ok(())
}

/// R39: what an implementation does not want to read any more, its caller produces no more.
#[tokio::test]
async fn a_dropped_argument_drops_its_producer() -> Result<(), Failure> {
    let (client, _, _nodes) = pair().await?;
    let here = MyFeed::default();
    let numbers = Streaming::from_iter(here.counted().map(|line| line.number));
    assert_eq!(client.first(numbers).await, Ok(Some(0)));
    timeout(LONG, here.drops.notified()).await?;
    Ok(())
}

/// R39: a call that is dropped while its stream is sent ends the stream with an error where it is read.
#[tokio::test]
async fn a_dropped_call_ends_its_argument_with_an_error() -> Result<(), Failure> {
    let (client, feed, _nodes) = pair().await?;
    let (sender, numbers) = Streaming::channel();
    let mut sum = Box::pin(client.sum(numbers));
    tokio::select! {
        _ = &mut sum => panic!("there is more to come"),
        sent = async { sender.send(1).await?; sender.send(2).await } => sent?,
    }
    drop(sum);
    timeout(LONG, sender.closed()).await?;
    timeout(LONG, feed.drops.notified()).await?;
    assert!(feed.cancelled.load(Ordering::SeqCst));
    Ok(())
}

/// R36, R37: a slow consumer holds no more than a window and an item, and holds up nothing else.
#[tokio::test]
async fn a_slow_consumer_keeps_memory_flat() -> Result<(), Failure> {
    // 1,000 bytes and what a line has beside them.
    const LINES_MAX: u64 = 256 * 1024 / 1064 + 2;
    let (client, feed, _nodes) = pair().await?;
    let mut lines = client.lines().await?;
    for number in 0..500 {
        assert_eq!(lines.next().await.expect("a line")?.number, number);
        for _ in 0..10 {
            assert_eq!(client.plain().await, Ok(1));
            let ahead = feed.produced.load(Ordering::SeqCst) - number;
            assert!(ahead <= LINES_MAX, "{ahead} lines were produced and not consumed");
        }
    }
    Ok(())
}

/// R36: the same the other way: an implementation that does not read keeps its caller from producing.
#[tokio::test]
async fn a_slow_implementation_keeps_memory_flat() -> Result<(), Failure> {
    const LINES_MAX: u64 = 256 * 1024 / 1064 + 2;
    let (client, _, _nodes) = pair().await?;
    let here = MyFeed::default();
    let lines = here.counted().map(|line| line.text);
    // Both ways: what is echoed is not read, so that nothing more is.
    let mut echo = client.echo(Streaming::from_iter(lines)).await?;
    for number in 1..=500 {
        assert_eq!(echo.next().await.expect("a line")?.number, number);
        assert_eq!(client.plain().await, Ok(1));
        let ahead = here.produced.load(Ordering::SeqCst) - number;
        assert!(ahead <= 2 * LINES_MAX + 3, "{ahead} lines were produced and not consumed");
    }
    Ok(())
}

/// Items larger than a window go one at a time; one that no frame holds is an error on both sides.
#[tokio::test]
async fn items_may_be_large_but_not_too_large() -> Result<(), Failure> {
    let (client, _, _nodes) = pair().await?;
    let blobs = collect(client.blobs(1 << 20, 5).await?).await?;
    assert!(blobs.len() == 5 && blobs.iter().all(|blob| blob.len() == 1 << 20));
    let error = collect(client.blobs(17 << 20, 5).await?).await.expect_err("too large");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::TooLarge, Executed::Completed));
    assert!(error.to_string().contains("frame_bytes_max"), "{error}");
    Ok(())
}

/// R40: a deadline bounds the opening; a stream may live longer, and a result that follows one has its time from there.
#[tokio::test]
async fn a_deadline_bounds_the_opening() -> Result<(), Failure> {
    const SHORT: Duration = Duration::from_millis(50);
    let (client, _, _nodes) = pair().await?;
    let error = within(SHORT, client.never_opens()).await.expect_err("it never opens");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.executed(), Executed::Unknown { may_still_run: true });

    let (lines_sender, lines) = Streaming::channel();
    let mut echo = within(SHORT, client.echo(lines)).await?;
    let (sender, numbers) = Streaming::channel();
    let sum = within(SHORT, client.sum(numbers));
    let slow = async {
        sender.send(1).await?;
        tokio::time::sleep(2 * SHORT).await;
        sender.send(2).await?;
        drop(sender);
        lines_sender.send("late".to_owned()).await
    };
    let (sum, sent) = tokio::join!(sum, slow);
    assert_eq!((sum, sent), (Ok(3), Ok(())));
    assert_eq!(echo.next().await.expect("an echo")?.text, "late");

    let stuck = within(SHORT, client.sum(Streaming::from_iter([STUCK]))).await;
    let FeedError::Call(error) = stuck.expect_err("the sum is not told") else { panic!("no error of its own") };
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    Ok(())
}

/// R11: beyond the bound a stream is not opened, and when one has ended another can be.
#[tokio::test]
async fn streams_have_a_bound() -> Result<(), Failure> {
    let mut limits = Limits::default();
    limits.session_streams_max = 3;
    limits.streams_max = 2;
    let (exporter, _export, feed) = exporter(limits).await?;
    let importer = Node::builder().start().await?;
    let client = import(&importer, &exporter.local_endpoints()[0]).await?;
    let (first, _second) = (client.lines().await?, client.lines().await?);
    let error = client.lines().await.expect_err("a third");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Overload, Executed::Never));
    assert_eq!(client.plain().await, Ok(1));
    drop(first);
    timeout(LONG, feed.drops.notified()).await?;
    // The slot of the first is free with its answer.
    while let Err(error) = client.lines().await.map(drop) {
        assert_eq!(error.kind(), ErrorKind::Overload);
    }
    Ok(())
}

/// R11: nor do connections that open at the same moment pass the bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_of_many_connections_have_a_bound() -> Result<(), Failure> {
    const STREAMS_MAX: usize = 2;
    const OPENINGS: usize = 300;
    let mut limits = Limits::default();
    limits.streams_max = STREAMS_MAX;
    let (exporter, _export, _feed) = exporter(limits).await?;
    let importer = Node::builder().start().await?;
    let held = Arc::new(AtomicUsize::new(0));
    let mut callers = Vec::new();
    for _ in 0..6 {
        let (client, held) = (import(&importer, &exporter.local_endpoints()[0]).await?, Arc::clone(&held));
        callers.push(tokio::spawn(async move {
            for _ in 0..OPENINGS {
                match client.lines().await {
                    Ok(lines) => {
                        assert!(held.fetch_add(1, Ordering::SeqCst) < STREAMS_MAX);
                        tokio::task::yield_now().await;
                        held.fetch_sub(1, Ordering::SeqCst);
                        drop(lines);
                    }
                    Err(error) => assert_eq!((error.kind(), error.executed()), (ErrorKind::Overload, Executed::Never)),
                }
            }
        }));
    }
    for caller in callers {
        timeout(LONG, caller).await??;
    }
    assert!(exporter.shutdown(LONG).await, "every call has ended");
    Ok(())
}

/// A stream keeps its binding, whoever holds the stub.
#[tokio::test]
async fn a_stream_outlives_its_stub() -> Result<(), Failure> {
    let (client, _, _nodes) = pair().await?;
    let numbers = client.count(1000, false).await?;
    drop(client);
    assert_eq!(collect(numbers).await?.len(), 1000);
    Ok(())
}

/// A node that shuts down ends its streams with an error that says so, when its patience is over.
#[tokio::test]
async fn a_shutdown_ends_streams_with_an_error() -> Result<(), Failure> {
    let (client, feed, (exporter, _export, _importer)) = pair().await?;
    let mut lines = client.lines().await?;
    assert_eq!(lines.next().await.expect("a line")?.number, 0);
    assert!(!exporter.shutdown(Duration::ZERO).await);
    let error = loop {
        match lines.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("as if it were complete"),
        }
    };
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Aborted, Executed::Completed), "{error}");
    assert!(error.to_string().contains("shut down"), "{error}");
    assert_eq!(feed.dropped.load(Ordering::SeqCst), 1);
    Ok(())
}
