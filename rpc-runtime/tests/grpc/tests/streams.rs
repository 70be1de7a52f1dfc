//! Streams over gRPC, served: a node that is called by tonic's client, and by one that speaks bare HTTP/2.

#[path = "../../feed/mod.rs"]
mod feed;
#[path = "support/tonic_client.rs"]
mod tonic_client;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use feed::{Failure, FeedClient, FeedError, FeedServer, LONG, Line, MyFeed, exporter};
use http::uri::PathAndQuery;
use rpc_runtime::{Bytes, CallError, Context, Export, Limits, Message, Node, Streaming, UserStub, idl, interface};
use tokio::time::timeout;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_client::{Raw, channel, executed};

fn path(method: &str) -> PathAndQuery {
    format!("/{}/{method}", FeedClient::interface().name()).parse().expect("a path")
}

fn encoded(message: &impl Message) -> Bytes {
    idl::to_vec(message).expect("encodes").into()
}

fn item<T: Message>(bytes: &[u8]) -> T {
    idl::from_slice::<(T,)>(bytes).expect("decodes").0
}

async fn grpc(channel: &Channel) -> Grpc<Channel> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.expect("the channel is there");
    grpc
}

/// Opens what a method gives for one request.
async fn opened(
    channel: &Channel,
    method: &str,
    arguments: &impl Message,
) -> Result<Response<tonic::Streaming<Bytes>>, Status> {
    grpc(channel).await.server_streaming(Request::new(encoded(arguments)), path(method), Raw).await
}

/// What a method makes of a stream.
async fn taken(
    channel: &Channel,
    method: &str,
    items: impl Stream<Item = Bytes> + Send + 'static,
) -> Result<Bytes, Status> {
    grpc(channel).await.client_streaming(Request::new(items), path(method), Raw).await.map(Response::into_inner)
}

/// Both ways.
async fn both(
    channel: &Channel,
    method: &str,
    items: impl Stream<Item = Bytes> + Send + 'static,
) -> Result<tonic::Streaming<Bytes>, Status> {
    grpc(channel).await.streaming(Request::new(items), path(method), Raw).await.map(Response::into_inner)
}

async fn all(mut stream: tonic::Streaming<Bytes>) -> Result<Vec<Bytes>, Status> {
    let mut items = Vec::new();
    while let Some(item) = stream.message().await? {
        items.push(item);
    }
    Ok(items)
}

async fn served(limits: Limits) -> Result<(Channel, Arc<MyFeed>, (Node, Export)), Failure> {
    let (node, export, feed) = exporter(limits).await?;
    let channel = channel(&node.local_endpoints()[0]).await;
    Ok((channel, feed, (node, export)))
}

/// The three kinds, with nothing in them and with much, and on threads of connections.
#[tokio::test]
async fn all_kinds_are_served() -> Result<(), Failure> {
    for io_threads in [0, 1] {
        let node = Node::builder().listen("127.0.0.1:0").io_threads(io_threads).start().await?;
        let _export = node.export("feed", FeedServer::new(MyFeed::default())).await?;
        let channel = channel(&node.local_endpoints()[0]).await;
        for count in [0, 3, 5000] {
            let numbers = all(opened(&channel, "Count", &(count, false)).await?.into_inner()).await?;
            let numbers: Vec<u64> = numbers.iter().map(|bytes| item(bytes)).collect();
            assert_eq!(numbers, (0..count).collect::<Vec<_>>());
            let sum = taken(&channel, "Sum", tokio_stream::iter((0..count).map(|number| encoded(&(number,))))).await?;
            assert_eq!(item::<u64>(&sum), (0..count).sum());
            let lines = tokio_stream::iter((0..count).map(|number| encoded(&(number.to_string(),))));
            let echo = all(both(&channel, "Echo", lines).await?).await?;
            let echo: Vec<Line> = echo.iter().map(|bytes| idl::from_slice(bytes).expect("a line")).collect();
            assert_eq!(echo.len() as u64, count);
            assert!(echo.iter().all(|line| line.text == (line.number - 1).to_string()));
        }
        // Items larger than a window.
        let blobs = all(opened(&channel, "Blobs", &(1u32 << 20, 3u32)).await?.into_inner()).await?;
        assert!(blobs.iter().all(|blob| item::<Vec<u8>>(blob) == vec![7; 1 << 20]) && blobs.len() == 3);
    }
    Ok(())
}

