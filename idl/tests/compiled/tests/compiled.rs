//! Foreign `.proto` files: their interfaces are called, and described as their files describe them.

use compiled_protos::etcdserverpb::KvClient;
use compiled_protos::google::longrunning::OperationsClient;
use compiled_protos::grpc::testing::{
    Payload, PayloadType, SimpleRequest, SimpleResponse, TestService, TestServiceClient, TestServiceServer,
};
use compiled_protos::helloworld::GreeterClient;
use compiled_protos::odd::v1::{OddService, OddServiceClient, OddServiceServer, Outer, outer};
use compiled_protos::routeguide::{
    Feature, Point, Rectangle, RouteGuide, RouteGuideClient, RouteGuideServer, RouteNote, RouteSummary,
};
use compiled_protos::{etcdserverpb, grpc, odd};
use idl::descriptor::FileDescriptorSet;
use idl::{Interface, files};
use rpc_runtime::prost_types::{Any, Timestamp};
use rpc_runtime::{CallError, Message, MethodKind, Prost, Streaming, UserStub, in_memory, interface};
use std::collections::HashMap;

struct Tester;

impl TestService for Tester {
    async fn empty_call(&self, _: grpc::testing::Empty) -> Result<grpc::testing::Empty, CallError> {
        Ok(grpc::testing::Empty {})
    }

