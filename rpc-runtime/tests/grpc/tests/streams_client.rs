//! Streams over gRPC, called: stubs that are bound to tonic's server, to one that breaks, and to a node of our own.

#[path = "../../feed/mod.rs"]
mod feed;
#[path = "support/tonic_client.rs"]
mod tonic_client;
#[path = "support/tonic_feed.rs"]
mod tonic_feed;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use feed::{Failure, Feed, FeedClient, FeedError, LONG, MyFeed, STUCK, collect, exporter, takes_turns};
use rpc_runtime::{
    Binding, Bytes, CallError, Code, Context, ErrorKind, Executed, Export, Limits, Metadata, Node, ReplyMetadata,
    Streaming, interface, with_metadata, within,
};
use tokio::net::TcpListener;
use tokio::time::timeout;

const UNKNOWN: Executed = Executed::Unknown { may_still_run: true };

/// A stub of tonic's server, what that notes, and the node of the stub.
async fn foreign() -> Result<(FeedClient, Arc<MyFeed>, Node), Failure> {
    let feed = Arc::new(MyFeed::default());
    let address = tonic_feed::serve(Arc::clone(&feed)).await;
    let node = Node::builder().start().await?;
    Ok((node.import_grpc(&address).await?, feed, node))
}

/// The same of a node of our own.
async fn own() -> Result<(FeedClient, Arc<MyFeed>, (Node, Export, Node)), Failure> {
    let (exporter, export, feed) = exporter(Limits::default()).await?;
    let node = Node::builder().start().await?;
    let client = node.import_grpc(&exporter.local_endpoints()[0]).await?;
    Ok((client, feed, (exporter, export, node)))
}

/// The three kinds, with nothing in them and with much.
async fn exercise(feed: &impl Feed) -> Result<(), Failure> {
    for count in [0, 3, 5000] {
        assert_eq!(collect(feed.count(count, false).await?).await, Ok((0..count).collect()));
        assert_eq!(feed.sum(Streaming::from_iter(0..count)).await, Ok((0..count).sum()));
        let echo = collect(feed.echo(Streaming::from_iter((0..count).map(|number| number.to_string()))).await?).await?;
        assert_eq!(echo.len() as u64, count);
        assert!(echo.iter().all(|line| line.text == (line.number - 1).to_string()));
    }
    assert_eq!(feed.first(Streaming::from_iter(7..)).await, Ok(Some(7)));
    Ok(())
}

/// A stub calls every kind of a server that knows nothing of this project, and of a node.
#[tokio::test]
async fn all_kinds_are_called() -> Result<(), Failure> {
    let (client, _, _node) = foreign().await?;
    exercise(&client).await?;
    let FeedError::Call(error) = client.count(2_000_000, false).await.expect_err("too many") else { panic!("a code") };
    assert_eq!((error.code(), error.executed()), (Some(Code::OutOfRange), Executed::Completed));
    let mut numbers = client.count(1, true).await?;
    assert_eq!(numbers.next().await, Some(Ok(0)));
    let Some(Err(FeedError::Call(error))) = numbers.next().await else { panic!("an error") };
    assert_eq!((error.code(), error.executed()), (Some(Code::NotFound), Executed::Completed));
    assert!(error.to_string().starts_with("Count: the server answered NOT_FOUND: no more"), "{error}");

    let (client, _, _nodes) = own().await?;
    exercise(&client).await?;
    let error = client.count(2_000_000, false).await.expect_err("too many");
    assert_eq!(error, FeedError::NoMore { limit: 1_000_000 });
    let mut numbers = client.count(1, true).await?;
    assert_eq!(numbers.next().await, Some(Ok(0)));
    assert_eq!(numbers.next().await, Some(Err(FeedError::NoMore { limit: 1 })));
    assert_eq!(numbers.next().await, None);
    let error = collect(client.panics(3).await?).await.expect_err("a panic");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Aborted, Executed::Completed));
    let blobs = collect(client.blobs(1 << 20, 3).await?).await?;
    assert!(blobs.len() == 3 && blobs.iter().all(|blob| blob.len() == 1 << 20));
    Ok(())
}

