//! From an address to a binding.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::uri::Authority;
use tokio::time::Instant;

use super::Remote;
use super::keep::keep;
use crate::binding::Binding;
use crate::context::{Metadata, MetadataError};
use crate::dial::Importer;
use crate::error::{CallError, ErrorKind};
use crate::grpc::metadata::{self, INSTANCE};
use crate::interface::UserStub;
use crate::link::{Link, LinkState};
use crate::task::spawn;
use crate::transport::endpoint::Endpoint;

/// An import from a gRPC server that has not begun: await it, after options if any.
#[must_use = "nothing is imported before it is awaited"]
pub struct ImportingGrpc<C> {
    plan: Plan,
    stub: PhantomData<fn() -> C>,
}

/// All that an import takes but for the stub's type.
struct Plan {
    importer: Arc<Importer>,
    address: String,
    call_timeout: Duration,
    wait: Duration,
    metadata: Result<Metadata, MetadataError>,
}

impl<C> ImportingGrpc<C> {
    pub(crate) fn new(importer: Arc<Importer>, address: &str) -> ImportingGrpc<C> {
        let call_timeout = importer.limits.call_timeout;
        let (address, metadata) = (address.to_owned(), Ok(Metadata::new()));
        let plan = Plan { importer, address, call_timeout, wait: Duration::ZERO, metadata };
        ImportingGrpc { plan, stub: PhantomData }
    }

    /// How long each call may take, where its method does not say otherwise; it travels as `grpc-timeout`. The node's
    /// `call_timeout` if this is not given (30 s); [`Duration::MAX`] for ever.
    pub fn timeout(mut self, timeout: Duration) -> ImportingGrpc<C> {
        self.plan.call_timeout = timeout;
        self
    }

    /// Goes on trying for so long if the server is not there yet. Otherwise the import fails at once.
    pub fn wait(mut self, wait: Duration) -> ImportingGrpc<C> {
        self.plan.wait = wait;
        self
    }

    /// The instance to call, where the server is a node of this framework that exports several. It travels as `rpc-instance`.
    pub fn instance(self, instance: impl Into<String>) -> ImportingGrpc<C> {
        self.metadata(INSTANCE, instance.into())
    }

    /// A metadata entry that each call carries. One that cannot travel fails the import. For single calls:
    /// [`with_metadata`](crate::with_metadata).
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<bytes::Bytes>) -> ImportingGrpc<C> {
        self.plan.metadata = self.plan.metadata.and_then(|mut metadata| metadata.add(name, value).map(|()| metadata));
        self
    }
}

impl Plan {
    async fn bind(self, interface: &idl::Interface) -> Result<Binding, CallError> {
        let invalid = |text: String| CallError::never(ErrorKind::InvalidAddress, text);
        let (endpoint, authority) = parse(&self.address)?;
        let metadata = self.metadata.map_err(|error| invalid(error.to_string()))?;
        let mut headers = HeaderMap::new();
        metadata::write(&metadata, &mut headers);
        let limits = self.importer.limits.clone();
        let remote = Arc::new(Remote::new(endpoint, authority, interface, headers, limits.clone()));
        let link = Link::new(self.importer.clock, limits, self.call_timeout, false, false);
        let link = Arc::new(link.over_grpc(Arc::clone(&remote)));
        // From here on, dropping the binding ends the link and its task.
        let binding = Binding::new(Arc::clone(&link));
        self.importer.add(&link);
        let mut status = link.status();
        spawn(keep(link, remote));
        let begun = Instant::now();
        loop {
            // The sender lives in the link, which the binding keeps.
            if status.changed().await.is_err() {
                return Err(CallError::never(ErrorKind::Shutdown, "this node has shut down"));
            }
            match &*status.borrow_and_update() {
                LinkState::Up(_) => return Ok(binding),
                LinkState::Down(error) if begun.elapsed() >= self.wait => return Err(error.clone()),
                LinkState::Closed => return Err(CallError::never(ErrorKind::Shutdown, "this node has shut down")),
                _ => {}
            }
        }
    }
}

impl<C: UserStub> IntoFuture for ImportingGrpc<C> {
    type Output = Result<C, CallError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.plan.bind(&C::interface()).await.map(C::from_binding) })
    }
}

impl<C> ImportingGrpc<C> {
    /// The binding alone.
    pub(crate) async fn bind(self, interface: &idl::Interface) -> Result<Binding, CallError> {
        self.plan.bind(interface).await
    }
}

/// The endpoint that an address names, and what a request calls it.
fn parse(address: &str) -> Result<(Endpoint, Authority), CallError> {
    let invalid = |what: String| CallError::never(ErrorKind::InvalidAddress, what);
    if address.starts_with("https://") {
        return Err(invalid(format!("`{address}` cannot be imported: TLS is not supported; write `http://host:port`")));
    }
    let plain = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
    let endpoint = Endpoint::parse(plain)?;
    let authority = match &endpoint {
        Endpoint::Tcp(authority) => authority.as_str(),
        Endpoint::Unix(_) | Endpoint::Memory(_) => "localhost",
    };
    let authority = authority.parse().map_err(|_| invalid(format!("`{authority}` is no host and port")))?;
    Ok((endpoint, authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses are those of HTTP and those of nodes.
    #[test]
    fn addresses_are_read() {
        for (address, endpoint, authority) in [
            ("http://127.0.0.1:5000", "tcp://127.0.0.1:5000", "127.0.0.1:5000"),
            ("http://[::1]:5000/", "tcp://[::1]:5000", "[::1]:5000"),
            ("tcp://localhost:80", "tcp://localhost:80", "localhost:80"),
            ("unix:/run/x", "unix:/run/x", "localhost"),
        ] {
            let (parsed, named) = parse(address).expect(address);
            assert_eq!((parsed.to_string().as_str(), named.as_str()), (endpoint, authority));
        }
        for address in ["https://host:1", "http://host", "", "http://"] {
            assert_eq!(parse(address).expect_err(address).kind(), ErrorKind::InvalidAddress);
        }
    }
}
