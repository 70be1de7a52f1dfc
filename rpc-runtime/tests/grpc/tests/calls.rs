//! Calls over gRPC, made by a client that knows nothing of this project.

#[path = "support/tonic_client.rs"]
mod tonic_client;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_runtime::idl::{DecodeError, Reader, Registry, Shape, Wire, Writer};
use rpc_runtime::{Bytes, CallError, Code as OurCode, Context, Message, Node, RemoteError, idl, interface};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tonic::Code;
use tonic_client::{call, channel, decoded, executed, request, unary};

#[interface(package = "library.v1")]
trait Store {
    /// Lends one copy of `title`.
    async fn check_out(&self, customer: u64, title: String) -> Result<Loan, StoreError>;
    async fn echo(&self, bytes: Bytes) -> Result<Bytes, CallError>;
    async fn panics(&self) -> Result<(), CallError>;
    async fn fails(&self, code: u32, text: String) -> Result<(), CallError>;
    /// How long the caller waits, in milliseconds.
    async fn remaining(&self) -> Result<u64, CallError>;
    /// Ends when its caller is gone.
    async fn wait(&self) -> Result<(), CallError>;
    /// Sends back what came beside it.
    async fn metadata(&self) -> Result<Vec<String>, CallError>;
    /// Takes a permit, and gives how often this was called.
    async fn count(&self) -> Result<u32, CallError>;
    async fn explodes(&self, explosive: Explosive) -> Result<(), CallError>;
}

/// Cannot be decoded.
struct Explosive;

impl Message for Explosive {
    const WIRE: Wire = String::WIRE;
    fn encode(&self, tag: u32, out: &mut Writer) {
        String::new().encode(tag, out);
    }
    fn decode_value(_: Option<Self>, _: &mut Reader<'_>) -> Result<Self, DecodeError> {
        panic!("as it should")
    }
    fn absent() -> Option<Self> {
        None
    }
    fn describe(registry: &mut Registry) -> Shape {
        String::describe(registry)
    }
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
    #[error("who are you?")]
    #[rpc(code = "unauthenticated")]
    NoCustomer,
    #[error(transparent)]
    Call(#[from] CallError),
}

struct Library {
    cancelled: Notify,
    begun: Semaphore,
    gate: Semaphore,
    calls: AtomicU32,
}

impl Default for Library {
    fn default() -> Library {
        let (begun, gate) = (Semaphore::new(0), Semaphore::new(0));
        Library { cancelled: Notify::new(), begun, gate, calls: AtomicU32::new(0) }
    }
}

impl Store for Library {
    async fn check_out(&self, customer: u64, title: String) -> Result<Loan, StoreError> {
        match title.as_str() {
            _ if customer == 0 => Err(StoreError::NoCustomer),
            "dune" => Ok(Loan { title, copy: customer as u32 }),
            _ => Err(StoreError::NoSuchTitle { title }),
        }
    }

    async fn echo(&self, bytes: Bytes) -> Result<Bytes, CallError> {
        Ok(bytes)
    }

    async fn panics(&self) -> Result<(), CallError> {
        panic!("as it should")
    }

    async fn fails(&self, code: u32, text: String) -> Result<(), CallError> {
        Err(CallError::failed(text).with_code(OurCode::from_number(code)))
    }

    async fn remaining(&self) -> Result<u64, CallError> {
        let context = Context::current().expect("a call");
        Ok(context.remaining().map_or(0, |left| left.as_millis() as u64))
    }

    async fn wait(&self) -> Result<(), CallError> {
        self.begun.add_permits(1);
        Context::current().expect("a call").cancelled().await;
        // It is polled to its end, though nobody waits.
        tokio::task::yield_now().await;
        self.cancelled.notify_one();
        Ok(())
    }

    async fn metadata(&self) -> Result<Vec<String>, CallError> {
        let context = Context::current().expect("a call");
        for (name, value) in context.metadata().iter() {
            context.add_header(format!("header-{name}"), value.clone()).expect("metadata");
            context.add_trailer(format!("trailer-{name}"), value.clone()).expect("metadata");
        }
        Ok(context.metadata().iter().map(|(name, _)| name.to_owned()).collect())
    }