/// An item goes out as soon as it is there.
#[tokio::test]
async fn a_dialogue_takes_turns() -> Result<(), Failure> {
    let (channel, _, _node) = served(Limits::default()).await?;
    let (sender, lines) = tokio::sync::mpsc::channel(1);
    let mut echo = both(&channel, "Echo", tokio_stream::wrappers::ReceiverStream::new(lines)).await?;
    for number in 1..=100 {
        sender.send(encoded(&(format!("line {number}"),))).await?;
        let line = timeout(LONG, echo.message()).await??.expect("an echo");
        assert_eq!(idl::from_slice::<Line>(&line)?, Line { number, text: format!("line {number}") });
    }
    drop(sender);
    assert!(timeout(LONG, echo.message()).await??.is_none());
    Ok(())
}

/// An error before the stream is open, or behind what it gave, is a status with a detail, as that of any call; so is a panic.
#[tokio::test]
async fn failures_are_statuses() -> Result<(), Failure> {
    let (channel, _, _node) = served(Limits::default()).await?;
    let status = opened(&channel, "Count", &(2_000_000u64, false)).await.expect_err("too many");
    assert_eq!((status.code(), executed(&status)), (Code::FailedPrecondition, "completed"));
    assert_eq!(status.message(), "no numbers beyond 1000000");
    assert!(typed(&status) == FeedError::NoMore { limit: 1_000_000 });

    let mut numbers = opened(&channel, "Count", &(1u64, true)).await?.into_inner();
    assert_eq!(item::<u64>(&numbers.message().await?.expect("a number")), 0);
    let status = numbers.message().await.expect_err("no more");
    assert_eq!((status.code(), executed(&status)), (Code::FailedPrecondition, "completed"));
    assert!(typed(&status) == FeedError::NoMore { limit: 1 });

    let mut numbers = opened(&channel, "Panics", &(2u64,)).await?.into_inner();
    for number in 0..2u64 {
        assert_eq!(item::<u64>(&numbers.message().await?.expect("a number")), number);
    }
    let status = numbers.message().await.expect_err("a panic");
    assert_eq!((status.code(), executed(&status)), (Code::Internal, "completed"));

    let mut limits = Limits::default();
    limits.frame_bytes_max = 1 << 20;
    let (channel, _, _node) = served(limits).await?;
    let mut blobs = opened(&channel, "Blobs", &(1u32 << 20, 3u32)).await?.into_inner();
    let status = blobs.message().await.expect_err("too large");
    assert_eq!((status.code(), executed(&status)), (Code::ResourceExhausted, "completed"));
    let large = tokio_stream::iter([encoded(&(vec![1u8; 2 << 20],))]);
    let status = taken(&channel, "Sum", large).await.expect_err("too large");
    assert!(status.message().contains("exceeds the limit"), "{status}");
    let wrong = tokio_stream::iter([Bytes::from_static(b"\xff")]);
    let status = taken(&channel, "Sum", wrong).await.expect_err("no number");
    assert!(status.message().contains("cannot be decoded"), "{status}");
    Ok(())
}

/// The error that a status carries as its detail.
fn typed(status: &Status) -> FeedError {
    #[derive(Message)]
    struct Details {
        #[rpc(tag = 3)]
        details: Vec<Any>,
    }
    #[derive(Message)]
    struct Any {
        #[rpc(tag = 2)]
        value: Bytes,
    }
    let details: Details = idl::from_slice(status.details()).expect("a google.rpc.Status");
    idl::from_slice(&details.details[0].value).expect("the error")
}

/// A stream that its caller resets, or whose connection is lost, has its producer dropped; what the caller sends ends with an error.
#[tokio::test]
async fn a_reset_reaches_the_producer() -> Result<(), Failure> {
    let (channel, feed, _node) = served(Limits::default()).await?;
    let mut lines = opened(&channel, "Lines", &()).await?.into_inner();
    assert_eq!(idl::from_slice::<Line>(&lines.message().await?.expect("a line"))?.number, 0);
    drop(lines);
    timeout(LONG, feed.drops.notified()).await?;
    assert_eq!(feed.dropped.load(Ordering::SeqCst), 1);

    let (sender, numbers) = tokio::sync::mpsc::channel(1);
    let sum = taken(&channel, "Sum", tokio_stream::wrappers::ReceiverStream::new(numbers));
    tokio::select! {
        _ = sum => panic!("there is more to come"),
        sent = async { for _ in 0..3 { sender.send(encoded(&(1u64,))).await? } Ok::<_, Failure>(()) } => sent?,
    }
    timeout(LONG, feed.drops.notified()).await?;

    // Its caller is gone while it waits to be read.
    let _lines = opened(&channel, "Lines", &()).await?.into_inner();
    drop(channel);
    drop(_lines);
    timeout(LONG, feed.drops.notified()).await?;
    Ok(())
}

