//! From a name to a binding: the future that [`Node::import`](crate::Node::import) gives, with its options.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::binding::Binding;
use crate::dial::{Importer, Target, Wanted, keep};
use crate::error::{CallError, ErrorKind};
use crate::interface::UserStub;
use crate::link::{Link, LinkState};
use crate::task::spawn;

/// How long an import looks past an exporter that is just restarting.
const RESTART_PATIENCE: Duration = Duration::from_secs(5);

/// An import that has not begun: await it, after options if any.
#[must_use = "nothing is imported before it is awaited"]
pub struct Importing<C> {
    plan: Plan,
    stub: PhantomData<fn() -> C>,
}

/// All that an import takes but for the interface.
struct Plan {
    importer: Arc<Importer>,
    target: Result<Target, CallError>,
    call_timeout: Duration,
    wait: Duration,
    is_pinned: bool,
}

/// A binding that is being made.
pub(crate) type BindingFuture = Pin<Box<dyn Future<Output = Result<Binding, CallError>> + Send>>;

impl<C> Importing<C> {
    pub(crate) fn new(importer: Arc<Importer>, target: Result<Target, CallError>) -> Importing<C> {
        Importing { plan: Plan::new(importer, target), stub: PhantomData }
    }

    /// How long each call may take, where its method does not say otherwise. The node's `call_timeout` if this
    /// is not given (30 s); [`Duration::MAX`] for ever.
    pub fn timeout(mut self, timeout: Duration) -> Importing<C> {
        self.plan.call_timeout = timeout;
        self
    }

    /// Goes on trying for so long if the exporter is not there yet. Otherwise the import fails at once.
    pub fn wait(mut self, wait: Duration) -> Importing<C> {
        self.plan.wait = wait;
        self
    }

    /// Stays with this life of the exporter: after its restart, calls fail with
    /// [`IncarnationChanged`](ErrorKind::IncarnationChanged) until [`Binding::rebind`]. Otherwise the binding
    /// goes on with the next life by itself.
    pub fn pinned(mut self) -> Importing<C> {
        self.plan.is_pinned = true;
        self
    }
}

impl<C: UserStub> IntoFuture for Importing<C> {
    type Output = Result<C, CallError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(Bound { binding: self.plan.begin(Wanted::known(C::interface())), stub: PhantomData })
    }
}

/// The stub over a binding that is being made. Written out: an `async` block would be several times as much to compile for each
/// interface.
struct Bound<C> {
    binding: BindingFuture,
    stub: PhantomData<fn() -> C>,
}

impl<C: UserStub> Future for Bound<C> {
    type Output = Result<C, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        match self.binding.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(binding)) => Poll::Ready(Ok(C::from_binding(binding))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

impl<C> Importing<C> {
    /// The binding alone.
    pub(crate) fn bind(self, wanted: Wanted) -> BindingFuture {
        self.plan.begin(wanted)
    }
}

impl Plan {
    fn new(importer: Arc<Importer>, target: Result<Target, CallError>) -> Plan {
        let call_timeout = importer.limits.call_timeout;
        Plan { importer, target, call_timeout, wait: Duration::ZERO, is_pinned: false }
    }

    /// In a box, so that it is compiled here, once, and not with each interface of an application.
    fn begin(self, wanted: Wanted) -> BindingFuture {
        Box::pin(self.bind(wanted))
    }

    async fn bind(self, wanted: Wanted) -> Result<Binding, CallError> {
        let limits = self.importer.limits.clone();
        let is_named = matches!(self.target, Ok(Target::Named(_)));
        let link = Link::new(self.importer.clock, limits, self.call_timeout, self.is_pinned, is_named);
        let link = Arc::new(link);
        // From here on, dropping the binding ends the link and its task.
        let binding = Binding::new(Arc::clone(&link));
        self.importer.add(&link);
        let mut status = link.status();
        spawn(keep(self.importer, link, wanted, self.target?));
        let begun = Instant::now();
        loop {
            // The sender lives in the link, which the binding keeps.
            if status.changed().await.is_err() {
                return Err(CallError::never(ErrorKind::Shutdown, "this node has shut down"));
            }
            let failure = match &*status.borrow_and_update() {
                LinkState::Up(_) => return Ok(binding),
                LinkState::Connecting => continue,
                LinkState::Down(error) | LinkState::Broken(error) => error.clone(),
                LinkState::Closed => CallError::never(ErrorKind::Shutdown, "this node has shut down"),
            };
            let patience = match failure.kind() {
                ErrorKind::PeerRestarted | ErrorKind::Draining | ErrorKind::SessionLost => {
                    self.wait.max(RESTART_PATIENCE)
                }
                ErrorKind::InvalidAddress | ErrorKind::WrongInterface | ErrorKind::Shutdown => Duration::ZERO,
                _ => self.wait,
            };
            if begun.elapsed() >= patience {
                return Err(failure);
            }
        }
    }
}
