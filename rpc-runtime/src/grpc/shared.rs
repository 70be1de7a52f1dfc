//! What the gRPC side of a node shares among its connections: how far its shutdown is, which calls run, where paths lead.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::routes::Routes;
use crate::exported::Exported;
use crate::server::Server;

/// How far the node's shutdown is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Phase {
    /// It serves.
    #[default]
    Serving,
    /// New calls are refused.
    Draining,
    /// Handlers that run are dropped.
    Aborting,
    /// Everything is said: connections end.
    Closing,
}

/// The gRPC side of a node.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    phase: watch::Sender<Phase>,
    /// Counts changes of what is offered.
    offers: watch::Sender<u64>,
    /// Calls without a session that are queued or run.
    calls: AtomicUsize,
    pub(super) routes: Routes,
    pub(super) sessions: OnceLock<Arc<Exported>>,
}

impl Shared {
    /// An implementation is on offer.
    pub(crate) fn added(&self, export: &Arc<Exported>) {
        self.routes.add(export);
        self.offers.send_modify(|changes| *changes += 1);
    }

    /// An implementation is no longer on offer.
    pub(crate) fn removed(&self, export: &Arc<Exported>) {
        self.routes.remove(export);
        self.offers.send_modify(|changes| *changes += 1);
    }

    /// The shutdown goes on. It never goes back.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let later = phase > *now;
            *now = phase.max(*now);
            later
        });
    }

    /// Whether a call without a session is queued or runs.
    pub(crate) fn is_busy(&self) -> bool {
        self.calls.load(Ordering::Acquire) > 0
    }

    pub(super) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Changes of what is offered.
    pub(super) fn offers(&self) -> watch::Receiver<u64> {
        self.offers.subscribe()
    }

    /// Waits until handlers are to be dropped.
    pub(super) async fn aborting(&self) {
        // The sender lives in `self`.
        let _ = self.phases().wait_for(|phase| *phase >= Phase::Aborting).await;
    }
}

/// Counts a call without a session for as long as it lives.
#[derive(Debug)]
pub(super) struct Busy(Arc<Server>);

impl Busy {
    pub(super) fn new(server: &Arc<Server>) -> Busy {
        server.grpc.calls.fetch_add(1, Ordering::AcqRel);
        Busy(Arc::clone(server))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.grpc.calls.fetch_sub(1, Ordering::AcqRel);
        self.0.handler_ended();
    }
}
