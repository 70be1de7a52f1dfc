//! An implementation behind its stub, without a network.

use std::sync::Arc;

use crate::binding::Binding;
use crate::callee;
use crate::clock::Clock;
use crate::dial::{Importer, Target, Wanted, keep};
use crate::exported::{Exported, Offer};
use crate::interface::{ServerStub, UserStub};
use crate::limits::Limits;
use crate::link::{Link, LinkState};
use crate::protocol::id::Incarnation;
use crate::random::identity;
use crate::server::Server;
use crate::task::{Task, spawn};
use crate::transport::accept::Listener;
use crate::transport::endpoint::Endpoint;
use crate::transport::memory::MemoryListener;

/// The name under which the implementation is exported to its one caller.
const INSTANCE: &str = "in memory";

/// Puts an implementation behind its user stub: every call is marshalled, recorded and answered as over a
/// network, within this process. For tests of a service, and for trying one.
///
/// To be called within a tokio runtime. When the last clone of the stub is dropped, the implementation is too,
/// within a second or two of the end of its calls.
///
/// ```ignore
/// let store = rpc_runtime::in_memory(StoreServer::new(MyStore::default()));
/// assert_eq!(store.titles().await?, ["dune"]);
/// ```
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn in_memory<S: ServerStub>(stub: S) -> S::Client {
    S::Client::from_binding(bind(Offer::new(stub)))
}

/// A binding to what is on offer.
fn bind(offer: Offer) -> Binding {
    let interface = offer.interface.clone();
    let clock = Clock::start();
    let limits = Limits::default();
    let name = identity().to_string();
    let server = Arc::new(Server::new(Incarnation::new(identity()), clock, limits.clone()));
    server.add_export(&Arc::new(Exported::new(INSTANCE.to_owned(), offer)));
    let listener = Listener::Memory(MemoryListener::register(&name));

    let importer = Importer::new(Incarnation::new(identity()), None, clock, limits.clone(), None);
    let link = Arc::new(Link::new(clock, limits.clone(), limits.call_timeout, false, false));
    let closed = || -> Task {
        let mut status = link.status();
        Box::pin(async move {
            // Also over when the link itself is gone.
            let _ = status.wait_for(|status| *status == LinkState::Closed).await;
        })
    };
    spawn(Arc::clone(&server).look_after_sessions(closed()));
    spawn(callee::accept(listener, server, None, closed()));
    let target = Target::At { endpoint: Endpoint::Memory(name), instance: INSTANCE.to_owned() };
    spawn(keep(Arc::new(importer), Arc::clone(&link), Wanted::known(interface), target));
    Binding::new(link)
}
