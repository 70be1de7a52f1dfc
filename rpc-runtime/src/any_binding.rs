//! A binding without a stub, for programs that learn at run time what they call: command lines, gateways, recorders.

mod importing;
mod open;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use idl::descriptor::MethodDescriptor;

pub use importing::ImportingAny;
#[cfg(feature = "grpc")]
pub use importing::ImportingAnyGrpc;

use crate::binding::Binding;
use crate::call::{Answer, failure};
use crate::error::{CallError, ErrorKind};
use crate::interface::{Method, method_id};
use crate::link::{Body, Reply};
use crate::protocol::frame::Status;

/// So many different methods can be called without a stub in one process: what is known of each is kept for its life.
const METHODS_MAX: usize = 4096;

/// The methods that were called without a stub so far, by their numbers.
static METHODS: Mutex<Vec<&'static Method>> = Mutex::new(Vec::new());

/// An importer's live link to one export, without a stub: it knows the interface by its description, and takes and gives
/// messages as bytes of Protocol Buffers.
///
/// All else is as with a stub: a call runs at most once, a lost connection is dialled anew, the exporter's next life is found.
/// Cloning it gives another handle; when the last is dropped, the session is closed.
///
/// ```
/// use rpc_runtime::{Bytes, CallError, Node, interface};
///
/// #[interface(package = "demo.v1")]
/// trait Doubler {
///     async fn double(&self, number: u32) -> Result<u32, CallError>;
/// }
/// # struct Twice;
/// # impl Doubler for Twice {
/// #     async fn double(&self, number: u32) -> Result<u32, CallError> {
/// #         Ok(2 * number)
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::builder().listen("127.0.0.1:0").start().await?;
/// # let _export = node.export("a", DoublerServer::new(Twice)).await?;
///
/// let any = node.import_any_at(&node.local_endpoints()[0], "demo.v1.Doubler", "a").await?;
/// assert_eq!(any.interface().methods().next().map(|method| method.name()), Some("Double"));
/// // Field 1 of the request is 21, field 1 of the reply is 42.
/// let reply = any.call("Double", Bytes::from_static(&[0x08, 21])).await?;
/// assert_eq!(&reply[..], [0x08, 42]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AnyBinding {
    binding: Binding,
    interface: Arc<idl::Interface>,
}

/// Why a call without a stub gave no reply, or why a stream of replies ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyError {
    /// The method's own error: the message that [`MethodNotes::error`](idl::descriptor::MethodNotes::error) names. The call ran.
    Method(Bytes),
    /// The call's error, which says whether it ran.
    Call(CallError),
}

impl AnyBinding {
    pub(crate) fn new(binding: Binding, interface: idl::Interface) -> AnyBinding {
        AnyBinding { binding, interface: Arc::new(interface) }
    }

    /// The description of the interface: that of the exporter which was found first. Later ones are compatible with it.
    pub fn interface(&self) -> &idl::Interface {
        &self.interface
    }

    /// The binding itself: whether its exporter can be reached, and what it has done.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Calls a method by its name on the wire, `CheckOut`, with its request message, and gives its reply message; both are as
    /// [`interface`](AnyBinding::interface) describes them. What the bytes are is not looked at here: an exporter that
    /// cannot decode them refuses the call ([`ErrorKind::Undecodable`], `Never`).
    ///
    /// The call takes the time that the import says (30 s by default, `#[rpc(timeout)]` is not in a description), or that
    /// [`within`](crate::within) does. Dropping the future cancels it, as that of a stub's. A name that the
    /// interface does not have, and a method that streams, fail with [`ErrorKind::UnknownMethod`], `Never`: for the
    /// latter there is [`open`](AnyBinding::open).
    pub async fn call(&self, method: &str, request: Bytes) -> Result<Bytes, AnyError> {
        let method = self.method(method)?;
        if method.has_streams() {
            let text = format!("{} streams: `AnyBinding::open` calls it", method.name);
            return Err(CallError::never(ErrorKind::UnknownMethod, text).into());
        }
        self.call_method(method, &request).await
    }

