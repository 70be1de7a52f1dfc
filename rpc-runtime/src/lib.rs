//! RPC in which a retry never runs twice.
//!
//! Annotate a trait and get its user stub and its server stub; export an implementation under a name, import it
//! elsewhere, call it. The runtime finds exporters through a nameserver, keeps connections and sessions alive,
//! sends again what was lost with a connection, and answers a repeated call from its record instead of running it
//! again. Every failed call says whether it may have run.
//!
//! ```
//! use rpc_runtime::{CallError, Message, Node, RemoteError, interface};
//!
//! #[interface]
//! pub trait Store {
//!     /// Lends one copy of `title`.
//!     async fn check_out(&self, customer: u64, title: String) -> Result<Loan, StoreError>;
//!     /// What there is: reading changes nothing, so it may run again anywhere.
//!     #[rpc(idempotent)]
//!     async fn titles(&self) -> Result<Vec<String>, StoreError>;
//! }
//!
//! #[derive(Debug, Clone, PartialEq, Message)]
//! pub struct Loan {
//!     pub title: String,
//!     pub copy: u32,
//! }
//!
//! #[derive(Debug, thiserror::Error, RemoteError)]
//! pub enum StoreError {
//!     #[error("no such title: {title}")]
//!     NoSuchTitle { title: String },
//!     #[error(transparent)]
//!     Call(#[from] CallError),
//! }
//!
//! struct MyStore;
//!
//! impl Store for MyStore {
//!     async fn check_out(&self, _customer: u64, title: String) -> Result<Loan, StoreError> {
//!         if title == "dune" { Ok(Loan { title, copy: 1 }) } else { Err(StoreError::NoSuchTitle { title }) }
//!     }
//!     async fn titles(&self) -> Result<Vec<String>, StoreError> {
//!         Ok(vec!["dune".into()])
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The exporter. With `.nameserver("127.0.0.1:4100")` too, the name is registered there.
//! let node = Node::builder().listen("127.0.0.1:0").start().await?;
//! let export = node.export("a-m", StoreServer::new(MyStore)).await?;
//!
//! // The importer: another process. With a nameserver: `callers.import("a-m").await?`.
//! let callers = Node::builder().start().await?;
//! let store: StoreClient = callers.import_at(&node.local_endpoints()[0], "a-m").await?;
//! assert_eq!(store.check_out(7, "dune".into()).await?.copy, 1);
//! match store.check_out(7, "dine".into()).await {
//!     Err(StoreError::NoSuchTitle { title }) => assert_eq!(title, "dine"),
//!     Err(StoreError::Call(error)) => panic!("{error}; it {}", error.executed()),
//!     Ok(loan) => panic!("{loan:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What a failed call says
//!
//! [`CallError::executed`] is one of three: [`Never`](Executed::Never) – it did not run and never will;
//! [`Completed`](Executed::Completed) – it ran and ended; [`Unknown`](Executed::Unknown) – it may have run. The runtime
//! resolves what it can by itself: a lost connection is dialled anew, the session is attached, and unresolved calls
//! are sent again under the same name, which the exporter either runs for the first time or answers from its record.
//! `Unknown` is left for what nobody can know: the exporter was killed, or the deadline passed first.
//!
//! # Kinds of methods
//!
//! | attribute | promise |
//! | --- | --- |
//! | none | at most once: repeated safely by the runtime within the session |
//! | `#[rpc(idempotent)]` | may run more than once: repeated by the runtime also after a restart of the exporter |
//! | `#[rpc(oneway)]` | sent at most once, no reply, no order |
//! | `#[rpc(timeout = "5s")]` | beside any of these: how long a call may take, in place of 30 s |
//!
//! # Streams
//!
//! A method may take a [`Streaming`] and give one: `async fn watch(&self, topic: &str) -> Result<Streaming<Event, FeedError>,
//! FeedError>`. Opening it is a call like any other. Its items arrive once and in order, also where the connection is lost
//! meanwhile, and are produced as they are consumed; what ends a stream too early is an error, never an end.
//!
//! # Where to look
//!
//! - [`Streaming`], [`Sender`]: what methods take and give as items one after the other.
//! - [`interface`], [`macro@Message`], [`macro@RemoteError`]: what the macros accept.
//! - [`Node`]: exports, imports, addresses, shutdown. [`Limits`]: every bound with its default.
//! - gRPC, with the feature `grpc`: every export is a gRPC service at the same address, and `Node::import_grpc` binds a stub to a
//!   gRPC server. [`Metadata`], [`ReplyMetadata`], [`Code`]; `docs/GRPC.md` says what callers see.
//! - [`AnyBinding`]: calls without a stub, for programs that learn at run time what they call.
//! - [`Binding`]: what is under a user stub. [`LinkState`]: whether its exporter can be reached.
//! - [`Context`]: deadline, caller and cancellation, within an implementation. [`within`]: a deadline for calls.
//! - [`directory`]: how exporters are found; [`Selector`].
//! - [`in_memory`]: a service behind its stub without a network, for tests.
//! - `include_protos!` and `Prost`, with the feature `prost`: interfaces and messages of foreign `.proto` files.
//! - [`protocol`]: the rules, in words and as state machines.
#![warn(missing_docs)]