    async fn count(&self) -> Result<u32, CallError> {
        let calls = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.begun.add_permits(1);
        self.gate.acquire().await.expect("open").forget();
        Ok(calls)
    }

    async fn explodes(&self, _: Explosive) -> Result<(), CallError> {
        Ok(())
    }
}

async fn node() -> Node {
    Node::builder().listen("127.0.0.1:0").start().await.expect("it starts")
}

/// A whole call: arguments are the fields of the request, the result is field 1 of the response.
#[tokio::test]
async fn an_exported_interface_is_a_service() {
    for io_threads in [0, 1] {
        let node = Node::builder().listen("127.0.0.1:0").io_threads(io_threads).start().await.expect("it starts");
        let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
        let channel = channel(&node.local_endpoints()[0]).await;
        let loan: Loan = call(&channel, "/library.v1.Store/CheckOut", &(7u64, "dune".to_owned())).await.expect("lent");
        assert_eq!(loan, Loan { title: "dune".into(), copy: 7 });
        // A native caller on the same port, at the same time.
        let callers = Node::builder().start().await.expect("it starts");
        let store: StoreClient = callers.import_at(&node.local_endpoints()[0], "a-m").await.expect("bound");
        assert_eq!(store.check_out(8, "dune".into()).await.expect("lent").copy, 8);
        assert_eq!(node.stats().calls_executed, 2);
    }
}

/// Calls that wait hold up no others of their connection, and all are answered.
#[tokio::test]
async fn calls_that_wait_hold_up_no_others() {
    const WAITING: usize = 60;
    for io_threads in [0, 1] {
        let node = Node::builder().listen("127.0.0.1:0").io_threads(io_threads).start().await.expect("it starts");
        let library = Arc::new(Library::default());
        let _export = node.export("a-m", StoreServer::new(Arc::clone(&library))).await.expect("exported");
        let channel = channel(&node.local_endpoints()[0]).await;
        let mut waiting = JoinSet::new();
        for _ in 0..WAITING {
            let channel = channel.clone();
            waiting.spawn(async move { call::<u32>(&channel, "/library.v1.Store/Count", &()).await.expect("counted") });
        }
        library.begun.acquire_many(WAITING as u32).await.expect("open").forget();
        let mut echoes = JoinSet::new();
        for n in 0..300u64 {
            let channel = channel.clone();
            let title = "dune".to_owned();
            echoes.spawn(async move {
                let loan: Loan = call(&channel, "/library.v1.Store/CheckOut", &(n + 1, title)).await.expect("lent");
                assert_eq!(u64::from(loan.copy), n + 1);
            });
        }
        assert_eq!(echoes.join_all().await.len(), 300);
        library.gate.add_permits(WAITING);
        let mut counts = waiting.join_all().await;
        counts.sort_unstable();
        assert!(counts.into_iter().eq(1..=WAITING as u32));
    }
}

/// Arguments whose decoding panics end their own stream, and nothing else.
#[tokio::test]
async fn a_panic_of_decoding_ends_one_stream() {
    for io_threads in [0, 1] {
        let node = Node::builder().listen("127.0.0.1:0").io_threads(io_threads).start().await.expect("it starts");
        let library = Arc::new(Library::default());
        let _export = node.export("a-m", StoreServer::new(Arc::clone(&library))).await.expect("exported");
        let channel = channel(&node.local_endpoints()[0]).await;
        let waiting = call::<u32>(&channel, "/library.v1.Store/Count", &());
        let panicking = async {
            library.begun.acquire().await.expect("open").forget();
            let status = call::<()>(&channel, "/library.v1.Store/Explodes", &("x".to_owned(),)).await;
            assert_eq!(executed(&status.expect_err("it panics")), "");
            library.gate.add_permits(1);
        };
        let (counted, ()) = tokio::join!(waiting, panicking);
        assert_eq!(counted.expect("the same connection"), 1);
    }
}

/// Unix sockets carry both protocols too.
#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_carries_grpc() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.sock");
    let address = format!("unix:{}", path.display());
    let node = Node::builder().listen(&address).start().await.expect("it starts");
    let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let channel =
        tonic::transport::Endpoint::from_shared(address).expect("an address").connect().await.expect("it listens");
    let bytes: Bytes = call(&channel, "/library.v1.Store/Echo", &(Bytes::from_static(b"x"),)).await.expect("echoed");
    assert_eq!(bytes, "x");
}

