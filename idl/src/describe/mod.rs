//! What types and interfaces look like, as data.

mod builder;
pub(crate) mod case;
#[cfg(feature = "proto")]
mod comments;
mod compare;
mod fingerprint;
#[cfg(feature = "proto")]
mod foreign;
mod index;
mod interface;
mod layout;
mod names;
mod order;
mod registry;
mod shape;

#[cfg(feature = "proto")]
pub(crate) use builder::file_name;
pub use builder::{BuildMethod, InterfaceBuilder, MethodBuilder};
pub use compare::{Change, compare};
pub use fingerprint::Fingerprint;
#[cfg(feature = "proto")]
pub(crate) use foreign::WELL_KNOWN;
#[cfg(feature = "compile")]
pub(crate) use foreign::needed_files;
pub use interface::{Interface, MethodDescription};
pub use registry::{EnumerationValues, MessageFields, OneofVariants, Registry};
pub use shape::{Scalar, Shape, TypeRef, WellKnown};
