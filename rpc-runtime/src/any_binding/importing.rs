//! From a name to a binding without a stub.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use super::AnyBinding;
use crate::dial::{Target, Wanted};
use crate::directory::Selector;
use crate::error::{CallError, ErrorKind};
#[cfg(feature = "grpc")]
use crate::grpc::ImportingGrpc;
use crate::import::Importing;
use crate::node::Node;

type AnyBindingFuture = Pin<Box<dyn Future<Output = Result<AnyBinding, CallError>> + Send>>;

/// An import without a stub that has not begun: await it, after options if any. They are those of [`Importing`].
#[must_use = "nothing is imported before it is awaited"]
pub struct ImportingAny {
    importing: Importing<AnyBinding>,
    interface: String,
}

impl ImportingAny {
    /// How long each call may take. The node's `call_timeout` if this is not given (30 s); [`Duration::MAX`] for ever.
    pub fn timeout(self, timeout: Duration) -> ImportingAny {
        ImportingAny { importing: self.importing.timeout(timeout), ..self }
    }

    /// Goes on trying for so long if the exporter is not there yet. Otherwise the import fails at once.
    pub fn wait(self, wait: Duration) -> ImportingAny {
        ImportingAny { importing: self.importing.wait(wait), ..self }
    }
}

impl IntoFuture for ImportingAny {
    type Output = Result<AnyBinding, CallError>;
    type IntoFuture = AnyBindingFuture;

    fn into_future(self) -> AnyBindingFuture {
        let wanted = Wanted::named(self.interface);
        let binding = self.importing.bind(wanted.clone());
        Box::pin(async move {
            let binding = binding.await?;
            // A binding is up once its exporter has described the interface.
            let unknown =
                || CallError::never(ErrorKind::WrongInterface, "the exporter does not describe the interface");
            let interface = wanted.interface().cloned().ok_or_else(unknown)?;
            Ok(AnyBinding::new(binding, interface))
        })
    }
}

/// An import from a gRPC server without a stub that has not begun: await it, after options if any. They are those of
/// [`ImportingGrpc`].
#[cfg(feature = "grpc")]
#[must_use = "nothing is imported before it is awaited"]
pub struct ImportingAnyGrpc {
    importing: ImportingGrpc<AnyBinding>,
    interface: idl::Interface,
}

#[cfg(feature = "grpc")]
impl ImportingAnyGrpc {
    /// How long each call may take; it travels as `grpc-timeout`. The node's `call_timeout` if this is not given (30 s);
    /// [`Duration::MAX`] for ever.
    pub fn timeout(self, timeout: Duration) -> ImportingAnyGrpc {
        ImportingAnyGrpc { importing: self.importing.timeout(timeout), ..self }
    }

    /// Goes on trying for so long if the server is not there yet. Otherwise the import fails at once.
    pub fn wait(self, wait: Duration) -> ImportingAnyGrpc {
        ImportingAnyGrpc { importing: self.importing.wait(wait), ..self }
    }

    /// The instance to call, where the server is a node of this framework that exports several. It travels as `rpc-instance`.
    pub fn instance(self, instance: impl Into<String>) -> ImportingAnyGrpc {
        ImportingAnyGrpc { importing: self.importing.instance(instance), ..self }
    }

    /// A metadata entry that each call carries. One that cannot travel fails the import.
    pub fn metadata(self, name: impl Into<String>, value: impl Into<bytes::Bytes>) -> ImportingAnyGrpc {
        ImportingAnyGrpc { importing: self.importing.metadata(name, value), ..self }
    }
}

#[cfg(feature = "grpc")]
impl IntoFuture for ImportingAnyGrpc {
    type Output = Result<AnyBinding, CallError>;
    type IntoFuture = AnyBindingFuture;

    fn into_future(self) -> AnyBindingFuture {
        Box::pin(async move {
            let binding = self.importing.bind(&self.interface).await?;
            Ok(AnyBinding::new(binding, self.interface))
        })
    }
}

impl Node {
    /// Finds an exporter of the interface of this full name, as [`import`](Node::import) does, and binds to it without a stub.
    /// What the interface looks like is asked of the exporter.
    ///
    /// ```ignore
    /// let store = node.import_any("library.v1.Store", "a-m").await?;
    /// ```
    pub fn import_any(&self, interface: impl Into<String>, selector: impl Into<Selector>) -> ImportingAny {
        let target = Ok(Target::Named(selector.into()));
        ImportingAny { importing: Importing::new(self.importer(), target), interface: interface.into() }
    }

    /// Binds without a stub to what the node at `address` exports under this interface's full name as `instance`, which may be
    /// empty if there is one only.
    pub fn import_any_at(
        &self,
        address: &str,
        interface: impl Into<String>,
        instance: impl Into<String>,
    ) -> ImportingAny {
        let target = Target::at(address, instance.into());
        ImportingAny { importing: Importing::new(self.importer(), target), interface: interface.into() }
    }

    /// Binds without a stub to a gRPC server, as [`import_grpc`](Node::import_grpc) does. The description of the interface comes
    /// from elsewhere: from a `.proto`, or from the server's reflection.
    #[cfg(feature = "grpc")]
    pub fn import_any_grpc(&self, address: &str, interface: idl::Interface) -> ImportingAnyGrpc {
        ImportingAnyGrpc { importing: ImportingGrpc::new(self.importer(), address), interface }
    }
}
