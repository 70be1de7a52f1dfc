//! Calls with streams, as a caller makes them.

use std::sync::PoisonError;
use std::time::Duration;

use rpc_runtime::{Binding, CallError, ErrorKind, Executed, MethodKind, Streaming, within};
use tokio::time::{sleep, timeout};

use super::{Bound, Caller, LAST_CALL_TIMEOUT, SETTLED_WITHIN, drawn_millis, is_drawn};
use crate::flow::{Ended, Producing, consume};
use crate::oracle::{Told, Way, now};
use crate::outcome::Rule;
use crate::service::{Counter, Flow, Tick};

/// How long after everything was repaired a stream may still flow: more than any takes by itself.
const FLOWS_WITHIN: Duration = Duration::from_secs(20);
/// How long a caller waits before it looks again, or opens again.
const PAUSE: Duration = Duration::from_millis(50);

/// The kinds of calls with streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Watch,
    Collect,
    Echo,
}

/// A call with streams that is to be made.
struct Plan {
    kind: Kind,
    flow: Flow,
    /// After so many items of the result the caller has enough.
    left_after: Option<u32>,
    patience: Duration,
}

impl Plan {
    fn drawn(caller: &Caller) -> Plan {
        let calls = &caller.world.scenario.calls;
        let mix = &calls.streams;
        let kind = [Kind::Watch, Kind::Collect, Kind::Echo][fastrand::usize(..3)];
        let items = fastrand::u32(mix.items.clone());
        let left_after = |least| is_drawn(mix.left).then(|| fastrand::u32(least..=least + items));
        let flow = Flow {
            // The first says which call it is.
            items: if kind == Kind::Watch { items } else { items.max(1) },
            bytes: fastrand::u32(mix.bytes.clone()),
            pause_millis: fastrand::u32(mix.pause.clone()),
            slow_millis: fastrand::u32(mix.slow.clone()),
            fails: is_drawn(mix.failing),
            left_after: left_after(1),
        };
        Plan { kind, flow, left_after: left_after(0), patience: drawn_millis(&calls.timeout) }
    }

    /// A few items each way, when nothing is wrong any more.
    fn last() -> Plan {
        let flow = Flow { items: 3, bytes: 5000, ..Flow::default() };
        Plan { kind: Kind::Echo, flow, left_after: None, patience: LAST_CALL_TIMEOUT }
    }
}

impl Caller {
    /// One call with streams of some kind, to the end of its streams.
    pub(super) async fn stream(&self, bound: &Bound) {
        let plan = Plan::drawn(self);
        let call = self.begin_stream(&plan);
        let until = now().max(self.world.scenario.active) + self.world.scenario.healed_within() + FLOWS_WITHIN;
        let ended = timeout(until - now(), self.flow(bound, call, &plan)).await;
        self.world.oracle.binding(bound.number, Binding::of(&bound.client).stats());
        match ended {
            Ok(Ok(told)) => self.world.oracle.told(self.host, call, told),
            Ok(Err(error)) => self.failed(bound, call, &error),
            Err(_elapsed) => {
                let what = format!("#{call}, a {:?}, neither flows nor fails", plan.kind);
                self.world.oracle.violation(Rule::Hang, what);
            }
        }
    }

    fn begin_stream(&self, plan: &Plan) -> u64 {
        let oracle = &self.world.oracle;
        let call = oracle.begin(self.host, MethodKind::Plain, plan.patience);
        oracle.begin_stream(call, format_args!("{:?} {:?} {:?}", plan.kind, plan.flow, plan.left_after));
        if plan.kind != Kind::Watch {
            oracle.unnamed_call(call, self.node.incarnation());
        }
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        call
    }

    /// Makes the call: what its caller is told in the end.
    async fn flow(&self, bound: &Bound, call: u64, plan: &Plan) -> Result<Told, CallError> {
        let (client, patience) = (&bound.client, plan.patience);
        let mut ticks = match plan.kind {
            Kind::Watch => within(patience, client.watch(call, plan.flow)).await?,
            Kind::Echo => within(patience, client.echo(self.produce(call, plan.flow))).await?,
            Kind::Collect => {
                let added = within(patience, client.collect(self.produce(call, plan.flow))).await?;
                return Ok(Told::Reply(Some(added.run)));
            }
        };
        let hand = self.world.oracle.hand(call, Way::Down, "consumer");
        match consume(&hand, &mut ticks, Flow { left_after: plan.left_after, ..plan.flow }).await {
            Ended::Complete => Ok(Told::Reply(None)),
            Ended::Left => Ok(Told::Dropped),
            Ended::Failed(error) => Err(error),
        }
    }

    fn produce(&self, call: u64, flow: Flow) -> Streaming<Tick> {
        let hand = self.world.oracle.hand(call, Way::Up, "producer");
        Streaming::new(Producing::new(hand, call, flow))
    }

    /// After everything was repaired streams flow both ways.
    pub(super) async fn last_stream(&self, bound: &Bound) -> Result<(), CallError> {
        if self.world.scenario.calls.streams.weight == 0 {
            return Ok(());
        }
        // Streams of callers that were killed count until their sessions end.
        let until = now() + self.world.scenario.limits.session_lease + SETTLED_WITHIN;
        loop {
            let plan = Plan::last();
            let call = self.begin_stream(&plan);
            let told = match timeout(FLOWS_WITHIN, self.flow(bound, call, &plan)).await {
                Ok(told) => told,
                Err(_elapsed) => {
                    self.world.oracle.violation(Rule::Hang, format!("#{call}, a last stream, does not flow"));
                    return Ok(());
                }
            };
            match told {
                Ok(told) => {
                    self.world.oracle.told(self.host, call, told);
                    return Ok(());
                }
                Err(error) => {
                    self.world.oracle.told(self.host, call, Told::Failed(error.executed()));
                    let is_full = error.kind() == ErrorKind::Overload && error.executed() == Executed::Never;
                    if !is_full || now() > until {
                        return Err(error);
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// When all calls are over, so is everything of their streams, at the exporters too, and no slot is taken.
    pub(super) async fn nothing_is_left(&self) {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let until = now() + SETTLED_WITHIN;
        loop {
            let hands = self.world.oracle.hands(&streams);
            let bound = (0..self.bindings.len()).filter_map(|target| self.bindings.get(target));
            let calls: usize = bound.map(|bound| Binding::of(&bound.client).calls_open()).sum();
            if (hands, calls) == (0, 0) {
                return;
            }
            if now() > until {
                let what = format!("{}'s calls are over; {calls} have no end, and {hands} streams", self.host);
                return self.world.oracle.violation(Rule::StreamLeaks, what);
            }
            sleep(PAUSE).await;
        }
    }
}
