//! Stubs that are bound to gRPC servers: tonic's, one that breaks, and a node of our own.

#[path = "support/tonic_client.rs"]
mod tonic_client;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use h2::Reason;
use h2::server::SendResponse;
use rpc_runtime::{
    Binding, Bytes, CallError, Code, ErrorKind, Executed, Limits, LinkState, Message, Metadata, Node, RemoteError, idl,
    interface, with_metadata, within,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::codegen::Service;

#[interface(package = "library.v1")]
trait Store {
    async fn check_out(&self, customer: u64, title: String) -> Result<Loan, StoreError>;
    async fn echo(&self, bytes: Bytes) -> Result<Bytes, CallError>;
    async fn metadata(&self) -> Result<String, CallError>;
    async fn wait(&self) -> Result<(), CallError>;
}

#[derive(Debug, Clone, PartialEq, Message)]
struct Loan {
    title: String,
    copy: u32,
}

#[derive(Debug, thiserror::Error, RemoteError)]
enum StoreError {
    #[error("no such title: {title}")]
    NoSuchTitle { title: String },
    #[error(transparent)]
    Call(#[from] CallError),
}

const UNKNOWN: Executed = Executed::Unknown { may_still_run: true };

/// A server of tonic's.
#[derive(Clone)]
struct Foreign;

impl tonic::server::NamedService for Foreign {
    const NAME: &'static str = "library.v1.Store";
}

impl Service<http::Request<tonic::body::Body>> for Foreign {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().expect("a method").to_owned();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(tonic_client::Raw)
                .accept_compressed(tonic::codec::CompressionEncoding::Gzip)
                .send_compressed(tonic::codec::CompressionEncoding::Gzip)
                .max_decoding_message_size(64 << 20);
            Ok(grpc.unary(Method(method), request).await)
        })
    }
}

struct Method(String);

impl tonic::server::UnaryService<Bytes> for Method {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, tonic::Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let method = self.0.clone();
        Box::pin(async move {
            match method.as_str() {
                "CheckOut" => {
                    let (customer, title): (u64, String) = idl::from_slice(request.get_ref()).expect("decodes");
                    let reply = idl::to_vec(&(Loan { title, copy: customer as u32 },)).expect("encodes");
                    match customer {
                        0 => Err(tonic::Status::not_found("who is this?")),
                        1 => Err(tonic::Status::unavailable("later")),
                        _ => Ok(tonic::Response::new(reply.into())),
                    }
                }
                // Field 1 of both is the same.
                "Echo" => Ok(tonic::Response::new(request.into_inner())),
                "Metadata" => {
                    let text = |name| request.metadata().get(name).map_or("-", |value| value.to_str().expect("text"));
                    let key = request.metadata().get_bin("key-bin").map(|key| key.to_bytes().expect("bytes"));
                    let timeout = request.metadata().contains_key("grpc-timeout");
                    let text = format!("{} {} {key:?} {timeout}", text("authorization"), text("trace"));
                    Ok(tonic::Response::new(idl::to_vec(&(text,)).expect("encodes").into()))
                }
                _ => std::future::pending().await,
            }
        })
    }
}

async fn tonic_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(tonic::transport::Server::builder().add_service(Foreign).serve_with_incoming(incoming));
    address
}

async fn callers() -> Node {
    let mut limits = Limits::default();
    limits.frame_bytes_max = 64 << 20;
    Node::builder().limits(limits).start().await.expect("it starts")
}

/// A stub calls a server that knows nothing of this project: values, errors, metadata, large messages.
#[tokio::test]
async fn a_stub_calls_a_foreign_server() {
    let address = tonic_server().await;
    let store: StoreClient =
        callers().await.import_grpc(&address).metadata("authorization", "secret").await.expect("bound");
    assert!(matches!(Binding::of(&store).link(), LinkState::Up(_)));
    assert_eq!(store.check_out(7, "dune".into()).await.expect("lent"), Loan { title: "dune".into(), copy: 7 });
    let Err(StoreError::Call(error)) = store.check_out(0, "dune".into()).await else { panic!("not found") };
    assert_eq!(
        (error.kind(), error.code(), error.executed()),
        (ErrorKind::Failed, Some(Code::NotFound), Executed::Completed)
    );
    assert_eq!(error.to_string(), "CheckOut: the server answered NOT_FOUND: who is this? (the call ran)");
    // A proxy may say so too, while the call runs.
    let Err(StoreError::Call(error)) = store.check_out(1, "dune".into()).await else { panic!("unavailable") };
    assert_eq!((error.code(), error.executed(), error.safe_to_retry()), (Some(Code::Unavailable), UNKNOWN, false));
    let large = Bytes::from((0..3_000_000u32).map(|n| (n % 251) as u8).collect::<Vec<_>>());
    assert!(store.echo(large.clone()).await.expect("echoed") == large);
    assert_eq!(store.metadata().await.expect("told"), "secret - None true");
    let mut metadata = Metadata::new();
    metadata.add("trace", "17").expect("metadata");
    metadata.add("key-bin", vec![1, 2]).expect("metadata");
    let told = with_metadata(metadata, store.metadata()).await.expect("told");
    assert_eq!(told, r#"secret 17 Some(b"\x01\x02") true"#);
    assert_eq!(Binding::of(&store).stats().calls, 6);
}

/// A deadline that passes is a deadline error, and says that the call may run.
#[tokio::test]
async fn a_deadline_that_passes_says_what_is_known() {
    let address = tonic_server().await;
    let store: StoreClient = callers().await.import_grpc(&address).await.expect("bound");
    let error = within(Duration::from_millis(100), store.wait()).await.expect_err("it takes for ever");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::DeadlineExceeded, UNKNOWN));
    assert_eq!(Binding::of(&store).stats().unknown, 1);
}

