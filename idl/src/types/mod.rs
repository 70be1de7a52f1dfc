//! The types of `std`, `bytes` and `uuid` on the wire.

mod bytes;
pub(crate) mod list;
mod map;
mod number;
mod option;
mod pointer;
mod result;
mod string;
mod time;
mod tuple;