/// Who reads slowly holds no more than HTTP/2's windows and one batch, and nothing else up.
#[tokio::test]
async fn a_slow_consumer_keeps_memory_flat() -> Result<(), Failure> {
    const WINDOW: u32 = 65_535;
    // The window, what waits to be sent, a batch; and a frame that tonic has taken.
    const LINES_MAX: u64 = (WINDOW as u64 + 64 * 1024 + 2 * 16 * 1024) / 1000 + 2;
    let (node, _export, feed) = exporter(Limits::default()).await?;
    let address = node.local_endpoints()[0].replace("tcp://", "http://");
    let channel = Endpoint::from_shared(address)?
        .initial_stream_window_size(WINDOW)
        .http2_adaptive_window(false)
        .connect()
        .await?;
    let mut lines = opened(&channel, "Lines", &()).await?.into_inner();
    for number in 0..1000 {
        assert_eq!(idl::from_slice::<Line>(&lines.message().await?.expect("a line"))?.number, number);
        let ahead = feed.produced.load(Ordering::SeqCst) - number;
        assert!(ahead <= LINES_MAX, "{ahead} lines were produced and not consumed");
        if number % 10 == 0 {
            let plain = grpc(&channel).await.unary(Request::new(Bytes::new()), path("Plain"), Raw).await?;
            assert_eq!(item::<u64>(plain.get_ref()), 1);
        }
    }
    Ok(())
}

/// Streams that an implementation does not read hold up no other call of their connection, however small their items are.
#[tokio::test]
async fn streams_that_nobody_reads_hold_up_no_others() -> Result<(), Failure> {
    let (node, _export, _feed) = exporter(Limits::default()).await?;
    let address = node.local_endpoints()[0].strip_prefix("tcp://").expect("TCP").to_owned();
    let stream = tokio::net::TcpStream::connect(address).await?;
    let (requests, connection) = h2::client::handshake(stream).await?;
    tokio::spawn(connection);
    let mut held = Vec::new();
    for number in 0..20 {
        let mut requests = requests.clone().ready().await?;
        let (response, mut body) = requests.send_request(request("Hold"), false)?;
        match number {
            // 210 KB in small frames.
            0..3 => (0..30_000).try_for_each(|_| body.send_data(Bytes::from_static(b"\0\0\0\0\x02\x08\x07"), false))?,
            _ => body.send_data(vec![0; 256 * 1024].into(), false)?,
        }
        held.push((response, body));
    }
    let mut requests = requests.clone().ready().await?;
    let (response, mut body) = requests.send_request(request("Sum"), false)?;
    for number in 0..100_000u64 {
        let number = encoded(&(number,));
        let mut message = vec![0, 0, 0, 0, number.len() as u8];
        message.extend_from_slice(&number);
        body.reserve_capacity(message.len());
        while body.capacity() < message.len() {
            std::future::poll_fn(|cx| body.poll_capacity(cx)).await.expect("open")?;
        }
        body.send_data(message.into(), false)?;
    }
    body.send_data(Bytes::new(), true)?;
    let mut reply = timeout(LONG, response).await??.into_body();
    let message = reply.data().await.expect("a sum")?;
    assert_eq!(item::<u64>(&message[5..]), (0..100_000u64).sum());
    Ok(())
}

fn request(method: &str) -> http::Request<()> {
    let uri = format!("http://localhost{}", path(method));
    let request = http::Request::post(uri).header("content-type", "application/grpc").header("te", "trailers");
    request.body(()).expect("a request")
}

/// Beyond the bound, of the node or of one connection, a stream is refused and never ran.
#[tokio::test]
async fn streams_have_a_bound() -> Result<(), Failure> {
    let mut limits = Limits::default();
    limits.streams_max = 3;
    limits.session_streams_max = 2;
    let (first, feed, (node, _export)) = served(limits).await?;
    let second = channel(&node.local_endpoints()[0]).await;
    let refused = |status: Status| assert_eq!((status.code(), executed(&status)), (Code::ResourceExhausted, "never"));
    let (a, _b) = (opened(&first, "Lines", &()).await?, opened(&first, "Lines", &()).await?);
    refused(opened(&first, "Lines", &()).await.expect_err("a third of one connection"));
    let _c = opened(&second, "Lines", &()).await?;
    refused(opened(&second, "Lines", &()).await.expect_err("a fourth"));
    assert_eq!(node.stats().calls_refused, 2);
    drop(a);
    timeout(LONG, feed.drops.notified()).await?;
    while let Err(status) = opened(&second, "Lines", &()).await.map(drop) {
        refused(status);
    }
    Ok(())
}