/// Where nothing listens, the import fails, and nothing ran.
#[tokio::test]
async fn where_nothing_listens_nothing_ran() {
    let node = callers().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let Err(error) = node.import_grpc::<StoreClient>(&address).await else { panic!("nothing listens") };
    assert_eq!((error.kind(), error.executed()), (ErrorKind::ConnectionRefused, Executed::Never));
    let Err(error) = node.import_grpc::<StoreClient>("https://localhost:1").await else { panic!("no TLS") };
    assert_eq!(error.kind(), ErrorKind::InvalidAddress);
    let Err(error) = node.import_grpc::<StoreClient>("http://h:1").metadata("Bad Name", "").await else {
        panic!("no name")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidAddress);
}

type Answer = fn(u32, SendResponse<Bytes>) -> Option<Cut>;

/// The connection is to be cut.
struct Cut;

/// A server that answers each request as it is told, by the request's number.
async fn broken_server(answer: Answer) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(broken_connection(stream, Arc::clone(&counted), answer));
        }
    });
    (address, requests)
}

async fn broken_connection(stream: TcpStream, requests: Arc<AtomicU32>, answer: Answer) {
    let mut connection = h2::server::handshake(stream).await.expect("a handshake");
    while let Some(Ok((request, respond))) = connection.accept().await {
        // Bodies are read, as somebody would.
        tokio::spawn(async move {
            let mut body = request.into_body();
            while let Some(Ok(chunk)) = body.data().await {
                let _ = body.flow_control().release_capacity(chunk.len());
            }
        });
        if answer(requests.fetch_add(1, Ordering::SeqCst) + 1, respond).is_some() {
            return;
        }
    }
}

fn headers(entries: &[(&'static str, &str)], status: u16) -> http::Response<()> {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    for (name, value) in entries {
        response.headers_mut().insert(*name, value.parse().expect("a value"));
    }
    response
}

/// A stream that the server refused never ran; one that it reset, or lost with the connection, may have. Nothing is sent twice.
#[tokio::test]
async fn what_may_have_run_is_not_sent_again() {
    let (address, requests) = broken_server(|number, mut respond| {
        match number {
            1 => respond.send_reset(Reason::REFUSED_STREAM),
            2 => respond.send_reset(Reason::INTERNAL_ERROR),
            3 => return Some(Cut),
            4 => {
                let head = headers(
                    &[("content-type", "application/grpc"), ("grpc-status", "14"), ("rpc-executed", "never")],
                    200,
                );
                let _ = respond.send_response(head, true);
            }
            5 => drop(respond.send_response(headers(&[], 503), true)),
            6 => {
                let head = headers(&[("content-type", "application/grpc")], 200);
                let mut body = respond.send_response(head, false).expect("sent");
                let _ = body.send_data(Bytes::from_static(b"\0\0\0\0\0"), true);
            }
            7 => {
                let entries = [
                    ("content-type", "application/grpc"),
                    ("grpc-status", "9"),
                    ("grpc-status-details-bin", "no base64!"),
                    ("grpc-message", "%zz%"),
                ];
                drop(respond.send_response(headers(&entries, 200), true));
            }
            _ => drop(
                respond
                    .send_response(headers(&[("content-type", "application/grpc"), ("grpc-status", "0")], 200), true),
            ),
        }
        None
    })
    .await;
    let store: StoreClient = callers().await.import_grpc(&address).await.expect("bound");
    let expected = [
        (ErrorKind::Overload, Executed::Never),
        (ErrorKind::Unreachable, UNKNOWN),
        (ErrorKind::Unreachable, UNKNOWN),
        (ErrorKind::Unreachable, Executed::Never),
        (ErrorKind::Unreachable, UNKNOWN),
        (ErrorKind::ReplyUndecodable, UNKNOWN),
        (ErrorKind::Failed, Executed::Completed),
        (ErrorKind::ReplyLost, Executed::Completed),
    ];
    for (place, expected) in expected.into_iter().enumerate() {
        let error = store.echo(Bytes::from_static(b"x")).await.expect_err("it fails");
        assert_eq!((error.kind(), error.executed()), expected, "{place}: {error}");
        // Each was sent once; after the third the connection was dialled anew.
        assert_eq!(requests.load(Ordering::SeqCst), place as u32 + 1);
    }
    assert_eq!(Binding::of(&store).stats().connects, 2);
}

/// Begins HTTP/2 as a server, by hand.
async fn by_hand(mut stream: TcpStream) -> TcpStream {
    stream.read_exact(&mut [0; 24]).await.expect("a preface");
    // Settings, and that theirs are known.
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]).await.expect("sent");
    stream
}

