//! What an interface looks like as data: its messages, what nests in which, names, docs; and that the tools of
//! Protocol Buffers accept it.

use idl::descriptor::{FieldType, Label, MessageDescriptor};
use idl::{Bytes, Interface, MethodKind, Text};
use prost::Message as _;
use prost_reflect::{DescriptorPool, Kind};
use rpc_macros::Message;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

/// A thing in a tree.
#[derive(Message)]
#[rpc(crate = "::idl")]
struct Node {
    /// What it is called.
    name: String,
    size: (u32, Option<f32>),
    notes: Option<Vec<String>>,
    rows: Vec<Vec<u8>>,
    deep: Vec<Vec<Vec<u16>>>,
    children: Vec<Node>,
    parent: Option<Box<Node>>,
    color: Color,
    #[rpc(tag = 20, as = "int64")]
    at: Option<i64>,
    took: Duration,
    made: SystemTime,
    grades: BTreeMap<String, u8>,
    colors: HashMap<u32, Vec<Color>>,
    places: BTreeMap<(i32, i32), Color>,
    maybe: Result<u64, String>,
    id: uuid::Uuid,
    nothing: (),
}

/// How it looks.
#[derive(Clone, Copy, Message)]
#[rpc(crate = "::idl")]
enum Color {
    /// Like a rose.
    Red,
    #[rpc(other)]
    DarkGreen,
}

#[derive(Message)]
#[rpc(crate = "::idl")]
struct Page<T> {
    items: Vec<T>,
    next: Option<Box<Page<T>>>,
}

/// Why not.
#[derive(Message)]
#[rpc(crate = "::idl")]
enum StoreError {
    Closed,
    /// There is none.
    NoSuchTitle {
        /// The one that was asked for.
        title: String,
        near: Vec<Vec<u32>>,
    },
    Other(Vec<u32>),
    Coordinates(i32, i32),
}

fn store() -> Interface {
    Interface::build("library.v1", "Store", "Lends books.\n\nAt most one copy.")
        .method("CheckOut", "Lends a copy.", MethodKind::Plain, |m| {
            m.argument::<u64>(1, "customer")
                .argument::<Text>(2, "title")
                .argument_as::<idl::wire_as::Fixed32, Vec<u32>>(5, "shelves")
                .returns::<Node>()
                .error::<StoreError>()
        })
        .method("Titles", "", MethodKind::Idempotent, |m| {
            m.argument::<Option<Bytes>>(1, "after").returns::<Page<Node>>().error::<StoreError>()
        })
        .method("Return", "", MethodKind::Oneway, |m| m.returns::<()>().error::<StoreError>())
        .method("Whole", "", MethodKind::Plain, |m| m.request::<Page<u32>>().response::<()>().error::<StoreError>())
        .finish()
}

/// A message in the words of a `.proto`, with what protobuf has no word for in brackets.
fn print(message: &MessageDescriptor, indent: &str, out: &mut Vec<String>) {
    let notes = message.options.clone().unwrap_or_default();
    let entry = if notes.map_entry { " [map]" } else { "" };
    out.push(format!("{indent}{}{entry}", message.name));
    for field in &message.field {
        let notes = field.options.clone().unwrap_or_default().rpc;
        let mut words = Vec::new();
        if field.proto3_optional {
            words.push("optional".to_owned());
        } else if let Some(oneof) = field.oneof_index {
            words.push(message.oneof_decl[oneof as usize].name.clone());
        }
        if field.label == Label::Repeated {
            words.push("repeated".to_owned());
        }
        words.push(match field.r#type {
            FieldType::Message | FieldType::Enum => field.type_name.clone(),
            scalar => format!("{scalar:?}").to_lowercase(),
        });
        words.push(format!("{} = {}", field.name, field.number));
        if !notes.narrowed.is_empty() {
            words.push(format!("[{}]", notes.narrowed));
        }
        if notes.required {
            words.push("[required]".to_owned());
        }
        out.push(format!("{indent}  {}", words.join(" ")));
    }
    for nested in &message.nested_type {
        print(nested, &format!("{indent}  "), out);
    }
}

