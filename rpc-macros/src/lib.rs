//! The macros of [rpc-runtime]: [`macro@interface`] makes a trait's methods callable from elsewhere, [`derive(Message)`](macro@Message)
//! makes a type one that travels in such calls, [`derive(RemoteError)`](macro@RemoteError) an error.
//!
//! Applications take them from rpc-runtime, which generated code names.
//!
//! Each macro reads syntax into a model, checks the model and expands it. Everything that is wrong is reported at once,
//! each mistake at its own tokens and in words that say what to write instead.
//!
//! [rpc-runtime]: https://docs.rs/rpc-runtime

mod docs;
#[cfg(test)]
mod golden;
mod interface;
mod message;
mod names;
mod problems;
mod remote_error;
mod settings;
mod spans;
mod types;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a trait an interface: one whose methods can be called from another process.
///
/// ```ignore
/// use rpc_runtime::{CallError, interface};
///
/// /// Lends books.
/// #[interface(package = "library.v1")]
/// pub trait Store {
///     /// Lends one copy of `title`.
///     async fn check_out(&self, customer: u64, title: &str) -> Result<Loan, StoreError>;
///     #[rpc(idempotent, timeout = "2s")]
///     async fn titles(&self) -> Result<Vec<String>, CallError>;
/// }
/// ```
///
/// # What it makes
///
/// | | |
/// | --- | --- |
/// | `trait Store` | the same trait: an `async fn` becomes a function that returns `impl Future + Send`, and `Send + Sync + 'static` become supertraits. Implementations write `async fn`. |
/// | `struct StoreClient` | the user stub. It implements `Store`; importing gives one. It has no methods of its own, and cloning it is cheap. |
/// | `struct StoreServer<T>` | the server stub. `StoreServer::new(x)` takes an implementation, or an `Arc` of one; exporting takes it. |
/// | `impl Store for Arc<T>` | for every `T: Store`. |
/// | `struct DynStore` | with `dyn`: holds any `Store` and is one, so that different ones fit into one `Vec`. `DynStore::new(x)`; `Clone`. |
///
/// Code written against `impl Store` runs unchanged against an implementation and against the stub.
///
/// # Methods
///
/// A method is an `async fn` with `&self` that returns a `Result`; its error derives [`RemoteError`](macro@RemoteError) or is
/// `CallError` itself. The `Result` may have another name (`type Answer<T> = Result<T, StoreError>`).
///
/// - Arguments and results implement `Message`. An argument may be borrowed as a whole: `&str`, `&[u8]`, `&[T]`, `&T`. The
///   callee lends it from the frame that it came in; text and bytes are not copied.
/// - A method with a body may be left out by implementations. The stub calls it remotely all the same.
/// - A trait may have type parameters, `trait Queue<T: Message>`; then there are `QueueClient<T>` and `QueueServer<I, T>`.
///   Methods have none: the callee must know the type.
/// - There are no associated types, constants or supertraits, and no lifetimes: nothing of them can be known at the other end.
/// - A method may take a stream, `chunks: Streaming<Chunk>`, and give one, `Result<Streaming<Event, E>, E>`. A stream is the
///   whole request, so it is the only argument. Such a method is neither idempotent nor one-way.
/// - Names that every stub has from other traits are taken: `clone`, `into`, `as_ref` and the like.
///
/// On the wire a method is its name in CamelCase (`check_out` is `CheckOut`), its arguments are the fields of one message and
/// numbered in order; each item of a stream is a message of its own. Methods can be added and moved; arguments are added at the end, or pinned.
///
/// # Attributes
///
/// | on the trait | |
/// | --- | --- |
/// | `#[interface(package = "library.v1")]` | the package in descriptions; the full name is then `library.v1.Store` |
/// | `#[interface(name = "Library")]` | the name in descriptions, in place of the trait's |
/// | `#[interface(dyn)]` | makes `DynStore` |
/// | `#[interface(descriptors = "FILE_DESCRIPTOR_SET")]` | the path of a `&'static [u8]`: the `FileDescriptorSet` of the `.proto` that it was made from |
/// | `#[interface(crate = "::other::rpc_runtime")]` | where generated code finds rpc-runtime, if not at `::rpc_runtime` |
///
/// | on a method | |
/// | --- | --- |
/// | `#[rpc(idempotent)]` | may run more than once; the runtime repeats it freely |
/// | `#[rpc(oneway)]` | no reply: the future ends when the call is handed over. Returns `Result<(), E>` |
/// | `#[rpc(timeout = "5s")]` | how long a call may take: a whole number and `ms`, `s`, `m` or `h` |
/// | `#[rpc(name = "hear")]` | its name on the wire, in Rust's spelling; with `message`, exactly as it is |
/// | `#[rpc(message)]` | its one argument *is* the request, and its result *is* the response, instead of being fields of messages that are made for the method. Both derive [`Message`](macro@Message), or are `()`; without an argument the request is empty. For the methods of a foreign `.proto`: `rpc Get(GetRequest) returns (Item)` |
///
/// | on an argument | |
/// | --- | --- |
/// | `#[rpc(tag = 7)]` | its number; the next one has one more |
/// | `#[rpc(name = "body")]` | its name in descriptions |
/// | `#[rpc(as = "int64")]` | as on a field of a [`Message`](macro@Message) |
#[proc_macro_attribute]
pub fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    interface::interface(arguments.into(), item.into()).into()
}