/// Reads until a request begins; gives the number of its stream.
async fn request_begins(stream: &mut TcpStream) -> u32 {
    const HEADERS: u8 = 1;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.expect("a frame");
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).await.expect("its body");
        if head[3] == HEADERS {
            return u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        }
    }
}

/// A server that goes away says which calls it leaves out: they never ran. Of the others nothing is known, and new ones go to a new
/// connection, though the old one is still there.
#[tokio::test]
async fn a_server_that_goes_away_leaves_calls_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (client, first) =
        tokio::join!(async { callers().await.import_grpc::<StoreClient>(&address).await.expect("bound") }, async {
            by_hand(listener.accept().await.expect("a connection").0).await
        },);
    let (client, mut first) = (Arc::new(client), first);
    let call = || {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.wait().await.expect_err("it fails") })
    };
    let kept = call();
    let last = request_begins(&mut first).await;
    let left_out = call();
    assert!(request_begins(&mut first).await > last);
    let mut goaway = vec![0, 0, 8, 7, 0, 0, 0, 0, 0];
    goaway.extend_from_slice(&last.to_be_bytes());
    goaway.extend_from_slice(&[0; 4]);
    first.write_all(&goaway).await.expect("sent");
    let error = left_out.await.expect("no panic");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Draining, Executed::Never), "{error}");

    let later = call();
    let mut second = by_hand(listener.accept().await.expect("another connection").0).await;
    request_begins(&mut second).await;
    assert!(!kept.is_finished());
    drop((first, second));
    for call in [kept, later] {
        let error = call.await.expect("no panic");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Unreachable, UNKNOWN), "{error}");
    }
}

/// While there is no connection calls wait, unsent: at their deadline they never ran.
#[tokio::test]
async fn calls_without_a_connection_wait_unsent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let node = callers().await;
    let (store, first) =
        tokio::join!(node.import_grpc::<StoreClient>(&address).timeout(Duration::from_millis(200)), async {
            let (stream, _) = listener.accept().await.expect("a connection");
            h2::server::handshake::<_>(stream).await.expect("a handshake")
        });
    let store = store.expect("bound");
    drop((first, listener));
    let link = Binding::of(&store);
    let mut state = link.link();
    while matches!(state, LinkState::Up(_)) {
        state = link.link_changed(&state).await;
    }
    let error = store.wait().await.expect_err("nobody is there");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::DeadlineExceeded, Executed::Never), "{error}");
    assert!(error.to_string().contains("nothing listens"), "{error}");
}

struct Library;

impl Store for Library {
    async fn check_out(&self, _customer: u64, title: String) -> Result<Loan, StoreError> {
        Err(StoreError::NoSuchTitle { title })
    }

    async fn echo(&self, bytes: Bytes) -> Result<Bytes, CallError> {
        Ok(bytes)
    }

    async fn metadata(&self) -> Result<String, CallError> {
        Err(CallError::failed("no").with_code(Code::PermissionDenied))
    }

    async fn wait(&self) -> Result<(), CallError> {
        panic!("as it should")
    }
}

/// Between two nodes the typed error and the verdict survive the way over gRPC.
#[tokio::test]
async fn a_node_is_a_grpc_server_too() {
    let node = Node::builder().listen("127.0.0.1:0").start().await.expect("it starts");
    let a = node.export("a-m", StoreServer::new(Library)).await.expect("exported");
    let n = node.export("n-z", StoreServer::new(Library)).await.expect("exported");
    let address = &node.local_endpoints()[0];
    let store: StoreClient = callers().await.import_grpc(address).instance("a-m").await.expect("bound");
    let Err(StoreError::NoSuchTitle { title }) = store.check_out(7, "dine".into()).await else {
        panic!("no such title")
    };
    assert_eq!(title, "dine");
    let error = store.metadata().await.expect_err("it fails");
    assert_eq!((error.code(), error.executed()), (Some(Code::PermissionDenied), Executed::Completed));
    let error = store.wait().await.expect_err("it panics");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Aborted, Executed::Completed));
    a.withdraw().await;
    let error = store.echo(Bytes::new()).await.expect_err("withdrawn");
    assert_eq!((error.code(), error.executed()), (Some(Code::NotFound), Executed::Never));
    drop(n);
}