/// Large messages travel both ways, in parts, compressed or not.
#[tokio::test]
async fn large_messages_travel() {
    let node = node().await;
    let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    let large = Bytes::from((0..3_000_000u32).map(|n| (n % 251) as u8).collect::<Vec<_>>());
    let echoed: Bytes = call(&channel, "/library.v1.Store/Echo", &(large.clone(),)).await.expect("echoed");
    assert!(echoed == large);
    for encoding in [tonic::codec::CompressionEncoding::Gzip, tonic::codec::CompressionEncoding::Zstd] {
        let mut grpc = tonic::client::Grpc::new(channel.clone())
            .send_compressed(encoding)
            .accept_compressed(encoding)
            .max_decoding_message_size(64 << 20);
        grpc.ready().await.expect("ready");
        let path = http::uri::PathAndQuery::from_static("/library.v1.Store/Echo");
        let reply = grpc.unary(request(&(large.clone(),), &[]), path, tonic_client::Raw).await.expect("echoed");
        assert_eq!(
            reply.metadata().get("grpc-encoding").and_then(|name| name.to_str().ok()),
            Some(encoding_name(encoding))
        );
        assert!(decoded::<Bytes>(reply.get_ref()) == large);
    }
}

fn encoding_name(encoding: tonic::codec::CompressionEncoding) -> &'static str {
    if encoding == tonic::codec::CompressionEncoding::Gzip { "gzip" } else { "zstd" }
}

/// The application's error is a code, its text, and a typed detail.
#[tokio::test]
async fn an_application_error_is_a_status_with_a_detail() {
    #[derive(Message)]
    struct Details {
        #[rpc(as = "int32")]
        code: i32,
        message: String,
        details: Vec<Any>,
    }
    #[derive(Message)]
    struct Any {
        type_url: String,
        value: Bytes,
    }
    let node = node().await;
    let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    let arguments = (7u64, "dine".to_owned());
    let status = call::<Loan>(&channel, "/library.v1.Store/CheckOut", &arguments).await.expect_err("no such title");
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "no such title: dine"));
    assert_eq!(executed(&status), "completed");
    let details: Details = idl::from_slice(status.details()).expect("a google.rpc.Status");
    assert_eq!((details.code, &*details.message), (9, "no such title: dine"));
    assert_eq!(details.details[0].type_url, "type.googleapis.com/library.v1.StoreError");
    let error: StoreError = idl::from_slice(&details.details[0].value).expect("the typed error");
    assert!(matches!(error, StoreError::NoSuchTitle { title } if title == "dine"));

    let status =
        call::<Loan>(&channel, "/library.v1.Store/CheckOut", &(0u64, String::new())).await.expect_err("nobody");
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "who are you?"));

    let failed = (5u32, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n".to_owned());
    let status = call::<()>(&channel, "/library.v1.Store/Fails", &failed).await.expect_err("it fails");
    assert_eq!((status.code(), status.message(), executed(&status)), (Code::NotFound, &*failed.1, "completed"));
    let status = call::<()>(&channel, "/library.v1.Store/Panics", &()).await.expect_err("it panics");
    assert_eq!((status.code(), executed(&status)), (Code::Internal, "completed"));
}

/// What does not exist is named, and never ran.
#[tokio::test]
async fn what_does_not_exist_is_unimplemented() {
    let node = node().await;
    let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    for path in ["/library.v1.Shop/CheckOut", "/library.v1.Store/Checkout", "/library.v1.Store/", "/x"] {
        let status = call::<()>(&channel, path, &()).await.expect_err(path);
        assert_eq!((status.code(), executed(&status)), (Code::Unimplemented, "never"), "{status:?}");
    }
    let status = call::<()>(&channel, "/library.v1.Store/Echo", &(7u64,)).await.expect_err("no bytes");
    assert_eq!((status.code(), executed(&status)), (Code::InvalidArgument, "never"), "{status:?}");
}