/// Every kind of type has its message; tuples, wrappers and map entries are nested, named after the field.
#[test]
fn messages_of_every_kind_of_type() {
    let store = store();
    assert_eq!(store.problems(), [""; 0]);
    let mut lines = Vec::new();
    for message in &store.file().message_type {
        print(message, "", &mut lines);
    }
    let expected = "\
Node
  string name = 1
  .library.v1.Node.Size size = 2
  optional .library.v1.Node.Notes notes = 3
  repeated bytes rows = 4
  repeated .library.v1.Node.Deep deep = 5
  repeated .library.v1.Node children = 6
  optional .library.v1.Node parent = 7
  .library.v1.Color color = 8
  optional int64 at = 20
  .google.protobuf.Duration took = 21
  .google.protobuf.Timestamp made = 22
  repeated .library.v1.Node.GradesEntry grades = 23
  repeated .library.v1.Node.ColorsEntry colors = 24
  repeated .library.v1.Node.Places places = 25
  .library.v1.Node.Maybe maybe = 26 [required]
  bytes id = 27 [Uuid] [required]
  .google.protobuf.Empty nothing = 28
  Size
    uint32 field_1 = 1
    optional float field_2 = 2
  Notes
    repeated string value = 1
  Deep
    repeated .library.v1.Node.Deep.Value value = 1
    Value
      repeated uint32 value = 1 [u16]
  GradesEntry [map]
    string key = 1
    uint32 value = 2 [u8]
  ColorsValue
    repeated .library.v1.Color value = 1
  ColorsEntry [map]
    uint32 key = 1
    .library.v1.Node.ColorsValue value = 2
  Places
    .library.v1.Node.Places.Key key = 1
    .library.v1.Color value = 2
    Key
      sint32 field_1 = 1
      sint32 field_2 = 2
  Maybe
    variant uint64 ok = 1
    variant string err = 2
StoreError
  variant .google.protobuf.Empty closed = 1
  variant .library.v1.StoreError.NoSuchTitle no_such_title = 2
  variant .library.v1.StoreError.Other other = 3
  variant .library.v1.StoreError.Coordinates coordinates = 4
  NoSuchTitle
    string title = 1
    repeated .library.v1.StoreError.NoSuchTitle.Near near = 2
    Near
      repeated uint32 value = 1
  Other
    repeated uint32 value = 1
  Coordinates
    sint32 field_1 = 1
    sint32 field_2 = 2
PageNode
  repeated .library.v1.Node items = 1
  optional .library.v1.PageNode next = 2
PageUint32
  repeated uint32 items = 1
  optional .library.v1.PageUint32 next = 2
CheckOutRequest
  uint64 customer = 1
  string title = 2
  repeated fixed32 shelves = 5
CheckOutResponse
  .library.v1.Node value = 1 [required]
TitlesRequest
  optional bytes after = 1
TitlesResponse
  .library.v1.PageNode value = 1
ReturnRequest
ReturnResponse";
    assert_eq!(lines.join("\n"), expected);
}

/// Values of enums bear the enum's name and begin with an unspecified one.
#[test]
fn values_of_enums() {
    let store = store();
    let color = &store.file().enum_type[0];
    let values: Vec<_> = color.value.iter().map(|v| (v.name.as_str(), v.number)).collect();
    assert_eq!(values, [("COLOR_UNSPECIFIED", Some(0)), ("COLOR_RED", Some(1)), ("COLOR_DARK_GREEN", Some(2))]);
    let notes = &color.options.as_ref().unwrap().rpc;
    assert!(notes.open);
    assert_eq!(notes.default, None);
}

/// Methods are told with their kinds, docs and errors.
#[test]
fn methods() {
    let store = store();
    assert_eq!(store.name(), "library.v1.Store");
    assert_eq!(store.docs(), "Lends books.\n\nAt most one copy.");
    let methods: Vec<_> = store.methods().map(|m| (m.name(), m.kind(), m.docs())).collect();
    let expected = [
        ("CheckOut", MethodKind::Plain, "Lends a copy."),
        ("Titles", MethodKind::Idempotent, ""),
        ("Return", MethodKind::Oneway, ""),
        ("Whole", MethodKind::Plain, ""),
    ];
    assert_eq!(methods, expected);
    let methods = &store.file().service[0].method;
    assert_eq!(methods[0].options.as_ref().unwrap().rpc.error, ".library.v1.StoreError");
    assert_eq!(methods[3].input_type, ".library.v1.PageUint32");
    assert_eq!(methods[3].output_type, ".google.protobuf.Empty");
    assert_eq!(Interface::build("", "Bare", "").finish().name(), "Bare");
}

/// A description survives its own journey.
#[test]
fn a_description_travels() {
    let store = store();
    let there = Interface::from_bytes(&store.to_bytes()).unwrap();
    assert_eq!(there, store);
    assert_eq!(there.fingerprint(), store.fingerprint());
    assert!(Interface::from_bytes(&[]).is_err());
}

