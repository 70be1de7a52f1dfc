//! Descriptions as `.proto` files: the text says what the description says, and the tools of Protocol Buffers read it so.

use idl::descriptor::{FileDescriptor, FileDescriptorSet};
use idl::{Interface, MethodKind, Text, files};
use prost::Message as _;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use rpc_macros::Message;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

/// A thing in a tree.
///
/// It may have others below it.
#[derive(Message)]
#[rpc(crate = "::idl")]
struct Node {
    /// What it is called.
    name: String,
    size: (u32, Option<f32>),
    notes: Option<Vec<String>>,
    rows: Vec<Vec<u8>>,
    children: Vec<Node>,
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
    letter: char,
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
        .method("Titles", "", MethodKind::Idempotent, |m| m.returns::<Vec<String>>().error::<StoreError>())
        .method("Return", "Brings one back.", MethodKind::Oneway, |m| m.returns::<()>().error::<StoreError>())
        .method("Find", "", MethodKind::Plain, |m| m.request::<Node>().response::<()>().error::<StoreError>())
        .finish()
}

struct Texts(Vec<(String, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The files as the tools of Protocol Buffers read their texts.
fn parsed(files: &[FileDescriptor]) -> prost_types::FileDescriptorSet {
    let texts = files.iter().map(|file| (file.name.clone(), file.to_proto())).collect();
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(texts));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_source_info(true).include_imports(true);
    for file in files {
        let opened = compiler.open_file(&file.name);
        opened.unwrap_or_else(|error| panic!("{error:?}\n{}", file.to_proto()));
    }
    compiler.file_descriptor_set()
}

/// What protobuf's own types say of a file, without docs and without what only this crate says.
fn plain(bytes: &[u8]) -> prost_types::FileDescriptorProto {
    let mut file = prost_types::FileDescriptorProto::decode(bytes).expect("a description");
    file.source_code_info = None;
    file.options = None;
    file.message_type.iter_mut().for_each(plain_message);
    file.message_type.sort_by(|a, b| a.name.cmp(&b.name));
    file.enum_type.iter_mut().for_each(plain_enum);
    for service in &mut file.service {
        service.options = None;
        for method in &mut service.method {
            let level = method.options.take().map_or(0, |options| options.idempotency_level.unwrap_or_default());
            let options = prost_types::MethodOptions { idempotency_level: Some(level), ..Default::default() };
            method.options = (level != 0).then_some(options);
            method.client_streaming = method.client_streaming.filter(|is_stream| *is_stream);
            method.server_streaming = method.server_streaming.filter(|is_stream| *is_stream);
        }
    }
    file
}

fn plain_message(message: &mut prost_types::DescriptorProto) {
    for field in &mut message.field {
        field.json_name = None;
        field.options = None;
        field.label = field.label.or(Some(1));
        field.proto3_optional = field.proto3_optional.filter(|optional| *optional);
        // Which of the synthetic groups it is depends on the order of all.
        if field.proto3_optional.is_some() {
            field.oneof_index = None;
        }
    }
    message.oneof_decl.retain(|oneof| !oneof.name().starts_with('_'));
    let is_entry = message.options.take().is_some_and(|options| options.map_entry());
    message.options = is_entry.then(|| prost_types::MessageOptions { map_entry: Some(true), ..Default::default() });
    message.nested_type.iter_mut().for_each(plain_message);
    message.nested_type.sort_by(|a, b| a.name.cmp(&b.name));
    message.enum_type.iter_mut().for_each(plain_enum);
}

fn plain_enum(described: &mut prost_types::EnumDescriptorProto) {
    described.options = None;
    for value in &mut described.value {
        value.options = None;
        // Absence says the same.
        value.number = value.number.or(Some(0));
    }
}

fn assert_reads_as_it_is(file: &FileDescriptor, set: &prost_types::FileDescriptorSet) {
    let read = set.file.iter().find(|read| read.name() == file.name).expect("it was given");
    assert_eq!(plain(&read.encode_to_vec()), plain(&idl::to_vec(file).expect("it is not deep")), "{}", file.to_proto());
}

/// The whole text of an interface with every kind of type in it.
#[test]
fn the_text() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proto/library/v1/store.proto");
    let text = store().file().to_proto();
    if std::env::var_os("GOLDEN").is_some_and(|word| word == "write") {
        std::fs::write(PATH, &text).unwrap();
    }
    let expected = std::fs::read_to_string(PATH).unwrap();
    assert!(text == expected, "if it should be so, GOLDEN=write cargo test -p idl --test proto\n{text}");
}

/// What the text says is what the description says, for every field, number, map, oneof and option.
#[test]
fn the_text_reads_as_the_description() {
    let store = store();
    let set = parsed(std::slice::from_ref(store.file()));
    assert_reads_as_it_is(store.file(), &set);
}

