//! Runs of calls with streams whose caller speaks gRPC: the items travel on the HTTP/2 stream of the call, and the task that serves
//! it takes over the run when the method has opened one (R33).

use std::sync::Arc;

use bytes::Bytes;

use super::{Run, Spares};
use crate::context::Context;
use crate::handler::Incoming;
use crate::protocol::frame::Status;
use crate::protocol::time::Time;
use crate::served::Served;
use crate::streaming::items::Items;

impl Run<&Arc<Served>> {
    /// Runs a call as [`begin`](Run::begin) does. `items` is the stream that its method takes.
    pub(crate) fn begin_foreign(&mut self, arguments: &Bytes, items: Box<dyn Items>, now: Time) {
        let incoming = Incoming::new(self.call.method, arguments, None).with_items(items);
        self.begin_with(incoming, &mut Spares::default(), now);
    }
}

impl Run {
    /// The method has opened a stream: it goes to the newest stream of the call. Without one nobody can take it up.
    pub(super) fn hand_over(self, items: Box<dyn Items>) {
        let (served, id) = (self.served.clone(), self.call.id);
        let nobody = served.hand_over(id, Opened { run: Some(self), items: Some(items) });
        // Ends the run, not under the session's lock.
        drop(nobody);
    }
}

/// A run that has opened a stream, for whoever sends that. Dropping it drops the producer, and tells the implementation.
pub(crate) struct Opened {
    /// Gone when its end was recorded.
    run: Option<Run>,
    items: Option<Box<dyn Items>>,
}

impl Opened {
    /// The stream, and the call that it belongs to.
    pub(crate) fn stream(&mut self) -> Option<(Box<dyn Items>, &mut Option<Context>)> {
        Some((self.items.take()?, &mut self.run.as_mut()?.context))
    }

    /// Records the error that the stream ended with. Otherwise there is nothing to be recorded but that it has ended: its items are
    /// not kept.
    pub(crate) fn ended(mut self, error: Option<(Status, &Bytes)>) {
        self.record(error);
    }

    fn record(&mut self, error: Option<(Status, &Bytes)>) {
        let Some(mut run) = self.run.take() else { return };
        let mut status = Status::ReplyLost;
        if let Some((error, body)) = error {
            run.reply.put_slice(body);
            status = error;
        }
        let now = run.served.server().clock.now();
        run.finish(status, now);
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let (Some(run), Some(items)) = (&mut self.run, self.items.take()) {
            run.context.iter().for_each(Context::cancel);
            Context::enter(&mut run.context, || drop(items));
        }
        self.record(None);
    }
}