/// Makes a struct or an enum a type that travels in calls.
///
/// ```ignore
/// use rpc_runtime::Message;
///
/// /// What a customer has borrowed.
/// #[derive(Debug, Clone, Message)]
/// pub struct Loan {
///     pub title: String,
///     pub copy: u32,
///     pub notes: Option<Vec<String>>,
/// }
///
/// #[derive(Debug, Clone, Message)]
/// pub enum Shape {
///     Empty,
///     Label(String),
///     Circle { radius: f64 },
/// }
/// ```
///
/// # On the wire
///
/// | Rust | Protocol Buffers |
/// | --- | --- |
/// | struct | message; a field of a tuple struct is `field_1`, `field_2` …, or `value` if it is the only one |
/// | enum without data | enum |
/// | enum with data | message with one `oneof`, in which each variant is a field |
/// | variant without data | `google.protobuf.Empty` |
/// | variant with one unnamed field | that field |
/// | variant with named or several fields | a message of its own |
///
/// Fields and variants are numbered in order of declaration, from 1. So: add at the end, or pin the number. Moving a field
/// changes its number, and a comparison of versions says so. Doc comments travel with the description.
///
/// A field that does not come has its type's default: zero, empty, `None`. An enum that does not come is an error, unless
/// one of its variants stands for absence: `#[default]` of `std`, or `#[rpc(other)]`.
///
/// Each field's type must implement `Message`, and so must each type parameter. The type cannot have lifetimes or a `Drop` of
/// its own: a message that comes in two parts is taken apart and put together again. Discriminants (`Red = 5`) are the
/// program's own and have no effect here.
///
/// # Attributes
///
/// | on the type | |
/// | --- | --- |
/// | `#[rpc(name = "Sheet")]` | its name in descriptions |
/// | `#[rpc(transparent)]` | a struct of one field: on the wire it is that field's type. For ids: `struct CustomerId(u64)` |
/// | `#[rpc(prost)]` | a struct that derives `prost::Message` and has a `prost::Name`: it travels as prost writes it. Needs rpc-runtime's feature `prost`. A type of another crate is wrapped: `Prost<T>` |
/// | `#[rpc(prost, descriptors = "super::FILE_DESCRIPTOR_SET")]` | the path of a `&'static [u8]`: the `FileDescriptorSet` with the type in it. Without, descriptions have only its name |
/// | `#[rpc(crate = "::other::rpc_runtime")]` | where generated code finds rpc-runtime |
///
/// | on a field | |
/// | --- | --- |
/// | `#[rpc(tag = 7)]` | its number; the next field has one more |
/// | `#[rpc(name = "lentAt")]` | its name in descriptions |
/// | `#[rpc(as = "int64")]` | another integer type on the wire, for a foreign `.proto`: `int32`, `int64`, `fixed32`, `fixed64`, `sfixed32` or `sfixed64`. For integers, and for `Option` and `Vec` of them |
///
/// | on a variant | |
/// | --- | --- |
/// | `#[rpc(tag = 7)]` | its number; the next variant has one more. Without data, 0 is a number too, and is what absence means |
/// | `#[rpc(name = "Azure")]` | its name in descriptions, in Rust's spelling |
/// | `#[rpc(other)]` | what is read in place of a variant that this program does not know, and of none |
/// | `#[default]` | `std`'s own: what is read where nothing came |
#[proc_macro_derive(Message, attributes(rpc))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    message::derive(&parse_macro_input!(input)).into()
}

/// Makes an enum the error of a method: it reaches the caller as the variant that it is.
///
/// ```ignore
/// use rpc_runtime::{CallError, RemoteError};
///
/// #[derive(Debug, thiserror::Error, RemoteError)]
/// pub enum StoreError {
///     #[error("no such title: {title}")]
///     NoSuchTitle { title: String },
///     #[error(transparent)]
///     #[rpc(text)]
///     Disk(#[from] std::io::Error),
///     #[error(transparent)]
///     Call(#[from] CallError),
/// }
/// ```
///
/// Exactly one variant holds the runtime's `CallError`, for every call can fail on its way. It is the one whose only field's
/// type ends in that word; `#[rpc(call)]` marks it if the type has another name here. The enum implements
/// `std::error::Error` and `From<CallError>`; `thiserror` writes both.
///
/// It implements [`Message`](macro@Message) too, as an enum with data, so it can be a part of another error
/// (`Store(#[from] StoreError)`). A `CallError` in it speaks of a call that the implementation made, and arrives as kind
/// `Nested`.
///
/// # Attributes
///
/// | on a variant | |
/// | --- | --- |
/// | `#[rpc(call)]` | holds the runtime's `CallError` |
/// | `#[rpc(text)]` | cannot travel, but its `Display` text can: arrives as a `CallError` of kind `Failed` |
/// | `#[rpc(code = "not_found")]` | the code that callers over gRPC see, in place of `FAILED_PRECONDITION` |
/// | `#[rpc(tag = 7)]` | its number, below 2047; the next variant has one more |
/// | `#[rpc(name = "Gone")]` | its name in descriptions |
/// | `#[rpc(other)]` | what is read in place of a variant that this program does not know |
///
/// On the type: `name` and `crate`, and on the fields of a variant what [`Message`](macro@Message) has there.
#[proc_macro_derive(RemoteError, attributes(rpc))]
pub fn derive_remote_error(input: TokenStream) -> TokenStream {
    remote_error::derive(&parse_macro_input!(input)).into()
}