/// Both sides of a stream speak in turns, with any server.
#[tokio::test]
async fn a_dialogue_takes_turns() -> Result<(), Failure> {
    let ((foreign, ..), (own, _, _nodes)) = (foreign().await?, own().await?);
    for client in [foreign, own] {
        takes_turns(&client).await?;
    }
    Ok(())
}

/// Who reads slowly has no more than windows and batches on their way, and streams that nobody reads hold up nothing else.
#[tokio::test]
async fn a_slow_consumer_keeps_memory_flat() -> Result<(), Failure> {
    // Our window; of tonic's server what waits to be sent, and a batch.
    const LINES_MAX: u64 = (256 + 400 + 64) * 1024 / 1000;
    let (client, feed, _node) = foreign().await?;
    let mut lines = client.lines().await?;
    for number in 0..3000 {
        assert_eq!(lines.next().await.expect("a line")?.number, number);
        let ahead = feed.produced.load(Ordering::SeqCst) - number;
        assert!(ahead <= LINES_MAX, "{ahead} lines were produced and not consumed");
    }
    let mut unread = Vec::new();
    for _ in 0..100 {
        unread.push(client.lines().await?);
        assert_eq!(client.plain().await, Ok(1));
    }
    assert_eq!(lines.next().await.expect("a line")?.number, 3000);
    Ok(())
}

/// A server that does not read keeps its caller from producing.
#[tokio::test]
async fn a_slow_server_keeps_memory_flat() -> Result<(), Failure> {
    // The server's window, what waits to be sent, a batch.
    const LINES_MAX: u64 = (256 + 64 + 16) * 1024 / 1000 + 2;
    let (client, _, _nodes) = own().await?;
    let here = MyFeed::default();
    let lines = here.counted().map(|line| line.text);
    // What is echoed is not read, so that nothing more is.
    let mut echo = client.echo(Streaming::from_iter(lines)).await?;
    for number in 1..=2000 {
        assert_eq!(echo.next().await.expect("a line")?.number, number);
        let ahead = here.produced.load(Ordering::SeqCst) - number;
        assert!(ahead <= 2 * LINES_MAX + 3, "{ahead} lines were produced and not consumed");
    }
    Ok(())
}

/// Who drops a result's stream, or the call, has its producer dropped, wherever that is.
#[tokio::test]
async fn what_is_dropped_is_cancelled() -> Result<(), Failure> {
    let ((foreign, there, _node), (own, here, _nodes)) = (foreign().await?, own().await?);
    for (client, feed) in [(foreign, there), (own, here)] {
        let mut lines = client.lines().await?;
        assert_eq!(lines.next().await.expect("a line")?.number, 0);
        drop(lines);
        timeout(LONG, feed.drops.notified()).await?;
        assert_eq!(feed.dropped.load(Ordering::SeqCst), 1);

        let (sender, numbers) = Streaming::channel();
        let mut sum = Box::pin(client.sum(numbers));
        tokio::select! {
            _ = &mut sum => panic!("there is more to come"),
            sent = async { sender.send(1).await?; sender.send(2).await?; sender.send(3).await } => sent?,
        }
        drop(sum);
        timeout(LONG, sender.closed()).await?;
        timeout(LONG, feed.drops.notified()).await?;

        // The server wants no more.
        let numbers = MyFeed::default();
        let counted = numbers.counted().map(|line| line.number);
        assert_eq!(client.first(Streaming::from_iter(counted)).await, Ok(Some(0)));
        timeout(LONG, numbers.drops.notified()).await?;
    }
    Ok(())
}

