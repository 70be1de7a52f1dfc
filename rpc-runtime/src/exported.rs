//! What a node has on offer: an implementation behind its server stub, under its name.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use crate::handler::{Dispatched, Incoming};
use crate::interface::{Method, ServerStub, UserStub};
use crate::protocol::id::Epoch;

/// An implementation that callers can reach.
pub(crate) struct Exported {
    interface: idl::Interface,
    instance: String,
    stub: Box<dyn DynServerStub>,
    epoch: Mutex<Option<Epoch>>,
    withdrawn: AtomicBool,
}

/// What is to be exported: a server stub of whichever interface, and the interface's description. It knows nothing of its stub's
/// type, so that what is made of it is compiled here, once, and not with each interface of an application.
pub(crate) struct Offer {
    pub(crate) interface: idl::Interface,
    stub: Box<dyn DynServerStub>,
}

impl Offer {
    pub(crate) fn new<S: ServerStub>(stub: S) -> Offer {
        Offer { interface: <S::Client as UserStub>::interface(), stub: Box::new(stub) }
    }
}

/// A server stub of whichever interface.
trait DynServerStub: Send + Sync {
    fn method(&self, id: u32) -> Option<&'static Method>;
    fn call(&self, incoming: &mut Incoming<'_>);
}

impl<S: ServerStub> DynServerStub for S {
    fn method(&self, id: u32) -> Option<&'static Method> {
        S::method(id)
    }

    fn call(&self, incoming: &mut Incoming<'_>) {
        S::call(self, incoming);
    }
}

impl Exported {
    pub(crate) fn new(instance: String, offer: Offer) -> Exported {
        let Offer { interface, stub } = offer;
        Exported { interface, instance, stub, epoch: Mutex::new(None), withdrawn: AtomicBool::new(false) }
    }

    pub(crate) fn interface(&self) -> &idl::Interface {
        &self.interface
    }

    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    pub(crate) fn fingerprint(&self) -> Uuid {
        Uuid::from_u128(self.interface.fingerprint().as_u128())
    }

    pub(crate) fn description(&self) -> Bytes {
        self.interface.to_bytes()
    }

    pub(crate) fn method(&self, id: u32) -> Option<&'static Method> {
        self.stub.method(id)
    }

    #[inline]
    pub(crate) fn call(&self, mut incoming: Incoming<'_>) -> Dispatched {
        self.stub.call(&mut incoming);
        incoming.dispatched()
    }

    pub(crate) fn epoch(&self) -> Option<Epoch> {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_epoch(&self, epoch: Epoch) {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Acquire)
    }

    /// From now on new calls are refused.
    pub(crate) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exported")
            .field("interface", &self.interface.name())
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}
