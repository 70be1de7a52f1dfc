//! The handlers of a session that have started and not ended, so that they can be told of a cancel, and dropped.

use std::mem::take;

use slab::Slab;

use crate::clock::Clock;
use crate::context::Context;
use crate::protocol::id::{CallId, ConnectionId, Incarnation};
use crate::protocol::time::Time;
use crate::sync::AbortHandle;

/// Places that are kept, with their contexts, for later runs.
const SPARE_PLACES: usize = 16;

/// A handler's name: its place among those that run, and a number, since the place is used again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunId {
    place: usize,
    number: u64,
}

/// The handlers.
#[derive(Default)]
pub(super) struct Runs {
    places: Slab<Place>,
    /// Those of them where nothing runs.
    free: Vec<usize>,
    /// How many have started.
    started: u64,
}

/// Where a handler is noted that has started and not ended.
struct Place {
    /// The run's; 0 while nothing runs.
    number: u64,
    call: CallId,
    /// To tell the handler of a cancel.
    context: Context,
    /// The run's own handle of it, from one run to the next.
    spare: Option<Context>,
    /// To drop the handler, when the node cannot wait any longer. Nothing before it has to wait.
    task: Option<AbortHandle>,
    /// The connection that the session had when it began: for M29 alone.
    #[cfg(verify)]
    began_on: Option<ConnectionId>,
}

impl Place {
    /// Its context for the next run, unless somebody has kept the last one's.
    fn renewed(&mut self, until: Time) -> Option<Context> {
        // The place has one handle, and the other is here.
        self.spare.take().filter(|context| context.renew(until, 2))
    }
}

impl Runs {
    /// A handler starts, whose caller waits until then.
    #[cfg_attr(not(verify), expect(unused_variables, reason = "the connection is noted for M29 alone"))]
    pub(super) fn start(
        &mut self,
        call: CallId,
        until: Time,
        clock: Clock,
        caller: Incarnation,
        on: Option<ConnectionId>,
    ) -> (RunId, Context) {
        self.started += 1;
        let number = self.started;
        let new = || Context::new(clock, until, caller);
        if let Some(place) = self.free.pop() {
            let run = &mut self.places[place];
            let context = run.renewed(until).unwrap_or_else(|| {
                run.context = new();
                run.context.clone()
            });
            (run.number, run.call) = (number, call);
            #[cfg(verify)]
            (run.began_on = on);
            return (RunId { place, number }, context);
        }
        let context = new();
        let run = Place {
            number,
            call,
            context: context.clone(),
            spare: None,
            task: None,
            #[cfg(verify)]
            began_on: on,
        };
        (RunId { place: self.places.insert(run), number }, context)
    }

    /// A handler has ended. Its context comes back to be used again.
    #[inline]
    pub(super) fn end(&mut self, run: RunId, context: Option<Context>) {
        if self.free.len() >= SPARE_PLACES {
            self.places.remove(run.place);
            return;
        }
        self.free.push(run.place);
        let place = &mut self.places[run.place];
        (place.number, place.spare, place.task) = (0, context, None);
    }

    /// A handler goes on in a task of its own.
    pub(super) fn goes_on(&mut self, run: RunId, task: AbortHandle) {
        // It may have ended by now.
        if let Some(place) = self.places.get_mut(run.place).filter(|place| place.number == run.number) {
            place.task = Some(task);
        }
    }

    /// Tells all handlers that nobody waits for them.
    pub(super) fn cancel_all(&self) {
        self.running().for_each(|place| place.context.cancel());
    }

    /// Tells the handlers of a call, of which there are several if it has no record, and was sent again.
    pub(super) fn cancel(&self, call: CallId) {
        self.running().filter(|place| place.call == call).for_each(|place| place.context.cancel());
    }

    /// Drops the handlers that wait for something.
    pub(super) fn abort(&self) {
        self.running().filter_map(|place| place.task.as_ref()).for_each(AbortHandle::abort);
    }

    /// Gives back what is kept for later runs.
    pub(super) fn rest(&mut self) {
        for place in take(&mut self.free) {
            self.places.remove(place);
        }
        if self.places.is_empty() {
            self.places = Slab::new();
        }
    }

    /// The connection that the session had when the run began.
    #[cfg(verify)]
    pub(super) fn began_on(&self, run: RunId) -> Option<Option<ConnectionId>> {
        self.places.get(run.place).map(|place| place.began_on)
    }

    fn running(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().map(|(_, place)| place).filter(|place| place.number != 0)
    }
}