/// `grpc-timeout` bounds the whole stream; without it there is no deadline.
#[tokio::test]
async fn a_deadline_bounds_the_stream() -> Result<(), Failure> {
    let (node, _export, feed) = exporter(Limits::default()).await?;
    let address = node.local_endpoints()[0].strip_prefix("tcp://").expect("TCP").to_owned();
    let (mut requests, connection) = h2::client::handshake(tokio::net::TcpStream::connect(address).await?).await?;
    tokio::spawn(connection);
    let mut head = request("Lines");
    head.headers_mut().insert("grpc-timeout", "50m".parse()?);
    let (response, mut body) = requests.send_request(head, false)?;
    body.send_data(Bytes::from_static(&[0; 5]), true)?;
    // Nothing is read, so the stream waits for room.
    let mut lines = timeout(LONG, response).await??.into_body();
    timeout(LONG, feed.drops.notified()).await?;
    while let Some(chunk) = lines.data().await {
        lines.flow_control().release_capacity(chunk?.len())?;
    }
    let trailers = lines.trailers().await?.expect("a status");
    assert_eq!((&trailers["grpc-status"], &trailers["rpc-executed"]), (&"4".parse()?, &"unknown".parse()?));
    Ok(())
}

/// A node that shuts down ends its streams with an error that says so, when its patience is over; new ones are refused.
#[tokio::test]
async fn a_shutdown_ends_streams_with_an_error() -> Result<(), Failure> {
    let (channel, feed, (node, _export)) = served(Limits::default()).await?;
    let mut lines = opened(&channel, "Lines", &()).await?.into_inner();
    assert_eq!(idl::from_slice::<Line>(&lines.message().await?.expect("a line"))?.number, 0);
    let shutdown = tokio::spawn(async move { node.shutdown(Duration::ZERO).await });
    let status = loop {
        match lines.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("as if it were complete"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), executed(&status)), (Code::Internal, "completed"), "{status}");
    assert!(status.message().contains("shut down"), "{status}");
    assert!(!shutdown.await?);
    assert_eq!(feed.dropped.load(Ordering::SeqCst), 1);
    Ok(())
}

#[interface(package = "talk.v1")]
trait Talk {
    /// Sends back what it gets, with metadata ahead and behind.
    async fn talk(&self, lines: Streaming<String>) -> Result<Streaming<String>, CallError>;
}

struct Echo;

impl Talk for Echo {
    async fn talk(&self, mut lines: Streaming<String>) -> Result<Streaming<String>, CallError> {
        let context = Context::current().expect("a call");
        let asked = context.metadata().get_text("trace").unwrap_or("-").to_owned();
        context.add_header("opened", asked.clone()).expect("metadata");
        context.add_trailer("before", asked.clone()).expect("metadata");
        let (sender, talk) = Streaming::channel();
        tokio::spawn(async move {
            while let Some(line) = lines.next().await {
                let sent = match line {
                    Ok(line) => sender.send(line).await,
                    Err(error) => {
                        let _ = sender.end_with(error).await;
                        return;
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
            context.add_trailer("behind", asked).expect("metadata");
        });
        Ok(talk)
    }
}

/// Metadata goes ahead of a stream and behind it; and what goes out is compressed as what came in.
#[tokio::test]
async fn metadata_and_compression_go_with_a_stream() -> Result<(), Failure> {
    let node = Node::builder().listen("127.0.0.1:0").start().await?;
    let _export = node.export("echo", TalkServer::new(Echo)).await?;
    let channel = channel(&node.local_endpoints()[0]).await;
    let mut grpc =
        Grpc::new(channel).send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    grpc.ready().await?;
    let long = "x".repeat(100_000);
    let lines = [String::new(), long].map(|line| encoded(&(line,)));
    let mut request = Request::new(tokio_stream::iter(lines.clone()));
    request.metadata_mut().insert("trace", "17".parse()?);
    let talk = grpc.streaming(request, PathAndQuery::from_static("/talk.v1.Talk/Talk"), Raw).await?;
    assert_eq!(text(talk.metadata(), &["opened", "grpc-encoding"]), ["17", "gzip"]);
    let mut talk = talk.into_inner();
    for line in lines {
        assert_eq!(talk.message().await?.expect("a line"), line);
    }
    let trailers = talk.trailers().await?.expect("trailers");
    assert_eq!(text(&trailers, &["before", "behind"]), ["17", "17"]);
    Ok(())
}

fn text<'a>(metadata: &'a tonic::metadata::MetadataMap, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| metadata.get(*name).map_or("-", |value| value.to_str().expect("text"))).collect()
}
