//! The description of a package's types and interfaces, as Protocol Buffers describes them.
//!
//! The structs are those of `google/protobuf/descriptor.proto`, with its field numbers, so that every tool
//! that knows a `FileDescriptorProto` reads them. What it has no word for stands in options of our own,
//! number 51234 everywhere: docs, which absences are errors, how far a number reaches, kinds of methods,
//! types of errors.

use rpc_macros::Message;

/// Files that belong together, those that are imported before those that import them: a `FileDescriptorSet`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct FileDescriptorSet {
    /// The files.
    pub file: Vec<FileDescriptor>,
}

/// The types and interfaces of one package: a `FileDescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct FileDescriptor {
    /// A path, ending in `.proto`.
    pub name: String,
    /// The package; may be empty.
    pub package: String,
    /// The files whose types are used.
    pub dependency: Vec<String>,
    /// The structs, the enums with data, and the messages of arguments and results.
    pub message_type: Vec<MessageDescriptor>,
    /// The enums without data.
    pub enum_type: Vec<EnumDescriptor>,
    /// The interfaces.
    pub service: Vec<ServiceDescriptor>,
    /// What more is known.
    #[rpc(tag = 8)]
    pub options: Option<FileOptions>,
    /// Docs in the place where tools look for them; see [`FileDescriptor::with_comments`].
    #[rpc(tag = 9)]
    pub source_code_info: Option<SourceCodeInfo>,
    /// `proto3`; of a foreign file also `proto2`, which may be left out.
    #[rpc(tag = 12)]
    pub syntax: String,
}

/// A struct, an enum with data, or the messages of a method: a `DescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct MessageDescriptor {
    /// Its name, without the package and the message it is nested in.
    pub name: String,
    /// Its fields.
    pub field: Vec<FieldDescriptor>,
    /// Messages for its fields' sake: tuples, wrappers, map entries, variants with fields.
    pub nested_type: Vec<MessageDescriptor>,
    /// Enums declared inside it; only in a foreign `.proto`.
    pub enum_type: Vec<EnumDescriptor>,
    /// What more is known.
    #[rpc(tag = 7)]
    pub options: Option<MessageOptions>,
    /// Groups of fields of which one at most is present.
    pub oneof_decl: Vec<OneofDescriptor>,
    /// Numbers that no field may have, because one had them; only in a foreign `.proto`.
    pub reserved_range: Vec<ReservedRange>,
    /// Names that no field may have; only in a foreign `.proto`.
    pub reserved_name: Vec<String>,
}

/// Numbers that are not to be used: a `DescriptorProto.ReservedRange` or an `EnumDescriptorProto.EnumReservedRange`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Message)]
#[rpc(crate = "crate")]
pub struct ReservedRange {
    /// The first one.
    #[rpc(as = "int32")]
    pub start: i32,
    /// Of a message: the one after the last. Of an enum: the last.
    #[rpc(as = "int32")]
    pub end: i32,
}

/// A field: a `FieldDescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct FieldDescriptor {
    /// Its name.
    pub name: String,
    /// Its number on the wire.
    #[rpc(tag = 3, as = "int32")]
    pub number: u32,
    /// How often it may come.
    pub label: Label,
    /// What its value is.
    pub r#type: FieldType,
    /// The full name of its message or enum, with a leading dot; else empty.
    pub type_name: String,
    /// What absence means, as a `.proto` says it; only in old files.
    pub default_value: String,
    /// What more is known.
    pub options: Option<FieldOptions>,
    /// The oneof that it belongs to, by its place in [`MessageDescriptor::oneof_decl`].
    #[rpc(as = "int32")]
    pub oneof_index: Option<u32>,
    /// Its name in JSON; only in a foreign `.proto`.
    pub json_name: String,
    /// Absence is told from zero; its oneof then holds only this field, as protobuf wants it.
    #[rpc(tag = 17)]
    pub proto3_optional: bool,
}

/// How often a field may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Message)]
#[rpc(crate = "crate")]
pub enum Label {
    /// Once or not at all.
    #[default]
    Optional,
    /// Exactly once; only in old files.
    Required,
    /// Any number of times.
    Repeated,
}

/// What a field's value is: `FieldDescriptorProto.Type`, whose numbers are in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Message)]
#[rpc(crate = "crate")]
#[expect(missing_docs, reason = "each is the type of its name in Protocol Buffers")]
pub enum FieldType {
    Double,
    Float,
    Int64,
    Uint64,
    Int32,
    Fixed64,
    Fixed32,
    Bool,
    String,
    Group,
    #[default]
    Message,
    Bytes,
    Uint32,
    Enum,
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
}

/// A group of fields of which one at most is present: a `OneofDescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct OneofDescriptor {
    /// Its name.
    pub name: String,
}

/// An enum without data: an `EnumDescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct EnumDescriptor {
    /// Its name, without the package.
    pub name: String,
    /// Its values; the first one has number 0.
    pub value: Vec<EnumValueDescriptor>,
    /// What more is known.
    pub options: Option<EnumOptions>,
    /// Numbers that no value may have; only in a foreign `.proto`.
    pub reserved_range: Vec<ReservedRange>,
    /// Names that no value may have; only in a foreign `.proto`.
    pub reserved_name: Vec<String>,
}

/// A variant of an enum without data: an `EnumValueDescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct EnumValueDescriptor {
    /// Its name, in capitals, after the enum's name: `COLOR_RED`.
    pub name: String,
    /// Its number on the wire; there always, also if it is 0, as tools want it said.
    #[rpc(as = "int32")]
    pub number: Option<i32>,
    /// What more is known.
    pub options: Option<EnumValueOptions>,
}