    async fn unary_call(&self, request: SimpleRequest) -> Result<SimpleResponse, CallError> {
        let body = vec![7; request.response_size as usize];
        let payload = Payload { r#type: request.response_type, body };
        Ok(SimpleResponse { payload: Some(payload), ..SimpleResponse::default() })
    }

    async fn cacheable_unary_call(&self, request: SimpleRequest) -> Result<SimpleResponse, CallError> {
        self.unary_call(request).await
    }

    async fn streaming_output_call(
        &self,
        _: grpc::testing::StreamingOutputCallRequest,
    ) -> Result<Streaming<grpc::testing::StreamingOutputCallResponse>, CallError> {
        Err(CallError::failed("nobody has written it"))
    }

    async fn streaming_input_call(
        &self,
        _: Streaming<grpc::testing::StreamingInputCallRequest>,
    ) -> Result<grpc::testing::StreamingInputCallResponse, CallError> {
        Err(CallError::failed("nobody has written it"))
    }

    async fn full_duplex_call(
        &self,
        _: Streaming<grpc::testing::StreamingOutputCallRequest>,
    ) -> Result<Streaming<grpc::testing::StreamingOutputCallResponse>, CallError> {
        Err(CallError::failed("nobody has written it"))
    }

    async fn half_duplex_call(
        &self,
        _: Streaming<grpc::testing::StreamingOutputCallRequest>,
    ) -> Result<Streaming<grpc::testing::StreamingOutputCallResponse>, CallError> {
        Err(CallError::failed("nobody has written it"))
    }

    async fn unimplemented_call(&self, _: grpc::testing::Empty) -> Result<grpc::testing::Empty, CallError> {
        Err(CallError::failed("nobody has written it"))
    }
}

/// Messages travel as prost writes them, through both stubs.
#[tokio::test]
async fn calls_of_a_foreign_interface() {
    let tester = in_memory(TestServiceServer::new(Tester));
    tester.empty_call(grpc::testing::Empty {}).await.unwrap();
    let request = SimpleRequest { response_size: 3, ..SimpleRequest::default() };
    let response = tester.unary_call(request).await.unwrap();
    let payload = response.payload.unwrap();
    assert_eq!((payload.r#type(), payload.body), (PayloadType::Compressable, vec![7; 3]));
}

struct Odd;

impl OddService for Odd {
    async fn get_http_info(&self, request: outer::Inner) -> Result<Outer, CallError> {
        Ok(Outer { choice: Some(outer::Choice::Inner(request)), ..Outer::default() })
    }

    async fn new_(&self) -> Result<(), CallError> {
        Ok(())
    }

    async fn r#type(&self, request: Prost<Timestamp>) -> Result<Prost<Any>, CallError> {
        Ok(Any { type_url: request.seconds.to_string(), ..Any::default() }.into())
    }

    async fn r#move(&self, request: Outer) -> Result<outer::inner::Deepest, CallError> {
        match request.choice {
            Some(outer::Choice::Inner(inner)) => Ok(inner.deepest.unwrap_or_default()),
            _ => Err(CallError::failed("nothing is in it")),
        }
    }

    async fn get_x(&self, request: Outer) -> Result<Outer, CallError> {
        Ok(request)
    }

    async fn get_x_(&self, _request: Outer) -> Result<Outer, CallError> {
        Ok(Outer::default())
    }

    async fn known(&self, _request: odd::v1::String) -> Result<odd::v1::Streaming, CallError> {
        Ok(odd::v1::Streaming {})
    }

    async fn streamed(&self, _request: Streaming<odd::v1::Streaming>) -> Result<Streaming<odd::v1::Option>, CallError> {
        Ok(Streaming::from_iter([odd::v1::Option {}]))
    }
}

/// A service whose stubs would be called like messages has another name in Rust, and its own on the wire.
#[test]
fn stubs_and_messages_have_different_names() {
    let _message = odd::v1::ShopClient {};
    assert_eq!(odd::v1::ShopServiceClient::interface().name(), "odd.v1.Shop");
}

/// Names that are no names in Rust, empty messages, nested ones, and those of Google's.
#[tokio::test]
async fn odd_names_and_types() {
    let odd = in_memory(OddServiceServer::new(Odd));
    let deepest = outer::inner::Deepest { numbers: vec![-1, 7] };
    let inner = outer::Inner { deepest: Some(deepest.clone()), ..outer::Inner::default() };
    let outer = odd.get_http_info(inner).await.unwrap();
    assert_eq!(odd.r#move(outer.clone()).await.unwrap(), deepest);
    assert_eq!(odd.get_x(outer.clone()).await.unwrap(), outer);
    assert_eq!(odd.get_x_(outer).await.unwrap(), Outer::default());
    odd.known(odd::v1::String {}).await.unwrap();
    let mut streamed = odd.streamed(Streaming::from_iter([odd::v1::Streaming {}])).await.unwrap();
    assert_eq!(streamed.next().await, Some(Ok(odd::v1::Option {})));
    odd.new_().await.unwrap();
    assert_eq!(odd.r#type(Timestamp { seconds: 5, nanos: 0 }.into()).await.unwrap().type_url, "5");
    let interface = OddServiceClient::interface();
    assert_eq!(interface.name(), "odd.v1.odd_service");
    let methods: Vec<_> = interface.methods().map(|method| (method.name(), method.kind())).collect();
    let plain = MethodKind::Plain;
    let (first, more) = methods.split_at(4);
    assert_eq!(first, [("getHTTPInfo", plain), ("New", plain), ("Type", plain), ("Move", MethodKind::Idempotent)]);
    assert_eq!(more, [("GetX", plain), ("get_x", plain), ("Known", plain), ("Streamed", plain)]);
    assert!(interface.docs().starts_with("Names that are no names in Rust"), "{}", interface.docs());
}

/// What is no message of that type is refused before the implementation sees it.
#[test]
fn bytes_that_are_no_message() {
    let error = idl::from_slice::<SimpleRequest>(b"\x12\x05abc").unwrap_err();
    assert!(error.to_string().contains("response_size: invalid wire type"), "{error}");
    let parts = [b"\x10\x03".as_slice(), b"\x08\x00"].concat();
    assert_eq!(idl::from_slice::<SimpleRequest>(&parts).unwrap().response_size, 3);
}

fn accepted(interfaces: &[Interface]) -> prost_reflect::DescriptorPool {
    let made = files(interfaces);
    assert_eq!(made.problems, [""; 0]);
    prost_reflect::DescriptorPool::decode(&*made.to_bytes()).expect("descriptors that fit together")
}

/// Descriptions are complete, and are those of the `.proto` that the interface came from.
#[test]
fn descriptions_are_complete() {
    let interfaces = [
        TestServiceClient::interface(),
        GreeterClient::interface(),
        KvClient::interface(),
        OperationsClient::interface(),
        OddServiceClient::interface(),
        etcdserverpb::LeaseClient::interface(),
    ];
    for interface in &interfaces {
        assert_eq!(interface.problems(), [""; 0], "{}", interface.name());
    }
    let pool = accepted(&interfaces);
    let put = pool.get_service_by_name("etcdserverpb.KV").unwrap().methods().find(|m| m.name() == "Put").unwrap();
    assert_eq!(put.input().full_name(), "etcdserverpb.PutRequest");
    assert_eq!(put.parent_file().name(), "etcd/api/etcdserverpb/rpc.proto");
    assert!(pool.get_service_by_name("etcdserverpb.Lease").is_some());
    let prev_kv = put.output().get_field_by_name("prev_kv").unwrap();
    assert_eq!(prev_kv.kind().as_message().unwrap().full_name(), "mvccpb.KeyValue");
    let operation = pool.get_message_by_name("google.longrunning.Operation").unwrap();
    assert_eq!(operation.oneofs().next().unwrap().fields().len(), 2);
}

/// Their own, with a foreign message in it, and one that knows nothing of calls.
#[derive(Debug, Clone, PartialEq, Message)]
struct Shelf {
    first: Option<Outer>,
    by_name: HashMap<String, outer::Inner>,
    at: Prost<Timestamp>,
}

#[interface(package = "mixed.v1")]
trait Shelves {
    async fn put(&self, shelf: Shelf, more: &[Outer]) -> Result<Outer, CallError>;
}

struct Wall;

impl Shelves for Wall {
    async fn put(&self, shelf: Shelf, more: &[Outer]) -> Result<Outer, CallError> {
        assert_eq!(more.len(), 1);
        Ok(Outer { count: Some(shelf.by_name.len() as u32), at: Some(shelf.at.0), ..Outer::default() })
    }
}

struct Guide;

impl RouteGuide for Guide {
    async fn get_feature(&self, request: Point) -> Result<Feature, CallError> {
        Ok(Feature { name: "here".into(), location: Some(request) })
    }

    async fn list_features(&self, request: Rectangle) -> Result<Streaming<Feature>, CallError> {
        let corners = [request.lo, request.hi].map(|location| Feature { name: "corner".into(), location });
        Ok(Streaming::from_iter(corners))
    }

    async fn record_route(&self, mut request: Streaming<Point>) -> Result<RouteSummary, CallError> {
        let mut summary = RouteSummary::default();
        while let Some(point) = request.next().await {
            point?;
            summary.point_count += 1;
        }
        Ok(summary)
    }

    async fn route_chat(&self, request: Streaming<RouteNote>) -> Result<Streaming<RouteNote>, CallError> {
        Ok(request)
    }
}

/// Streams of messages, taken, given and both.
#[tokio::test]
async fn streams_of_a_foreign_interface() {
    let guide = in_memory(RouteGuideServer::new(Guide));
    let (lo, hi) = (Some(Point { latitude: 1, longitude: 2 }), Some(Point { latitude: 3, longitude: 4 }));
    let mut corners = guide.list_features(Rectangle { lo, hi }).await.unwrap();
    assert_eq!(corners.next().await.unwrap().unwrap().location, lo);
    assert_eq!(corners.next().await.unwrap().unwrap().location, hi);
    assert!(corners.next().await.is_none());
    let points = Streaming::from_iter([lo, hi, lo].map(|point| point.unwrap()));
    assert_eq!(guide.record_route(points).await.unwrap().point_count, 3);
    let note = RouteNote { message: "turn left".into(), location: lo };
    let mut echo = guide.route_chat(Streaming::from_iter([note.clone()])).await.unwrap();
    assert_eq!(echo.next().await.unwrap().unwrap(), note);
    let interface = RouteGuideClient::interface();
    let of_file = FileDescriptorSet::from_bytes(compiled_protos::routeguide::FILE_DESCRIPTOR_SET).unwrap().interfaces();
    assert_eq!(idl::compare(&of_file[0], &interface), []);
    assert_eq!(of_file[0].fingerprint(), interface.fingerprint());
}

/// Foreign messages are types like any other, in types and interfaces of the program's own.
#[tokio::test]
async fn foreign_messages_in_own_types() {
    let wall = in_memory(ShelvesServer::new(Wall));
    let at = Timestamp { seconds: 5, nanos: 6 };
    let by_name = HashMap::from([("a".into(), outer::Inner::default())]);
    let shelf = Shelf { first: Some(Outer::default()), by_name, at: at.into() };
    assert_eq!(idl::from_slice::<Shelf>(&idl::to_vec(&shelf).unwrap()).unwrap(), shelf);
    let outer = wall.put(shelf, &[Outer::default()]).await.unwrap();
    assert_eq!((outer.count, outer.at), (Some(1), Some(at)));

    let interface = ShelvesClient::interface();
    assert_eq!(interface.problems(), [""; 0]);
    let pool = accepted(&[interface, OddServiceClient::interface()]);
    let shelf = pool.get_message_by_name("mixed.v1.Shelf").unwrap();
    assert!(shelf.get_field_by_name("by_name").unwrap().is_map());
    let first = shelf.get_field_by_name("first").unwrap().kind();
    assert_eq!(first.as_message().unwrap().full_name(), "odd.v1.Outer");
}

/// An interface is described alike by its stub and by its file.
#[test]
fn fingerprints_of_stub_and_file_are_equal() {
    for (stub, set) in [
        (etcdserverpb::ClusterClient::interface(), etcdserverpb::FILE_DESCRIPTOR_SET),
        (GreeterClient::interface(), compiled_protos::helloworld::FILE_DESCRIPTOR_SET),
    ] {
        let of_file = FileDescriptorSet::from_bytes(set).unwrap().interfaces();
        let of_file = of_file.iter().find(|interface| interface.name() == stub.name()).unwrap();
        assert_eq!(idl::compare(of_file, &stub), []);
        assert_eq!(of_file.fingerprint(), stub.fingerprint(), "{}", stub.name());
        let travelled = Interface::from_bytes(&stub.to_bytes()).unwrap();
        assert_eq!(travelled.fingerprint(), stub.fingerprint());
    }
}

/// The text of a description is a `.proto` again, with what the first one said.
#[test]
fn the_text_is_the_file() {
    let interface = OddServiceClient::interface();
    let text = interface.file().to_proto();
    for line in [
        "service odd_service {",
        "  rpc getHTTPInfo(Outer.Inner) returns (Outer);",
        "  reserved 3, 10 to 12;",
        "    reserved 5 to 7, 9;",
        "    option allow_alias = true;",
        "    map<string, Deepest> by_name = 2;",
        "      repeated sint64 numbers = 1 [packed = false];",
        "  string mode = 7 [json_name = \"modus\"];",
        "  // Itself.",
    ] {
        assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
    }
    let _ = odd::v1::FILE_DESCRIPTOR_SET;
}