/// A producer that fails cancels its call, whose error says why.
#[tokio::test]
async fn a_failed_producer_cancels_its_call() -> Result<(), Failure> {
    let ((foreign, there, _node), (own, here, _nodes)) = (foreign().await?, own().await?);
    for (client, feed) in [(foreign, there), (own, here)] {
        let (sender, numbers) = Streaming::channel();
        let fails = async {
            sender.send(1).await?;
            sender.end_with(CallError::failed("no more numbers")).await
        };
        let (sum, _) = tokio::join!(client.sum(numbers), fails);
        let FeedError::Call(error) = sum.expect_err("no sum") else { panic!("no error of its own") };
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Failed, UNKNOWN));
        assert!(error.to_string().contains("no more numbers"), "{error}");
        timeout(LONG, feed.drops.notified()).await?;

        let panics = (0..).inspect(|number| assert!(*number < 3, "as asked")).map(|number: u32| number.to_string());
        let error = collect(client.echo(Streaming::from_iter(panics)).await?).await.expect_err("a panic");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Aborted, UNKNOWN));
    }
    Ok(())
}

/// A deadline bounds the whole call; without one a stream lasts, and a reply has its time from the end of what was sent.
#[tokio::test]
async fn a_deadline_bounds_the_call() -> Result<(), Failure> {
    const SHORT: Duration = Duration::from_millis(100);
    let feed = Arc::new(MyFeed::default());
    let address = tonic_feed::serve(Arc::clone(&feed)).await;
    let node = Node::builder().start().await?;
    let client: FeedClient = node.import_grpc(&address).timeout(SHORT).await?;
    let is_late = |error: &CallError| (error.kind(), error.executed()) == (ErrorKind::DeadlineExceeded, UNKNOWN);
    let error = within(SHORT, client.never_opens()).await.expect_err("it never opens");
    assert!(is_late(&error), "{error}");
    assert_eq!(Binding::of(&client).stats().unknown, 1);

    let (sender, lines) = Streaming::channel();
    let mut echo = within(SHORT, client.echo(lines)).await?;
    let error = timeout(LONG, echo.next()).await?.expect("an end").expect_err("late");
    assert!(is_late(&error), "{error}");
    timeout(LONG, sender.closed()).await?;

    let (sender, numbers) = Streaming::channel();
    let slow = async {
        sender.send(1).await?;
        tokio::time::sleep(2 * SHORT).await;
        sender.send(STUCK - 1).await?;
        drop(sender);
        Ok::<_, Failure>(())
    };
    let (sum, sent) = tokio::join!(client.sum(numbers), slow);
    sent?;
    let FeedError::Call(error) = sum.expect_err("the sum is not told") else { panic!("no error of its own") };
    assert!(is_late(&error), "{error}");
    assert!(error.to_string().contains("of the end of what was sent"), "{error}");
    Ok(())
}

/// Beyond the bound a stream is not opened, and when one has ended another can be.
#[tokio::test]
async fn streams_have_a_bound() -> Result<(), Failure> {
    let address = tonic_feed::serve(Arc::new(MyFeed::default())).await;
    let mut limits = Limits::default();
    limits.session_streams_max = 1;
    let node = Node::builder().limits(limits).start().await?;
    let client: FeedClient = node.import_grpc(&address).await?;
    let first = client.lines().await?;
    let error = client.lines().await.expect_err("a second");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Overload, Executed::Never));
    drop(first);
    let lines = client.lines().await?;
    drop(client);
    // A stream keeps its binding.
    let mut lines = lines;
    assert_eq!(lines.next().await.expect("a line")?.number, 0);
    Ok(())
}

