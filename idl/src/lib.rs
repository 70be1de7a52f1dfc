//! The interface definition layer: types on the wire, and the description of an interface.
//!
//! - What can travel: [`Message`], written to a [`Writer`] and read from a [`Reader`]; on the wire it is
//!   Protocol Buffers (proto3). Nobody writes tags or a `.proto`; the fields' order numbers them.
//! - What an interface looks like: every `Message` enters itself into a [`Registry`]; an [`Interface`] is
//!   the description of methods and types as plain data, which itself travels.
//! - Whether two versions understand each other: the [`Fingerprint`], and [`compare`] if it differs.
//!
//! ```
//! use rpc_macros::Message; // the derive; applications have it from rpc-runtime
//!
//! #[derive(Debug, PartialEq, Message)]
//! # #[rpc(crate = "::idl")]
//! struct Loan {
//!     title: String,
//!     copies: Vec<u32>,
//! }
//!
//! let loan = Loan { title: "dune".into(), copies: vec![1, 2] };
//! let bytes = idl::to_vec(&loan)?;
//! assert_eq!(bytes, b"\x0a\x04dune\x12\x02\x01\x02");
//! assert_eq!(idl::from_slice::<Loan>(&bytes)?, loan);
//!
//! let error = idl::from_slice::<Loan>(b"\x0a\x01\xff").unwrap_err();
//! assert_eq!(error.to_string(), "title: text is not UTF-8");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | |
//! | --- | --- |
//! | `proto` | descriptions as `.proto` files, as sets of descriptors, and from these |
//! | `prost` | messages that prost generated travel too: `Prost`, `#[rpc(prost)]` |
//! | `compile` | for build scripts: `compile` makes messages and interfaces of `.proto` files |
//!
//! # Bytes from strangers
//!
//! Reading never panics. Messages sit at most [`DEPTH_MAX`] deep in each other. Memory is taken for bytes that
//! came, never for a length that was claimed: twice the bytes at most, and what holds messages that sit in each
//! other, where there are no lists and no maps. These may take more, so that a limit on a frame's bytes bounds
//! the memory only up to a factor:
//!
//! - An element of a list takes its size in Rust for as little as one byte (a number) or two (an empty text, an
//!   empty message), and nothing beside: a list is counted before it is read. One that comes in several parts may
//!   take three times as much while it grows.
//! - A map or a set takes what `std`'s takes. A `BTreeMap` with one pair has room for eleven.

// Code that the derive makes says `…::idl::Message`: `…` is `crate` in this crate, `::idl` in its tests.
#[doc(hidden)]
pub extern crate self as idl;

#[cfg(feature = "compile")]
mod compile;
mod describe;
pub mod descriptor;
mod error;
mod message;
#[cfg(feature = "prost")]
pub mod prost_message;
#[cfg(feature = "proto")]
mod proto;
mod reader;
mod slot;
mod text;
mod types;
mod wire;
pub mod wire_as;
mod writer;

pub use bytes::Bytes;
#[cfg(feature = "compile")]
pub use compile::{CompileError, Compiler, compile, read_protos, traits};
pub use describe::{
    BuildMethod, Change, EnumerationValues, Fingerprint, Interface, InterfaceBuilder, MessageFields, MethodBuilder,
    MethodDescription, OneofVariants, Registry, Scalar, Shape, TypeRef, WellKnown, compare,
};
pub use descriptor::MethodKind;
pub use error::{DecodeError, DecodeFault, EncodeError};
pub use message::{Message, decode_message, encode_message, from_slice, to_vec};
#[doc(hidden)]
pub use message::{empty, present, variant};
#[cfg(feature = "prost")]
pub use prost_message::Prost;
#[cfg(feature = "proto")]
pub use proto::{Files, files};
pub use reader::Reader;
#[doc(hidden)]
pub use slot::{Field, Slot};
pub use text::Text;
pub use wire::{DEPTH_MAX, TAG_MAX, Wire};
pub use writer::{Piece, Writer};
#[cfg(feature = "prost")]
#[doc(hidden)]
pub use {prost, prost_types};

/// The code that `idl::compile` wrote in the build script: messages and interfaces, in modules that are named and nested like
/// their packages.
#[cfg(feature = "prost")]
#[macro_export]
macro_rules! include_protos {
    () => {
        include!(concat!(env!("OUT_DIR"), "/protos.rs"));
    };
}
