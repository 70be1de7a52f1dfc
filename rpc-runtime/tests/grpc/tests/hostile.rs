//! What strangers may send over HTTP/2, and what a node does about it: it answers or closes, within its bounds, and goes on
//! serving others.

#[path = "support/tonic_client.rs"]
mod tonic_client;

use std::time::Duration;

use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request};
use rpc_runtime::{Bytes, CallError, Limits, Node, interface};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tonic::Code;
use tonic_client::{call, channel, executed};

#[interface(package = "echo.v1")]
trait Echo {
    async fn echo(&self, bytes: Bytes) -> Result<Bytes, CallError>;
    async fn large(&self, bytes: u32) -> Result<Bytes, CallError>;
    async fn wait(&self) -> Result<(), CallError>;
}

struct Here(&'static Semaphore);

impl Echo for Here {
    async fn echo(&self, bytes: Bytes) -> Result<Bytes, CallError> {
        Ok(bytes)
    }

    async fn large(&self, bytes: u32) -> Result<Bytes, CallError> {
        Ok(vec![7; bytes as usize].into())
    }

    async fn wait(&self) -> Result<(), CallError> {
        self.0.acquire().await.expect("open").forget();
        Ok(())
    }
}

const ECHO: &str = "/echo.v1.Echo/Echo";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

static GATE: Semaphore = Semaphore::const_new(0);

async fn served(limits: Limits) -> (Node, impl Drop, String) {
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await.expect("it starts");
    let export = node.export("here", EchoServer::new(Here(&GATE))).await.expect("exported");
    let address = node.local_endpoints()[0].replace("tcp://", "");
    (node, Guard(Some(export)), address)
}

/// Keeps an export.
struct Guard<T>(Option<T>);

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        self.0 = None;
    }
}

async fn assert_serves(node: &Node) {
    let channel = channel(&node.local_endpoints()[0]).await;
    let echoed: Bytes = call(&channel, ECHO, &(Bytes::from_static(b"x"),)).await.expect("echoed");
    assert_eq!(echoed, "x");
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut all).await;
    all
}

/// An HTTP/2 connection that is driven in the background.
async fn connected(address: &str) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.expect("it listens");
    let (requests, connection) = h2::client::handshake(stream).await.expect("a handshake");
    tokio::spawn(connection);
    requests
}

fn post(path: &str) -> Request<()> {
    let request = Request::post(format!("http://node{path}")).header("content-type", "application/grpc");
    request.body(()).expect("a request")
}

