//! RPC in which a retry never runs twice.
#![warn(missing_docs)]

// Code that the macros make names this crate, also inside it.
#[allow(unused_extern_crates)]
extern crate self as rpc_runtime;

mod binding;
mod call;
mod callee;
mod clock;
mod connection;
mod context;
mod dial;
pub mod directory;
mod error;
mod export;
mod handler;
mod import;
mod in_memory;
mod interface;
mod limits;
mod link;
mod node;
mod outbox;
pub mod protocol;
mod receipt;
mod served;
mod server;
mod stats;
mod transport;

pub use binding::Binding;
#[doc(hidden)]
pub use call::{Call, Outgoing};
pub use context::{Context, within};
pub use directory::{RegisterMode, Selector};
pub use error::{CallError, ErrorKind, Executed, Nested, RemoteError};
pub use export::{Export, ExportError, Exporting};
#[doc(hidden)]
pub use handler::{Dispatch, Incoming};
#[doc(hidden)]
pub use idl;
pub use idl::{Bytes, Message, MethodKind, Text};
pub use import::Importing;
pub use in_memory::in_memory;
pub use interface::{Method, Outcome, ServerStub, UserStub};
pub use limits::Limits;
pub use link::LinkState;
pub use node::{Node, NodeBuilder, StartError};
pub use protocol::id::{Epoch, Incarnation, Owner};
pub use receipt::Receipt;
pub use rpc_macros::{Message, RemoteError, interface};
pub use stats::{BindingStats, NodeStats};