// Code that the macros make names this crate, also inside it.
#[allow(unused_extern_crates)]
extern crate self as rpc_runtime;

mod any_binding;
mod binding;
mod call;
mod callee;
mod caller;
mod clock;
mod connection;
mod context;
mod dial;
pub mod directory;
mod error;
mod executed;
mod export;
mod exported;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "grpc")]
mod grpc;
mod handler;
mod import;
mod in_memory;
mod interface;
#[cfg(all(test, interleave))]
mod interleave;
mod io_threads;
mod limits;
mod link;
mod node;
mod outbox;
mod passing;
#[doc(hidden)]
pub mod planted;
pub mod protocol;
mod queue;
#[doc(hidden)]
pub mod random;
mod receipt;
mod run;
mod served;
mod server;
mod small_map;
mod spare;
mod stats;
mod streaming;
mod sync;
#[doc(hidden)]
pub mod task;
mod timer;
mod transport;

#[cfg(feature = "grpc")]
pub use any_binding::ImportingAnyGrpc;
pub use any_binding::{AnyBinding, AnyError, ImportingAny};
pub use binding::Binding;
#[doc(hidden)]
pub use call::{Call, Outgoing};
pub use context::{Context, Metadata, MetadataError, ReplyMetadata, with_metadata, within};
pub use directory::{RegisterMode, Selector};
pub use error::{CallError, Code, ErrorKind, Nested, RemoteError};
pub use executed::Executed;
pub use export::{Export, ExportError, Exporting};
#[cfg(feature = "grpc")]
pub use grpc::ImportingGrpc;
#[doc(hidden)]
pub use handler::Incoming;
#[doc(hidden)]
pub use idl;
pub use idl::{Bytes, Message, MethodKind, Text};
#[cfg(feature = "prost")]
pub use idl::{Prost, include_protos, prost, prost_types};
pub use import::Importing;
pub use in_memory::in_memory;
#[doc(hidden)]
pub use interface::Whole;
pub use interface::{Method, Outcome, ServerStub, UserStub};
pub use limits::Limits;
pub use link::LinkState;
pub use node::{Node, NodeBuilder, StartError};
pub use protocol::id::{Epoch, Incarnation, Owner};
pub use receipt::Receipt;
pub use rpc_macros::{Message, RemoteError, interface};
pub use stats::{BindingStats, NodeStats};
#[doc(hidden)]
pub use streaming::opening::Opening;
pub use streaming::{Closed, Sender, StreamArgument, StreamOutcome, Streaming};

/// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// So are those of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/EVOLVE.md")]
struct Evolve;
