//! `rpc.v1.Sessions`: how a caller that speaks gRPC opens a session, which makes its calls at most once (R2, R33).

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::codes::rejected;
use super::limits::{LISTED_MAX, SLOTS_DEFAULT};
use super::names::SessionName;
use crate::context::Context;
use crate::error::Code;
use crate::exported::{Exported, Offer};
use crate::protocol::control::{Hello, Rejection};
use crate::protocol::id::Incarnation;
use crate::server::Server;
use crate::{CallError, Message, interface, random};

/// The service's full name.
pub(super) const NAME: &str = "rpc.v1.Sessions";

/// Sessions, which make calls over gRPC at most once. A call of a session carries two metadata entries: `rpc-session`, as
/// `Open` gave it, and `rpc-call`, which is `slot/sequence`. A call that is sent again with the same two runs no second time: it
/// is answered from the record, or joins the run in progress.
#[interface(package = "rpc.v1", crate = "crate")]
pub(super) trait Sessions {
    /// Opens a session with one exported instance of an interface. `instance` may be empty if there is only one; `slots` is how
    /// many calls may be in flight, 16 for 0. This alone makes a session; one that is not used ends with its lease.
    async fn open(&self, interface: String, instance: String, slots: u32) -> Result<Session, CallError>;

    /// What sessions can be opened with: what this node exports, in the order of the names, 1,000 entries at most.
    #[rpc(idempotent)]
    async fn list(&self) -> Result<Vec<Offered>, CallError>;

    /// Renews the lease of the session that the entry `rpc-session` names, as each of its calls does, and gives it.
    async fn renew(&self) -> Result<Duration, CallError>;

    /// Ends the session that the entry `rpc-session` names: its records are forgotten, and nothing of it starts any more.
    async fn close(&self) -> Result<(), CallError>;
}

/// A session that was opened.
#[derive(Debug, Clone, Message)]
#[rpc(crate = "crate")]
pub(super) struct Session {
    /// The value of the entry `rpc-session`: `incarnation/session/token`.
    pub(super) entry: String,
    /// The life of the server that the session belongs to. After a restart it is another, and its sessions are gone.
    pub(super) incarnation: String,
    /// The session's number within that life.
    pub(super) session: u64,
    /// What proves that the session is the caller's.
    pub(super) token: String,
    /// How many calls may be in flight: slots are numbered from 0.
    pub(super) slots: u32,
    /// How long the session outlives silence.
    pub(super) lease: Duration,
    /// The instance that its calls go to.
    pub(super) instance: String,
}

/// An implementation that can be called.
#[derive(Debug, Clone, Message)]
#[rpc(crate = "crate")]
pub(super) struct Offered {
    /// The interface's full name.
    pub(super) interface: String,
    /// The instance's name.
    pub(super) instance: String,
}

/// The service of one node.
struct Service {
    server: Weak<Server>,
}

/// The node's own export of the service.
pub(super) fn export(server: &Arc<Server>) -> Arc<Exported> {
    let make = || {
        let service = SessionsServer::new(Service { server: Arc::downgrade(server) });
        Arc::new(Exported::new(String::new(), Offer::new(service)))
    };
    Arc::clone(server.grpc.sessions.get_or_init(make))
}

impl Service {
    fn server(&self) -> Result<Arc<Server>, CallError> {
        self.server.upgrade().ok_or_else(|| failed(&Rejection::Draining))
    }
}

impl Sessions for Service {
    async fn open(&self, interface: String, instance: String, slots: u32) -> Result<Session, CallError> {
        let server = self.server()?;
        let named = Some(instance.as_str()).filter(|instance| !instance.is_empty());
        let export = server.grpc.routes.find(&interface, named);
        let export = export.map_err(|status| CallError::failed(status.text).with_code(status.code))?;
        let slots = if slots == 0 { SLOTS_DEFAULT } else { slots };
        let hello = Hello {
            incarnation: Incarnation::new(random::identity()),
            owner: None,
            interface,
            instance: export.instance().to_owned(),
            expect: None,
            slots: u16::try_from(slots).unwrap_or(u16::MAX),
            frame_bytes_max: u32::try_from(server.limits.frame_bytes_max).unwrap_or(u32::MAX),
        };
        let welcome = server.open_foreign(&hello, server.clock.now()).map_err(|why| failed(&why))?;
        let name = SessionName { incarnation: welcome.incarnation, session: welcome.session, token: welcome.token };
        Ok(Session {
            entry: name.to_string(),
            incarnation: welcome.incarnation.as_uuid().to_string(),
            session: welcome.session.0,
            token: welcome.token.as_uuid().to_string(),
            slots: welcome.slots.into(),
            lease: welcome.lease,
            instance: hello.instance,
        })
    }

    async fn list(&self) -> Result<Vec<Offered>, CallError> {
        let names = self.server()?.grpc.routes.names(LISTED_MAX).into_iter();
        Ok(names.map(|(interface, instance)| Offered { interface, instance }).collect())
    }

    async fn renew(&self) -> Result<Duration, CallError> {
        let server = self.server()?;
        let name = named()?;
        name.find(&server).map_err(|why| failed(&why))?;
        Ok(server.limits.session_lease)
    }

    async fn close(&self) -> Result<(), CallError> {
        let server = self.server()?;
        let name = named()?;
        let served = name.find(&server).map_err(|why| failed(&why))?;
        served.close_foreign(name.token).map_err(|why| failed(&why))
    }
}

/// The session that the current call names.
fn named() -> Result<SessionName, CallError> {
    let context = Context::current();
    let entry = context.as_ref().and_then(|context| context.metadata().get_text(super::metadata::SESSION));
    entry.and_then(SessionName::parse).ok_or_else(|| {
        CallError::failed("the metadata entry `rpc-session` is missing, or is not what `Open` gave")
            .with_code(Code::InvalidArgument)
    })
}

fn failed(why: &Rejection) -> CallError {
    let (code, text) = rejected(why);
    CallError::failed(text).with_code(code)
}