/// The status of an answer, which may be in its head or in its trailers, and the word on whether it ran.
async fn status(head: http::response::Parts, mut body: RecvStream) -> (String, String) {
    let mut headers = head.headers;
    while let Some(Ok(chunk)) = body.data().await {
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    if let Ok(Some(trailers)) = body.trailers().await {
        headers = trailers;
    }
    let text = |headers: &HeaderMap, name: &str| {
        headers.get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
    };
    (text(&headers, "grpc-status"), text(&headers, "rpc-executed"))
}

/// Sends a request with these bytes as its body, and gives its status.
async fn answer(requests: &SendRequest<Bytes>, request: Request<()>, body: &[u8], ends: bool) -> (String, String) {
    let mut requests = requests.clone().ready().await.expect("ready");
    let (response, mut sending) = requests.send_request(request, false).expect("sent");
    sending.send_data(Bytes::copy_from_slice(body), ends).expect("sent");
    let (head, body) = response.await.expect("an answer").into_parts();
    status(head, body).await
}

/// What begins like HTTP/2 and is not is closed at once.
#[tokio::test]
async fn what_is_not_http2_is_closed() {
    let (node, _export, address) = served(Limits::default()).await;
    for begins in
        [&b"PRI * HTTP/1.1\r\n\r\n........"[..], b"POST / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rXXXXXXXXX"]
    {
        let mut stream = TcpStream::connect(&address).await.expect("it listens");
        stream.write_all(begins).await.expect("sent");
        read_to_end(&mut stream).await;
    }
    // Nonsense after a preface.
    let mut stream = TcpStream::connect(&address).await.expect("it listens");
    stream.write_all(&[PREFACE, &[0xff; 64]].concat()).await.expect("sent");
    read_to_end(&mut stream).await;
    assert_serves(&node).await;
}

/// Who says half a preface, or nothing after it, is not waited for.
#[tokio::test(start_paused = true)]
async fn silent_peers_are_given_up() {
    let (node, _export, address) = served(Limits::default()).await;
    for begins in [&PREFACE[..1], &PREFACE[..8], &PREFACE[..20], &[PREFACE, SETTINGS].concat()] {
        let mut stream = TcpStream::connect(&address).await.expect("it listens");
        stream.write_all(begins).await.expect("sent");
        read_to_end(&mut stream).await;
    }
    assert_eq!(node.stats().connections_rejected, 4);
}

/// A request whose message does not come ends with its deadline, and never ran.
#[tokio::test]
async fn a_message_that_does_not_come_is_not_waited_for() {
    let (_node, _export, address) = served(Limits::default()).await;
    let requests = connected(&address).await;
    let mut request = post(ECHO);
    request.headers_mut().insert("grpc-timeout", "50m".parse().expect("a value"));
    assert_eq!(answer(&requests, request, b"\0\0", false).await, ("4".to_owned(), "never".to_owned()));
}

/// What is no message is refused, and so is one that is too large, as soon as its length is known.
#[tokio::test]
async fn messages_that_are_none_are_refused() {
    let mut limits = Limits::default();
    limits.frame_bytes_max = 1 << 20;
    let (node, _export, address) = served(limits).await;
    let requests = connected(&address).await;
    let never = |code: &str| (code.to_owned(), "never".to_owned());
    assert_eq!(answer(&requests, post(ECHO), b"\0\xff\xff\xff\xff", false).await, never("8"));
    assert_eq!(answer(&requests, post(ECHO), b"\x02\0\0\0\0", true).await, never("13"));
    assert_eq!(answer(&requests, post(ECHO), b"\x01\0\0\0\0", true).await, never("13"));
    assert_eq!(answer(&requests, post(ECHO), b"\0\0\0\0\x05\x0a", true).await, never("13"));
    assert_eq!(answer(&requests, post(ECHO), b"\0\0\0\0\0\0\0\0\0\0", true).await, never("13"));
    assert_eq!(answer(&requests, post(ECHO), b"\0\0\0\0\x02\x0a\x05", true).await, never("3"));
    assert_eq!(answer(&requests, post(ECHO), b"", true).await, never("3"));
    let with = |name: &'static str, value: &str| {
        let mut request = post(ECHO);
        request.headers_mut().insert(name, value.parse().expect("a value"));
        request
    };
    assert_eq!(answer(&requests, with("grpc-encoding", "br"), b"\0\0\0\0\0", true).await, never("12"));
    assert_eq!(answer(&requests, with("grpc-encoding", "gzip"), b"\x01\0\0\0\x01x", true).await, never("13"));
    assert_eq!(answer(&requests, with("grpc-timeout", "soon"), b"\0\0\0\0\0", true).await, never("3"));
    assert_eq!(answer(&requests, with("rpc-call", "0/1"), b"\0\0\0\0\0", true).await, never("3"));
    assert_serves(&node).await;
}

/// A message that would grow beyond the bound when it is decompressed is refused.
#[tokio::test]
async fn compression_is_no_way_around_the_bound() {
    let mut limits = Limits::default();
    limits.frame_bytes_max = 1 << 20;
    let (node, _export, _address) = served(limits).await;
    let channel = channel(&node.local_endpoints()[0]).await;
    for encoding in [tonic::codec::CompressionEncoding::Gzip, tonic::codec::CompressionEncoding::Zstd] {
        let mut grpc = tonic::client::Grpc::new(channel.clone()).send_compressed(encoding);
        grpc.ready().await.expect("ready");
        let request = tonic_client::request(&(Bytes::from(vec![0; 32 << 20]),), &[]);
        let path = http::uri::PathAndQuery::from_static(ECHO);
        let status = grpc.unary(request, path, tonic_client::Raw).await.expect_err("too large");
        assert_eq!((status.code(), executed(&status)), (Code::ResourceExhausted, "never"));
    }
}

/// Headers beyond the bound are refused, and the connection serves on.
#[tokio::test]
async fn headers_are_bounded() {
    let (_node, _export, address) = served(Limits::default()).await;
    let requests = connected(&address).await;
    let mut request = post(ECHO);
    request.headers_mut().insert("x", "x".repeat(40 * 1024).parse().expect("a value"));
    let mut ready = requests.clone().ready().await.expect("ready");
    let (response, _) = ready.send_request(request, true).expect("sent");
    match response.await {
        Ok(response) => assert_eq!(response.status(), 431),
        Err(error) => assert!(error.is_reset() || error.is_go_away(), "{error}"),
    }
    let requests = connected(&address).await;
    assert_eq!(answer(&requests, post(ECHO), b"\0\0\0\0\0", true).await.0, "0");
}