/// What ends too early ends with an error, never as if it were complete.
#[tokio::test]
async fn a_lost_stream_is_no_end() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let mut connection = h2::server::handshake(stream).await.expect("a handshake");
            for number in 0.. {
                let Some(Ok((_request, mut respond))) = connection.accept().await else { break };
                let mut head = http::Response::new(());
                head.headers_mut().insert("content-type", "application/grpc".parse().expect("a value"));
                let mut body = respond.send_response(head, false).expect("sent");
                // A number; then the end, with nothing behind it, or within a message, or a reset.
                let end = match number {
                    0 => Bytes::from_static(b"\0\0\0\0\x02\x08\x07"),
                    _ => Bytes::from_static(b"\0\0\0\0\x02\x08\x07\0\0\0\0\x02\x08"),
                };
                body.send_data(end, number < 2).expect("sent");
                tokio::spawn(async move {
                    if number == 2 {
                        tokio::task::yield_now().await;
                        body.send_reset(h2::Reason::INTERNAL_ERROR);
                    }
                });
            }
        }
    });
    let node = Node::builder().start().await?;
    let client: FeedClient = node.import_grpc(&address).await?;
    for kind in [ErrorKind::ReplyUndecodable, ErrorKind::ReplyUndecodable, ErrorKind::Unreachable] {
        let mut numbers = client.count(1, false).await?;
        let mut item = timeout(LONG, numbers.next()).await?;
        if item == Some(Ok(7)) {
            item = timeout(LONG, numbers.next()).await?;
        }
        let Some(Err(FeedError::Call(error))) = item else { panic!("{item:?} as if it were complete") };
        assert_eq!((error.kind(), error.executed()), (kind, UNKNOWN), "{error}");
    }
    Ok(())
}

#[interface(package = "talk.v1")]
trait Talk {
    async fn once(&self, fails: bool) -> Result<String, CallError>;
    async fn talk(&self, lines: Streaming<String>) -> Result<Streaming<String>, CallError>;
}

struct Echo;

impl Talk for Echo {
    async fn once(&self, fails: bool) -> Result<String, CallError> {
        let context = Context::current().expect("a call");
        context.add_header("ahead", "1").expect("metadata");
        context.add_trailer("behind-bin", vec![0, 255]).expect("metadata");
        if fails { Err(CallError::failed("as asked")) } else { Ok(String::new()) }
    }

    async fn talk(&self, lines: Streaming<String>) -> Result<Streaming<String>, CallError> {
        let context = Context::current().expect("a call");
        context.add_header("ahead", "2").expect("metadata");
        let asked = context.metadata().get("asked").cloned().unwrap_or_default();
        context.add_trailer("behind", asked).expect("metadata");
        Ok(lines)
    }
}

/// Callers see what came beside a reply, or with an error, or around a stream.
#[tokio::test]
async fn callers_see_what_came_beside() -> Result<(), Failure> {
    let exporter = Node::builder().listen("127.0.0.1:0").start().await?;
    let _export = exporter.export("echo", TalkServer::new(Echo)).await?;
    let node = Node::builder().start().await?;
    let talk: TalkClient = node.import_grpc(&exporter.local_endpoints()[0]).await?;
    let beside = ReplyMetadata::new();
    beside.scope(talk.once(false)).await?;
    assert_eq!(beside.header().get_text("ahead"), Some("1"));
    assert_eq!(beside.trailer().get("behind-bin"), Some(&Bytes::from_static(&[0, 255])));
    beside.scope(talk.once(true)).await.expect_err("it fails");
    assert_eq!((beside.header().get("ahead"), beside.trailer().get("behind-bin").is_some()), (None, true));

    let mut asked = Metadata::new();
    asked.add("asked", "17")?;
    let lines = with_metadata(asked, beside.scope(talk.talk(Streaming::from_iter(["a".to_owned()])))).await?;
    assert_eq!(collect(lines).await?, ["a"]);
    assert_eq!((beside.header().get_text("ahead"), beside.trailer().get_text("behind")), (Some("2"), Some("17")));
    // Outside of the scope nothing is heard.
    talk.once(false).await?;
    assert_eq!(beside.header().get_text("ahead"), Some("2"));
    Ok(())
}