/// With several instances the metadata says which one is meant.
#[tokio::test]
async fn an_instance_is_chosen_by_metadata() {
    let node = node().await;
    let _a = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let n = node.export("n-z", StoreServer::new(Library::default())).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    let path = "/library.v1.Store/Echo";
    let status = call::<Bytes>(&channel, path, &(Bytes::new(),)).await.expect_err("which one?");
    assert_eq!((status.code(), executed(&status)), (Code::FailedPrecondition, "never"));
    assert!(status.message().ends_with("`rpc-instance`: `a-m`, `n-z`"), "{}", status.message());
    let chosen = |name| unary(&channel, path, request(&(Bytes::new(),), &[("rpc-instance", name)]));
    chosen("n-z").await.expect("chosen");
    assert_eq!(chosen("o").await.expect_err("none").code(), Code::NotFound);
    n.withdraw().await;
    call::<Bytes>(&channel, path, &(Bytes::new(),)).await.expect("there is one only");
    assert_eq!(chosen("n-z").await.expect_err("withdrawn").code(), Code::NotFound);
}

/// Deadlines reach the implementation: the caller's, or the default.
#[tokio::test]
async fn deadlines_reach_the_implementation() {
    let node = node().await;
    let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    let remaining = |timeout: Option<Duration>| {
        let mut request = request(&(), &[]);
        if let Some(timeout) = timeout {
            request.set_timeout(timeout);
        }
        let channel = channel.clone();
        async move {
            let reply = unary(&channel, "/library.v1.Store/Remaining", request).await.expect("told");
            decoded::<u64>(reply.get_ref())
        }
    };
    let left = remaining(Some(Duration::from_secs(3000))).await;
    assert!((2_900_000..=3_000_000).contains(&left), "{left}");
    let left = remaining(None).await;
    assert!((20_000..=30_000).contains(&left), "{left}");
}

/// A caller that gives up cancels the call, which is nevertheless polled to its end.
#[tokio::test]
async fn a_reset_stream_cancels_the_call() {
    for io_threads in [0, 1] {
        let node = Node::builder().listen("127.0.0.1:0").io_threads(io_threads).start().await.expect("it starts");
        let library = Arc::new(Library::default());
        let _export = node.export("a-m", StoreServer::new(Arc::clone(&library))).await.expect("exported");
        let channel = channel(&node.local_endpoints()[0]).await;
        tokio::select! {
            _ = unary(&channel, "/library.v1.Store/Wait", request(&(), &[])) => panic!("it waits"),
            _ = library.begun.acquire() => {}
        }
        library.cancelled.notified().await;
    }
}

/// Metadata reaches the implementation, and comes back ahead of the reply and behind it.
#[tokio::test]
async fn metadata_travels_both_ways() {
    let node = node().await;
    let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    let mut request = request(&(), &[("trace", "17")]);
    request.metadata_mut().insert_bin("key-bin", tonic::metadata::MetadataValue::from_bytes(&[0xab; 3]));
    let reply = unary(&channel, "/library.v1.Store/Metadata", request).await.expect("told");
    let mut names: Vec<String> = decoded(reply.get_ref());
    names.sort();
    assert_eq!(names, ["key-bin", "trace"]);
    for part in ["header", "trailer"] {
        let text = reply.metadata().get(format!("{part}-trace")).expect(part);
        assert_eq!(text, "17");
        let bytes = reply.metadata().get_bin(format!("{part}-key-bin")).expect(part);
        assert_eq!(bytes.to_bytes().expect("bytes"), &[0xab; 3][..]);
    }
}

#[derive(Debug, PartialEq, Message)]
struct Health {
    #[rpc(as = "int32")]
    status: i32,
}

