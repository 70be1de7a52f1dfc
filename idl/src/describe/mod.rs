//! What types and interfaces look like, as data.

mod builder;
mod case;
mod comments;
mod compare;
mod fingerprint;
mod index;
mod interface;
mod layout;
mod names;
mod order;
mod registry;
mod shape;

pub use builder::{BuildMethod, InterfaceBuilder, MethodBuilder};
pub use compare::{Change, compare};
pub use fingerprint::Fingerprint;
pub use interface::{Interface, MethodDescription};
pub use registry::{EnumerationValues, MessageFields, OneofVariants, Registry};
pub use shape::{Scalar, Shape, TypeRef, WellKnown};
