//! Descriptions as the text of a `.proto`, and several of them as files that fit together.

mod files;
mod scope;
mod text;
mod words;

pub(crate) use files::well_known;
pub use files::{Files, files};