impl EnumValueDescriptor {
    /// Its number, which is 0 if nothing is said.
    pub fn number(&self) -> i32 {
        self.number.unwrap_or_default()
    }
}

/// An interface: a `ServiceDescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct ServiceDescriptor {
    /// Its name, without the package.
    pub name: String,
    /// Its methods.
    pub method: Vec<MethodDescriptor>,
    /// What more is known.
    pub options: Option<ServiceOptions>,
}

/// A method: a `MethodDescriptorProto`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct MethodDescriptor {
    /// Its name on the wire, in CamelCase.
    pub name: String,
    /// The full name of the message of its arguments, with a leading dot.
    pub input_type: String,
    /// The full name of the message of its result, with a leading dot.
    pub output_type: String,
    /// What more is known.
    pub options: Option<MethodOptions>,
    /// Many arguments, one after the other; only in a foreign `.proto`.
    pub client_streaming: bool,
    /// Many results, one after the other; only in a foreign `.proto`.
    pub server_streaming: bool,
}

/// What more is known about a file.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct FileOptions {
    /// What protobuf has no word for.
    #[rpc(tag = 51234)]
    pub rpc: FileNotes,
}

/// Docs, each with the path of what they are about: a `SourceCodeInfo`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct SourceCodeInfo {
    /// One for each thing that has docs.
    pub location: Vec<Location>,
}

/// The docs of one thing: a `SourceCodeInfo.Location`.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct Location {
    /// Field numbers and places, from the file down.
    #[rpc(as = "int32")]
    pub path: Vec<i32>,
    /// Where it stands in the text; of no meaning here, but must have three numbers.
    #[rpc(as = "int32")]
    pub span: Vec<i32>,
    /// The docs.
    pub leading_comments: String,
}

/// What more is known about a message.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct MessageOptions {
    /// It is the key and value of a map.
    #[rpc(tag = 7)]
    pub map_entry: bool,
    /// What protobuf has no word for.
    #[rpc(tag = 51234)]
    pub rpc: TypeNotes,
}

/// What more is known about a field.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct FieldOptions {
    /// Whether numbers of a list stand side by side; nothing: as the file's syntax has it.
    #[rpc(tag = 2)]
    pub packed: Option<bool>,
    /// What protobuf has no word for.
    #[rpc(tag = 51234)]
    pub rpc: FieldNotes,
}

/// What more is known about an enum without data.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct EnumOptions {
    /// Two values may have one number; only in a foreign `.proto`.
    #[rpc(tag = 2)]
    pub allow_alias: bool,
    /// What protobuf has no word for.
    #[rpc(tag = 51234)]
    pub rpc: TypeNotes,
}

/// What more is known about a variant of an enum without data.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct EnumValueOptions {
    /// What protobuf has no word for.
    #[rpc(tag = 51234)]
    pub rpc: Notes,
}

/// What more is known about an interface.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct ServiceOptions {
    /// What protobuf has no word for.
    #[rpc(tag = 51234)]
    pub rpc: Notes,
}

/// What more is known about a method.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct MethodOptions {
    /// Protobuf's own word for methods that may run twice.
    #[rpc(tag = 34)]
    pub idempotency_level: IdempotencyLevel,
    /// What protobuf has no word for.
    #[rpc(tag = 51234)]
    pub rpc: MethodNotes,
}

/// Protobuf's own word for methods that may run twice: `MethodOptions.IdempotencyLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Message)]
#[rpc(crate = "crate")]
pub enum IdempotencyLevel {
    /// Nothing is known.
    #[default]
    #[rpc(tag = 0)]
    Unknown,
    /// It changes nothing.
    NoSideEffects,
    /// It may run twice.
    Idempotent,
}

/// Notes about a file.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct FileNotes {
    /// The files whose types this one uses, but Google's own. With them, a description is complete in itself.
    pub files: Vec<FileDescriptor>,
}

/// Notes about anything.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct Notes {
    /// Its docs.
    pub docs: String,
}

/// Notes about a message or an enum.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct TypeNotes {
    /// Its docs.
    pub docs: String,
    /// The path of the Rust type; empty for messages that stand for a method, a tuple or a container.
    pub origin: String,
    /// An enum with a variant that is read for all that is unknown.
    pub open: bool,
    /// The number of the variant that is read where none was written.
    #[rpc(as = "int32")]
    pub default: Option<i32>,
    /// An enum with data: exactly one of the fields is present.
    pub variants: bool,
}

/// Notes about a field.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct FieldNotes {
    /// Its docs.
    pub docs: String,
    /// The Rust type whose range is narrower than that of the type on the wire: `u8`, `char`, `[u8; 4]`.
    pub narrowed: String,
    /// Its absence is an error.
    pub required: bool,
}

/// Notes about a method.
#[derive(Debug, Clone, PartialEq, Default, Message)]
#[rpc(crate = "crate")]
pub struct MethodNotes {
    /// Its docs.
    pub docs: String,
    /// How often it runs, and whether its caller waits.
    pub kind: MethodKind,
    /// The full name of its error's message, with a leading dot; may be empty.
    pub error: String,
    /// Its one argument is the message, instead of being a field of it; its result likewise.
    pub whole: bool,
}

/// How often a method may run, and whether its caller waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Message)]
#[rpc(crate = "crate")]
pub enum MethodKind {
    /// It runs at most once, and the caller waits.
    #[default]
    Plain,
    /// It may run twice without harm, and the caller waits.
    Idempotent,
    /// It runs at most once, and the caller does not wait.
    Oneway,
}
