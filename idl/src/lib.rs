//! The interface definition layer: types on the wire, and the description of an interface.
//!
//! - What can travel: [`Message`], written to a [`Writer`] and read from a [`Reader`]; on the wire it is
//!   Protocol Buffers (proto3).
//! - What an interface looks like: every `Message` enters itself into a [`Registry`]; an [`Interface`] is
//!   the description of methods and types as plain data, which itself travels.
//! - Whether two versions understand each other: the [`Fingerprint`], and [`compare`] if it differs.

// Code that the derive makes says `…::idl::Message`: `…` is `crate` in this crate, `::idl` in its tests.
#[doc(hidden)]
pub extern crate self as idl;

mod describe;
pub mod descriptor;
mod error;
mod message;
mod reader;
mod text;
mod types;
mod wire;
pub mod wire_as;
mod writer;

pub use bytes::Bytes;
pub use describe::{
    Change, EnumerationValues, Fingerprint, Interface, InterfaceBuilder, MessageFields,
    MethodBuilder, MethodDescription, OneofVariants, Registry, Scalar, Shape, TypeRef, WellKnown,
    compare,
};
pub use descriptor::MethodKind;
pub use error::{DecodeError, DecodeFault, EncodeError};
#[doc(hidden)]
pub use message::present;
pub use message::{Message, decode_message, encode_message, from_slice, to_vec};
pub use reader::Reader;
pub use text::Text;
pub use wire::{DEPTH_MAX, TAG_MAX, Wire};
pub use writer::{Piece, Writer};
