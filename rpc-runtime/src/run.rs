//! One run of a call: from the server stub over the implementation's future to the end that the session records. It
//! begins in place, goes on in a task of its own if it has to wait, or waits for its turn first.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use idl::Writer;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::context::Context;
use crate::handler::{Dispatch, Dispatched, Handler, Incoming, poll_handler, put_fault};
use crate::protocol::control::{FaultKind, Refusal};
use crate::protocol::frame::{Call, CallHeader, Status};
use crate::protocol::time::{CalleeTime, Time};
use crate::served::Served;

/// Arguments of a queued call up to this size are copied out of the buffer that they came in.
const COPIED_BYTES_MAX: usize = 4 * 1024;
/// Handlers that a connection keeps to be refilled.
const SPARE_HANDLERS: usize = 64;

/// One run of a recorded or unrecorded call. Dropping it before its end records that it was aborted (R7).
pub(crate) struct Run {
    served: Arc<Served>,
    call: CallHeader,
    reply: Writer,
    _permit: Option<OwnedSemaphorePermit>,
    ended: bool,
}

impl Run {
    /// The run of a call that the session's table has accepted; `reply` is the buffer for its reply.
    pub(crate) fn new(
        served: Arc<Served>,
        call: CallHeader,
        reply: Writer,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Run {
        Run { served, call, reply, _permit: permit, ended: false }
    }

    /// Runs the call in place as far as it goes; what has to wait goes on in a task of its own.
    pub(crate) fn begin(mut self, arguments: &Bytes, spare: &mut Spares, now: Time) {
        let incoming = Incoming::new(self.call.method, arguments, spare.take(self.call.method));
        let Some(mut handler) = self.dispatched(self.served.export().call(incoming)) else {
            return;
        };
        let context = self.context(now);
        let mut in_place = task::Context::from_waker(Waker::noop());
        match poll_handler(&mut handler, &context, &mut in_place, &mut self.reply) {
            Poll::Ready(status) => {
                spare.keep(self.call.method, handler);
                self.finish(status);
            }
            Poll::Pending => {
                let (served, id) = (Arc::clone(&self.served), self.call.id);
                // Told before the task can end, so that the entry never outlives the handler.
                served.register(id, &context);
                // Ends with the handler; a runtime that shuts down drops it, which records its end.
                let task = tokio::spawn(self.go_on(handler, context));
                served.can_abort(id, task.abort_handle());
            }
        }
    }

    async fn go_on(mut self, mut handler: Box<dyn Handler>, context: Context) {
        let status = poll_fn(|cx| poll_handler(&mut handler, &context, cx, &mut self.reply)).await;
        self.finish(status);
    }

    fn finish(mut self, status: Status) {
        self.ended = true;
        self.served.finish(&self.call, status, std::mem::take(&mut self.reply));
    }

    /// The handler, if the call can be run at all.
    fn dispatched(&mut self, dispatch: Dispatch) -> Option<Box<dyn Handler>> {
        let (why, text) = match dispatch.0 {
            Dispatched::Run(handler) => return Some(handler),
            Dispatched::UnknownMethod => (Refusal::UnknownMethod, String::new()),
            Dispatched::Undecodable(error) => {
                (Refusal::Undecodable, format!("the exporter cannot decode the arguments: {error}"))
            }
        };
        self.ended = true;
        self.served.refuse(&self.call, why, &text);
        None
    }

    fn context(&self, now: Time) -> Context {
        let deadline = match self.call.start_before {
            CalleeTime::NEVER => None,
            // A point beyond what the system's clock can show is as good as none.
            CalleeTime(micros) => {
                let left = Duration::from_micros(micros.saturating_sub(now.as_micros()));
                Instant::now().checked_add(left)
            }
        };
        Context::new(deadline, self.served.caller())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.ended {
            let mut reply = std::mem::take(&mut self.reply);
            let status = put_fault(&mut reply, FaultKind::Aborted, "the implementation was dropped before its end");
            self.served.finish(&self.call, status, reply);
        }
    }
}

/// A queued call: waits for a permit and for room in the connection's buffer, and is checked again (R30).
pub(crate) async fn run_in_turn(served: Arc<Served>, mut call: Call) {
    if call.arguments.len() < COPIED_BYTES_MAX {
        // A slice would keep the whole buffer that it was read into.
        call.arguments = Bytes::copy_from_slice(&call.arguments);
    }
    let permit = loop {
        let handlers = Arc::clone(&served.server().handlers);
        // The semaphore is never closed.
        let Ok(permit) = handlers.acquire_owned().await else {
            return;
        };
        let Some(full) = served.full_outbox() else {
            break permit;
        };
        drop(permit);
        let room = full.room();
        if served.full_outbox().is_some() {
            room.await;
        }
    };
    if !served.start_queued(&call.header, &call.arguments) {
        return;
    }
    let now = served.server().clock.now();
    let run = Run::new(served, call.header, Writer::new(), Some(permit));
    run.begin(&call.arguments, &mut Spares::default(), now);
}

/// Handlers that have ended, by method, to be refilled.
#[derive(Default)]
pub(crate) struct Spares {
    by_method: HashMap<u32, Vec<Box<dyn Handler>>>,
    count: usize,
}

impl Spares {
    fn take(&mut self, method: u32) -> Option<Box<dyn Handler>> {
        let handler = self.by_method.get_mut(&method)?.pop()?;
        self.count -= 1;
        Some(handler)
    }

    fn keep(&mut self, method: u32, handler: Box<dyn Handler>) {
        if self.count < SPARE_HANDLERS {
            self.by_method.entry(method).or_default().push(handler);
            self.count += 1;
        }
    }
}