    async fn call_method(&self, method: &'static Method, request: &Bytes) -> Result<Bytes, AnyError> {
        let mut call = self.binding.call(method);
        call.arguments().put_bytes(request);
        message(method, call.answer().await)
    }

    fn method(&self, name: &str) -> Result<&'static Method, CallError> {
        let mut methods = self.interface.file().service.iter().flat_map(|service| &service.method);
        match methods.find(|method| method.name == name) {
            Some(method) => known(method),
            None => {
                let text = format!("`{}` has no method {name}", self.interface.name());
                Err(CallError::never(ErrorKind::UnknownMethod, text))
            }
        }
    }
}

/// The reply message, or what there is in its place.
fn message(method: &Method, answer: Answer) -> Result<Bytes, AnyError> {
    match answer {
        Ok(Reply { status: Status::Value, body }) => Ok(whole(&body)),
        Ok(Reply { status: Status::Error, body }) => Err(AnyError::Method(whole(&body))),
        failed => Err(AnyError::Call(failure(&failed).of_method(method))),
    }
}

/// The method as calls refer to it.
fn known(described: &MethodDescriptor) -> Result<&'static Method, CallError> {
    let kind = described.options.as_ref().map_or(idl::MethodKind::Plain, |options| options.rpc.kind);
    let id = method_id(&described.name);
    let mut methods = METHODS.lock().unwrap_or_else(PoisonError::into_inner);
    let first = methods.partition_point(|method| method.id < id);
    let same = methods[first..].iter().take_while(|method| method.id == id);
    let (client_streams, server_streams) = (described.client_streaming, described.server_streaming);
    let streams = |method: &Method| (method.client_streams, method.server_streams) == (client_streams, server_streams);
    let is_it = |method: &&Method| method.name == described.name && method.kind == kind && streams(method);
    if let Some(method) = same.copied().find(is_it) {
        return Ok(method);
    }
    if methods.len() == METHODS_MAX {
        let text =
            format!("this process has called {METHODS_MAX} different methods without stubs, and can call no more");
        return Err(CallError::never(ErrorKind::Overload, text));
    }
    // A call outlives the future that made it, so that what it refers to is kept.
    let name = String::leak(described.name.clone());
    let method = Method { name, id, kind, timeout: None, client_streams, server_streams };
    let method: &'static Method = Box::leak(Box::new(method));
    methods.insert(first, method);
    Ok(method)
}

fn whole(body: &Body) -> Bytes {
    match body {
        Body::Shared(bytes) => bytes.clone(),
        Body::Copied(writer) => writer.to_vec().into(),
    }
}

impl fmt::Debug for AnyBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interface = self.interface.name();
        f.debug_struct("AnyBinding").field("interface", &interface).field("binding", &self.binding).finish()
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnyError::Method(error) => write!(f, "the method returned its own error, of {} bytes", error.len()),
            AnyError::Call(error) => error.fmt(f),
        }
    }
}

impl Error for AnyError {}

impl From<CallError> for AnyError {
    fn from(error: CallError) -> AnyError {
        AnyError::Call(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table for users says what is here.
    #[test]
    fn the_table_is_in_step() {
        assert_eq!(METHODS_MAX, 4096);
        assert!(
            include_str!("../../docs/LIMITS.md").contains("| methods that one process calls without stubs | 4,096 |")
        );
    }

    /// A method is kept once, however often it is called.
    #[test]
    fn methods_are_kept_once() -> Result<(), CallError> {
        let described = |name: &str| MethodDescriptor { name: name.to_owned(), ..MethodDescriptor::default() };
        let (one, other) = (known(&described("OneOfTwo"))?, known(&described("OtherOfTwo"))?);
        assert!(std::ptr::eq(one, known(&described("OneOfTwo"))?) && !std::ptr::eq(one, other));
        assert_eq!((one.name, one.id), ("OneOfTwo", method_id("OneOfTwo")));
        Ok(())
    }
}
