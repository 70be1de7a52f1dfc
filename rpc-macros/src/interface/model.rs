//! What `#[interface]` knows of a trait: its names, its methods, and their arguments as the fields of a message.

use proc_macro2::Span;
use syn::{Generics, Ident, Path, Type, Visibility};

use crate::message::model::Field;

/// A trait whose methods can be called from elsewhere.
pub(crate) struct Interface {
    /// Where rpc-runtime is found.
    pub(crate) krate: Path,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// The user stub's name.
    pub(crate) client: Ident,
    /// The server stub's name.
    pub(crate) server: Ident,
    /// The name of the struct that holds any implementation, if there is to be one.
    pub(crate) dynamic: Option<Ident>,
    /// The package of its description; may be empty.
    pub(crate) package: String,
    /// Its name in descriptions.
    pub(crate) name: String,
    /// Where the descriptors of its `.proto` are.
    pub(crate) descriptors: Option<Path>,
    pub(crate) docs: String,
    pub(crate) methods: Vec<Method>,
}

/// A method of an interface.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    /// Its name in descriptions: `CheckOut`.
    pub(crate) name: String,
    /// The number by which a call names it.
    pub(crate) id: u32,
    pub(crate) docs: String,
    pub(crate) kind: Kind,
    pub(crate) timeout: Option<Timeout>,
    /// The one argument is the request itself, and the result the response; without an argument the request is empty.
    pub(crate) whole: bool,
    pub(crate) arguments: Vec<Argument>,
    /// Whether its one argument is a stream.
    pub(crate) client_streams: bool,
    /// Whether its result is a stream.
    pub(crate) server_streams: bool,
    /// What it returns, as written.
    pub(crate) output: Type,
    /// The tokens that give it its name on the wire, for mistakes.
    pub(crate) span: Span,
}

/// How often a call may run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// At most once.
    Plain,
    /// As often as it takes.
    Idempotent,
    /// At most once, and without a reply.
    Oneway,
}

/// What `#[rpc(timeout = "…")]` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout {
    pub(crate) milliseconds: u64,
}

/// An argument of a method.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    /// Its type as written.
    pub(crate) ty: Type,
    /// The field of the request; its type is what the callee holds.
    pub(crate) field: Field,
    pub(crate) passing: Passing,
}

/// How an argument is passed, and what the callee holds when it is lent.
pub(crate) enum Passing {
    /// `T`
    Owned,
    /// `&T`: a `T`.
    Reference,
    /// `&str`: a slice of the frame, checked to be text.
    Text,
    /// `&[u8]`: a slice of the frame.
    Bytes,
    /// `&[T]`: a `Vec<T>`. The tokens are those of `T`.
    Slice(Box<Type>),
    /// `Streaming<T>`: the items are the request.
    Stream,
}