/// Health is known for each interface and for the whole node, and a node that drains says so.
#[tokio::test]
async fn health_is_told_and_watched() {
    let node = node().await;
    let channel = channel(&node.local_endpoints()[0]).await;
    let check = |service: &str| {
        let (channel, service) = (channel.clone(), service.to_owned());
        async move {
            let reply = unary(&channel, "/grpc.health.v1.Health/Check", request(&(service,), &[])).await?;
            Ok::<_, tonic::Status>(idl::from_slice::<Health>(reply.get_ref()).expect("a health").status)
        }
    };
    assert_eq!(check("").await.expect("known"), 1);
    assert_eq!(check("library.v1.Store").await.expect_err("unknown").code(), Code::NotFound);
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.expect("ready");
    let path = http::uri::PathAndQuery::from_static("/grpc.health.v1.Health/Watch");
    let watch = grpc.server_streaming(request(&("library.v1.Store".to_owned(),), &[]), path, tonic_client::Raw);
    let mut watch = watch.await.expect("watched").into_inner();
    let next = async |watch: &mut tonic::Streaming<Bytes>| {
        let message = watch.message().await.expect("no error").expect("a status");
        idl::from_slice::<Health>(&message).expect("a health").status
    };
    assert_eq!(next(&mut watch).await, 3);
    let library = Arc::new(Library::default());
    let export = node.export("a-m", StoreServer::new(Arc::clone(&library))).await.expect("exported");
    assert_eq!(next(&mut watch).await, 1);
    assert_eq!(check("library.v1.Store").await.expect("known"), 1);

    // A call that runs holds the shutdown up, and gets its reply.
    let running = tokio::spawn({
        let channel = channel.clone();
        async move { call::<u32>(&channel, "/library.v1.Store/Count", &()).await }
    });
    library.begun.acquire().await.expect("open").forget();
    let shutdown = tokio::spawn({
        let node = node.clone();
        async move { node.shutdown(Duration::from_secs(60)).await }
    });
    assert_eq!(next(&mut watch).await, 2);
    library.gate.add_permits(1);
    assert_eq!(running.await.expect("no panic").expect("its reply"), 1);
    assert!(shutdown.await.expect("no panic"), "every call has ended");
    assert_eq!(watch.message().await.expect_err("the node is gone").code(), Code::Unavailable);
    drop(export);
}

/// A shutdown that cannot wait drops the handlers, and their callers are told.
#[tokio::test]
async fn a_shutdown_that_cannot_wait_aborts() {
    let node = node().await;
    let library = Arc::new(Library::default());
    let _export = node.export("a-m", StoreServer::new(Arc::clone(&library))).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    let running = tokio::spawn(async move { call::<u32>(&channel, "/library.v1.Store/Count", &()).await });
    library.begun.acquire().await.expect("open").forget();
    assert!(!node.shutdown(Duration::ZERO).await);
    let status = running.await.expect("no panic").expect_err("it was dropped");
    assert_eq!((status.code(), executed(&status)), (Code::Internal, "completed"));
}

/// A tool that was not built with the interface learns it by reflection.
#[tokio::test]
async fn reflection_describes_what_is_exported() {
    let node = node().await;
    let _export = node.export("a-m", StoreServer::new(Library::default())).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.expect("ready");
        let questions: Vec<Bytes> = vec![
            Bytes::from_static(b"\x3a\x00"),
            Bytes::from([&[0x22, 16][..], b"library.v1.Store"].concat()),
            Bytes::from([&[0x22, 7][..], b"missing"].concat()),
        ];
        let path = path.parse().expect("a path");
        let asked = tonic::Request::new(tokio_stream::iter(questions));
        let mut answers = grpc.streaming(asked, path, tonic_client::Raw).await.expect("answers").into_inner();
        let services = answers.message().await.expect("no error").expect("services");
        assert!(contains(&services, b"library.v1.Store") && contains(&services, b"rpc.v1.Sessions"));
        let file = answers.message().await.expect("no error").expect("a file");
        assert!(contains(&file, b"CheckOutRequest") && contains(&file, b"library/v1/store.proto"));
        let missing = answers.message().await.expect("no error").expect("an error");
        assert!(contains(&missing, b"knows no such"));
        assert!(answers.message().await.expect("no error").is_none());
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