/// Docs are read back as docs, and give the same text again; what only comments say becomes docs.
#[test]
fn docs_come_back() {
    let store = store();
    let set = parsed(std::slice::from_ref(store.file()));
    let again = FileDescriptorSet::from_bytes(&set.encode_to_vec()).unwrap();
    let interfaces = again.interfaces();
    assert_eq!(interfaces.len(), 1);
    assert_eq!(interfaces[0].docs(), store.docs());
    let docs: Vec<_> = interfaces[0].methods().map(|method| method.docs().to_owned()).collect();
    assert_eq!(docs[0], "Lends a copy.\nFails with StoreError.");
    let node = &again.file.iter().find(|file| file.name == store.file().name).unwrap().message_type[0];
    assert_eq!(node.field[0].options.as_ref().unwrap().rpc.docs, "What it is called.");
}

/// A file of Google's that a description needs comes with it; all together are a set that protobuf accepts.
#[test]
fn files_are_complete() {
    let made = files(&[store()]);
    assert_eq!(made.problems, [""; 0]);
    let names: Vec<_> = made.files.iter().map(|file| file.name.as_str()).collect();
    let google = ["google/protobuf/duration.proto", "google/protobuf/empty.proto", "google/protobuf/timestamp.proto"];
    assert_eq!(names[..3], google);
    assert_eq!(names[3], "library/v1/store.proto");
    let set = prost_types::FileDescriptorSet::decode(&*made.to_bytes()).unwrap();
    let mut pool = prost_reflect::DescriptorPool::new();
    pool.add_file_descriptor_set(set).unwrap();
    assert!(pool.get_service_by_name("library.v1.Store").is_some());
}

/// The bytes that stand for Google's own files are those of the tools' latest.
#[test]
fn well_known_files_are_fresh() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/proto/well_known.bin");
    let mut compiler = protox::Compiler::with_file_resolver(GoogleFileResolver::new());
    compiler.include_imports(true);
    for name in
        ["any", "api", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers"]
    {
        compiler.open_file(format!("google/protobuf/{name}.proto")).unwrap();
    }
    let mut set = compiler.file_descriptor_set();
    set.file.iter_mut().for_each(|file| file.options = None);
    let set = FileDescriptorSet::from_bytes(&set.encode_to_vec()).unwrap();
    let fresh = idl::to_vec(&set).unwrap();
    if std::env::var_os("WELL_KNOWN").is_some_and(|word| word == "write") {
        std::fs::write(PATH, &fresh).unwrap();
    }
    let is_fresh = std::fs::read(PATH).unwrap() == fresh;
    assert!(is_fresh, "renew it: WELL_KNOWN=write cargo test -p idl --test proto");
}

#[derive(Message)]
#[rpc(crate = "::idl")]
struct Point(u32);

mod other {
    #[derive(super::Message)]
    #[rpc(crate = "::idl")]
    pub(super) struct Point(pub(super) u64);

    #[derive(super::Message)]
    #[rpc(crate = "::idl")]
    pub(super) struct Line {
        pub(super) from: Point,
    }
}

/// Interfaces of one package that share a type come into one file; where they mean different things by one name, each
/// gets its interface's name in front.
#[test]
fn interfaces_of_one_package() {
    let build = |name: &str| Interface::build("maps.v1", name, "");
    let a = build("Near")
        .method("Find", "", MethodKind::Plain, |m| m.argument::<Point>(1, "at").returns::<Color>())
        .finish();
    let b = build("Far")
        .method("Find", "", MethodKind::Plain, |m| m.argument::<other::Line>(1, "along").returns::<Color>())
        .finish();
    let made = files(&[a.clone(), b, a]);
    let words = [
        "`Point` means different things in the interfaces of `maps.v1`, and is `NearPoint` in that of `Near`: name them \
         apart with `#[rpc(name = \"…\")]`",
        "`Point` means different things in the interfaces of `maps.v1`, and is `FarPoint` in that of `Far`: name them \
         apart with `#[rpc(name = \"…\")]`",
    ];
    assert_eq!(made.problems, words);
    assert_eq!(made.files.len(), 1);
    let file = &made.files[0];
    assert_eq!(file.name, "maps/v1/maps.proto");
    let names: Vec<_> = file.message_type.iter().map(|message| message.name.as_str()).collect();
    assert_eq!(names, ["NearPoint", "NearFindRequest", "FindResponse", "Line", "FarPoint", "FarFindRequest"]);
    let services: Vec<_> = file.service.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(services, ["Near", "Far"]);
    assert_reads_as_it_is(file, &parsed(&made.files));
}
