//! gRPC on the node's own port: every exported interface is also a gRPC service, and a stub can be bound to a gRPC server.
//!
//! HTTP/2 is h2's; the rest of gRPC is here, since what it asks for is small and what this runtime promises of strangers' bytes
//! and of verdicts has to hold on this road too: no memory for a length that was only claimed, no panic for what does not
//! decode, and an exact answer to whether a request was sent. `docs/GRPC.md` says what callers see.
//!
//! | question | file |
//! | --- | --- |
//! | which bounds there are | `limits.rs` |
//! | what is on the wire | `message.rs`, `body.rs`, `compression.rs`, `status.rs`, `metadata.rs` |
//! | which code an error has | `codes.rs` |
//! | how a connection, and a call on it, is served | `connection.rs`, `streams.rs`, `pace.rs`, `stream.rs`, `respond.rs`, `flow.rs` |
//! | which implementation a path means | `routes.rs` |
//! | how a call runs | `ordinary.rs`; with streams: `items.rs`, `opened.rs`; at most once: `recorded.rs`, `names.rs`, `sessions.rs` |
//! | what a caller is told of its end | `ended.rs` |
//! | the services that gRPC's tools ask for | `health.rs`, `reflection.rs` |
//! | how a stub calls a gRPC server | `client.rs`, `client/` |

mod body;
mod client;
mod codes;
mod compression;
mod connection;
mod ended;
mod flow;
mod health;
mod items;
mod limits;
mod message;
mod metadata;
mod names;
mod opened;
mod ordinary;
mod pace;
mod recorded;
mod reflection;
mod respond;
mod routes;
mod sessions;
mod shared;
mod status;
mod stream;
mod streams;

pub use client::ImportingGrpc;
pub(crate) use client::{Calling, Remote};
pub(crate) use connection::{PREFACE_BEGIN, serve};
pub(crate) use shared::{Phase, Shared};