/// Who opens streams only to reset them is cut off.
#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let (node, _export, address) = served(Limits::default()).await;
    let stream = TcpStream::connect(&address).await.expect("it listens");
    let (requests, connection) = h2::client::handshake(stream).await.expect("a handshake");
    let ended = tokio::spawn(connection);
    for _ in 0..100_000 {
        let Ok(mut ready) = requests.clone().ready().await else { break };
        let Ok((_response, mut sending)) = ready.send_request(post("/echo.v1.Echo/Wait"), false) else { break };
        sending.send_reset(Reason::CANCEL);
        if ended.is_finished() {
            break;
        }
    }
    let error = ended.await.expect("no panic").expect_err("it is cut off");
    assert!(error.is_io() || error.reason() == Some(Reason::ENHANCE_YOUR_CALM), "{error}");
    assert_serves(&node).await;
}

/// A caller that does not read its reply has its stream reset after a while.
#[tokio::test]
async fn a_reply_that_nobody_reads_is_given_up() {
    let mut limits = Limits::default();
    limits.write_timeout = Duration::from_millis(100);
    let (_node, _export, address) = served(limits).await;
    let requests = connected(&address).await;
    let mut ready = requests.clone().ready().await.expect("ready");
    let (response, mut sending) = ready.send_request(post("/echo.v1.Echo/Large"), false).expect("sent");
    sending.send_data(Bytes::from_static(b"\0\0\0\0\x05\x08\x80\x80\x80\x01"), true).expect("sent");
    let mut body = response.await.expect("its head").into_body();
    // Its window is not given back.
    let mut bytes = 0;
    let ended = loop {
        match body.data().await {
            Some(Ok(chunk)) => bytes += chunk.len(),
            ended => break ended,
        }
    };
    let error = ended.expect("no end").expect_err("a reset");
    assert!(bytes <= 65_535 && error.reason() == Some(Reason::CANCEL), "{bytes} {error}");
    // Its share of the connection's window is given back.
    drop((body, sending));
    assert_eq!(answer(&requests, post(ECHO), b"\0\0\0\0\0", true).await.0, "0");
}

/// What is no gRPC is told so in HTTP's words.
#[tokio::test]
async fn what_is_not_grpc_is_told_so() {
    let (_node, _export, address) = served(Limits::default()).await;
    let requests = connected(&address).await;
    let get = Request::get("http://node/").body(()).expect("a request");
    let json = Request::post("http://node/").header("content-type", "application/json").body(()).expect("a request");
    for (request, code) in [(get, 405), (json, 415)] {
        let mut ready = requests.clone().ready().await.expect("ready");
        let (response, _) = ready.send_request(request, true).expect("sent");
        assert_eq!(response.await.expect("an answer").status(), code);
    }
}

/// Calls that find no room are refused, and never ran.
#[tokio::test]
async fn calls_without_room_are_refused() {
    let mut limits = Limits::default();
    limits.handlers_max = 1;
    limits.queued_bytes_max = 2048;
    let (node, _export, _address) = served(limits).await;
    let channel = channel(&node.local_endpoints()[0]).await;
    let wait = || {
        let channel = channel.clone();
        tokio::spawn(async move { call::<()>(&channel, "/echo.v1.Echo/Wait", &()).await })
    };
    let mut waiting: Vec<_> = (0..3).map(|_| wait()).collect();
    // One runs, two wait, and there is no room for this one.
    let refused = loop {
        let next = wait();
        tokio::time::sleep(Duration::from_millis(20)).await;
        if next.is_finished() {
            break next;
        }
        waiting.push(next);
    };
    let status = refused.await.expect("no panic").expect_err("no room");
    assert_eq!((status.code(), executed(&status)), (Code::ResourceExhausted, "never"));
    GATE.add_permits(waiting.len());
    let mut done = 0;
    for waiting in waiting {
        done += usize::from(waiting.await.expect("no panic").is_ok());
    }
    assert_eq!(done, 3);
}
