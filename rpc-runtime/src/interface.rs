//! What the macros write of an interface, and what the runtime makes of it.

use std::time::Duration;

use idl::{DecodeError, Message, MethodKind, Reader, Writer};

use crate::binding::Binding;
use crate::error::RemoteError;
use crate::handler::Incoming;

/// One method of an interface. The macros write these as constants.
#[derive(Debug)]
pub struct Method {
    /// Its name on the wire: `CheckOut` for `check_out`.
    pub name: &'static str,
    /// Its number on the wire: a hash of its name, so that methods can be added and reordered.
    pub id: u32,
    /// Plain, idempotent or one-way.
    pub kind: MethodKind,
    /// What `#[rpc(timeout = "…")]` says.
    pub timeout: Option<Duration>,
    /// Whether its argument is a stream.
    pub client_streams: bool,
    /// Whether its result is a stream.
    pub server_streams: bool,
}

/// The number of a method: the hash that the macros make of its name.
pub(crate) fn method_id(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Method {
    /// Whether it takes or gives a stream.
    pub(crate) fn has_streams(&self) -> bool {
        self.client_streams || self.server_streams
    }
}

/// The user stub of an interface: what [`import`](crate::Node::import) gives. The macros implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user stub",
    label = "not a user stub",
    note = "an import gives a user stub: for `#[interface] trait Store`, write `let store: StoreClient = …`"
)]
pub trait UserStub: Clone + Send + Sync + 'static {
    /// The description of the interface.
    fn interface() -> idl::Interface;
    /// The stub over a binding.
    #[doc(hidden)]
    fn from_binding(binding: Binding) -> Self;
    /// The binding under the stub.
    #[doc(hidden)]
    fn as_binding(&self) -> &Binding;
}

/// The server stub of an interface: what [`export`](crate::Node::export) takes. The macros implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a server stub",
    label = "not a server stub",
    note = "an export takes a server stub: for `#[interface] trait Store`, write `StoreServer::new(your_store)`"
)]
pub trait ServerStub: Send + Sync + 'static {
    /// The user stub of the same interface.
    type Client: UserStub;
    /// The method with this number.
    #[doc(hidden)]
    fn method(id: u32) -> Option<&'static Method>;
    /// Decodes the arguments and calls the implementation.
    #[doc(hidden)]
    fn call(&self, incoming: &mut Incoming<'_>);
}

/// What a method returns: `Result<T, E>`, also under another name.
#[diagnostic::on_unimplemented(
    message = "every call can fail, so a method cannot return `{Self}`",
    label = "not a `Result`",
    note = "write `Result<{Self}, CallError>`, or your own error that derives `RemoteError`"
)]
pub trait Outcome: Sized + Send + 'static {
    /// What travels when the method succeeds.
    type Value: Message;
    /// What travels when it fails.
    type Error: RemoteError;
    /// The outcome as a plain `Result`.
    fn into_result(self) -> Result<Self::Value, Self::Error>;
    /// The outcome from a plain `Result`.
    fn from_result(result: Result<Self::Value, Self::Error>) -> Self;

    /// Writes the value as a reply: as its field 1.
    #[doc(hidden)]
    fn write(value: &Self::Value, reply: &mut Writer) {
        value.encode(1, reply);
    }

    /// Reads the value from a reply.
    #[doc(hidden)]
    fn read(reply: &mut Reader<'_>) -> Result<Self::Value, DecodeError> {
        let mut value = None;
        match reply.slots(&mut [(1, "value", &mut value)]) {
            Ok(()) => idl::present(&mut value, "value"),
            Err(error) => Err(error),
        }
    }
}

impl<T: Message, E: RemoteError> Outcome for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Result<T, E> {
        self
    }

    fn from_result(result: Result<T, E>) -> Self {
        result
    }
}

/// What a method with `#[rpc(message)]` returns: the value is the reply itself, and not a field of it.
#[doc(hidden)]
pub struct Whole<O>(pub O);

impl<O: Outcome> Outcome for Whole<O> {
    type Value = O::Value;
    type Error = O::Error;

    fn into_result(self) -> Result<O::Value, O::Error> {
        self.0.into_result()
    }

    fn from_result(result: Result<O::Value, O::Error>) -> Self {
        Self(O::from_result(result))
    }

    fn write(value: &O::Value, reply: &mut Writer) {
        value.encode_fields(reply);
    }

    fn read(reply: &mut Reader<'_>) -> Result<O::Value, DecodeError> {
        idl::decode_message(reply)
    }
}