/// Google's own library reads a description, and finds names, types, maps, oneofs and docs right.
#[test]
fn protobuf_accepts_a_description() {
    let bytes = idl::to_vec(&store().file().clone().with_comments()).unwrap();
    let file = prost_types::FileDescriptorProto::decode(&*bytes).unwrap();
    let docs = file.source_code_info.clone().unwrap();
    let comment = |path: &[i32]| {
        let location = docs.location.iter().find(|location| location.path == path).unwrap();
        location.leading_comments.clone().unwrap()
    };
    assert_eq!(comment(&[6, 0]), " Lends books.\n\n At most one copy.\n");
    assert_eq!(comment(&[4, 0, 2, 0]), " What it is called.\n");
    assert_eq!(comment(&[4, 1, 3, 0, 2, 0]), " The one that was asked for.\n");
    assert_eq!(comment(&[5, 0, 2, 1]), " Like a rose.\n");
    let level = file.service[0].method[1].options.as_ref().unwrap().idempotency_level();
    assert_eq!(level.as_str_name(), "IDEMPOTENT");

    let mut pool = DescriptorPool::global();
    pool.add_file_descriptor_proto(file).unwrap();
    let node = pool.get_message_by_name("library.v1.Node").unwrap();
    assert!(node.get_field_by_name("grades").unwrap().is_map());
    assert!(!node.get_field_by_name("places").unwrap().is_map());
    assert!(node.get_field_by_name("at").unwrap().supports_presence());
    assert!(node.get_field_by_name("deep").unwrap().is_list());
    let error = pool.get_message_by_name("library.v1.StoreError").unwrap();
    assert_eq!(error.oneofs().next().unwrap().fields().len(), 4);
    let service = pool.get_service_by_name("library.v1.Store").unwrap();
    let check_out = service.methods().next().unwrap();
    let result = check_out.output().get_field(1).unwrap();
    assert!(matches!(result.kind(), Kind::Message(message) if message == node));
}

mod a {
    #[derive(super::Message)]
    #[rpc(crate = "::idl")]
    pub(crate) struct Point(pub(crate) u32);
}

mod b {
    #[derive(super::Message)]
    #[rpc(crate = "::idl")]
    pub(crate) struct Point(pub(crate) u32, pub(crate) u32);

    #[derive(super::Message)]
    #[rpc(crate = "::idl")]
    pub(crate) struct GetRequest {
        pub(crate) point: Point,
    }
}

/// Two types of one name get their modules in front, also in names made of theirs; a type gives way to the
/// messages of a method.
#[test]
fn clashing_names_are_parted() {
    let build = || Interface::build("p", "Points", "");
    let interface = build()
        .method("Get", "", MethodKind::Plain, |m| {
            m.argument::<Page<a::Point>>(1, "a").argument::<Page<b::Point>>(2, "b").returns::<b::GetRequest>()
        })
        .finish();
    let names: Vec<_> = interface.file().message_type.iter().map(|m| m.name.as_str()).collect();
    let expected = ["PageAPoint", "APoint", "PageBPoint", "BPoint", "BGetRequest", "GetRequest", "GetResponse"];
    assert_eq!(names, expected);
    assert_eq!(interface.problems(), [""; 0]);

    let twice =
        build().method("Get2d", "", MethodKind::Plain, |m| m).method("Get2d", "", MethodKind::Plain, |m| m).finish();
    assert_eq!(twice.problems(), ["Points has two methods `Get2d`"]);
}

/// A generic interface bears the names of its parameters.
#[test]
fn generic_interfaces_are_named_after_their_parameters() {
    let queue = Interface::build("p", "Queue", "")
        .type_parameter::<a::Point>()
        .type_parameter::<Vec<u8>>()
        .method("Push", "", MethodKind::Plain, |m| m.argument::<a::Point>(1, "item"))
        .finish();
    assert_eq!(queue.name(), "p.QueuePointBytes");
}

/// The items of a stream are the messages of the method: a struct is one itself, anything else gets one around it.
#[test]
fn streams_are_described() {
    let interface = Interface::build("library.v1", "Feed", "")
        .method("Watch", "", MethodKind::Plain, |m| m.argument::<String>(1, "topic").returns_items::<Node>())
        .method("Sum", "", MethodKind::Plain, |m| m.items::<u64>().returns::<u64>())
        .method("Chat", "", MethodKind::Plain, |m| m.items::<Node>().returns_items::<String>())
        .finish();
    assert_eq!(interface.problems(), [""; 0]);
    let file = prost_types::FileDescriptorProto::decode(interface.to_bytes()).expect("a file");
    let mut pool = DescriptorPool::global();
    pool.add_file_descriptor_proto(file).expect("a description that tools accept");
    let feed = pool.get_service_by_name("library.v1.Feed").expect("the service");
    let methods = feed.methods().map(|method| {
        let (input, output) = (method.input(), method.output());
        let (up, down) = (method.is_client_streaming(), method.is_server_streaming());
        (method.name().to_owned(), input.name().to_owned(), up, output.name().to_owned(), down)
    });
    let expected = [
        ("Watch", "WatchRequest", false, "Node", true),
        ("Sum", "SumRequest", true, "SumResponse", false),
        ("Chat", "Node", true, "ChatResponse", true),
    ];
    let expected = expected.map(|(name, i, up, o, down)| (name.to_owned(), i.to_owned(), up, o.to_owned(), down));
    assert_eq!(methods.collect::<Vec<_>>(), expected);
}
