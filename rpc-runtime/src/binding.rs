//! What a user stub holds: a live link to one export.

use std::fmt;
use std::sync::Arc;

use crate::call::Outgoing;
use crate::interface::{Method, UserStub};
use crate::link::{Link, LinkState};
use crate::stats::BindingStats;
use crate::streaming::opening::Opening;

/// An importer's live link to one export. Cloning it, or the stub over it, gives another handle of the same
/// link; when the last is dropped, the session is closed.
///
/// Stubs have no methods of their own: reach a stub's binding by [`Binding::of`].
#[derive(Clone)]
pub struct Binding {
    handle: Arc<Handle>,
}

struct Handle {
    link: Arc<Link>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.link.close();
    }
}

impl Binding {
    /// The binding under a user stub.
    pub fn of<C: UserStub>(stub: &C) -> &Binding {
        stub.as_binding()
    }

    pub(crate) fn new(link: Arc<Link>) -> Binding {
        Binding { handle: Arc::new(Handle { link }) }
    }

    /// Begins a call. The user stubs are written over this.
    #[doc(hidden)]
    pub fn call(&self, method: &'static Method) -> Outgoing<'_> {
        Outgoing::new(&self.handle.link, method)
    }

    /// Begins a call with streams. The user stubs are written over this.
    #[doc(hidden)]
    pub fn open(&self, method: &'static Method) -> Opening<'_> {
        Opening::new(self, method)
    }

    pub(crate) fn shared_link(&self) -> &Arc<Link> {
        &self.handle.link
    }

    /// Whether the exporter can be reached at present.
    pub fn link(&self) -> LinkState {
        self.handle.link.status().borrow().clone()
    }

    /// Waits until [`link`](Binding::link) is not `state` any more, and gives what it is then. Changes that are
    /// over before they are looked at are not seen one by one: the state is what counts.
    pub async fn link_changed(&self, state: &LinkState) -> LinkState {
        let mut status = self.handle.link.status();
        let changed = status.wait_for(|now| now != state).await.map(|now| now.clone());
        // The sender lives as long as the link, which this handle keeps.
        changed.unwrap_or(LinkState::Closed)
    }

    /// Lets a pinned binding go on with the exporter's next life, after
    /// [`IncarnationChanged`](crate::ErrorKind::IncarnationChanged). Without effect on another binding.
    pub fn rebind(&self) {
        self.handle.link.rebind();
    }

    /// What this binding has done so far.
    pub fn stats(&self) -> BindingStats {
        self.handle.link.counters.read()
    }

    /// Calls that have no verdict yet, or whose result nobody has taken.
    #[cfg(verify)]
    pub fn calls_open(&self) -> usize {
        self.handle.link.calls_open()
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").field("link", &self.link()).finish_non_exhaustive()
    }
}
