//! What can happen next in a world, and whether it hangs.

use rpc_runtime::protocol::control::Refusal;
use rpc_runtime::protocol::session::Gate;

use crate::actions::{Action, Carried, UNDECODABLE};
use crate::oracle::{End, Fate, Stage};
use crate::setup::{CALLERS, Plan, Setup};
use crate::wire::{Up, Wire};
use crate::world::World;

impl World {
    /// All that can happen next.
    pub fn actions(&self, setup: &Setup, actions: &mut Vec<Action>) {
        self.must_happen(setup, actions);
        self.may_happen(setup, actions);
    }

    /// What happens in time if nothing else does: the link heals, and every handler ends.
    fn must_happen(&self, setup: &Setup, actions: &mut Vec<Action>) {
        for wire in self.wires.iter().filter(|wire| wire.is_read) {
            self.deliveries(wire, actions);
            if !self.is_held(wire) {
                actions.push(Action::CalleeLoses(wire.id));
            }
        }
        for caller in 0..CALLERS {
            let side = &self.callers[usize::from(caller)];
            let wire = side.wire.and_then(|id| self.wires.iter().find(|wire| wire.id == id));
            match (wire, &side.session) {
                (Some(wire), _) if !wire.down.is_empty() => {
                    actions.push(Action::ToCaller(caller, Carried::First));
                    if self.left.swaps > 0 && wire.down.len() > 1 {
                        actions.push(Action::ToCaller(caller, Carried::Second));
                    }
                    if self.left.copies > 0 {
                        actions.push(Action::ToCaller(caller, Carried::Copy));
                    }
                }
                (Some(wire), _) if !wire.is_written => actions.push(Action::CallerLoses(caller)),
                (None, Some(_)) if self.waits(setup, caller) => actions.push(Action::Reconnect(caller)),
                (None, None) if !self.callee.is_draining && self.next_call(setup, caller).is_some() => {
                    actions.push(Action::Open(caller));
                }
                _ => {}
            }
            if let (Some(session), true, Some(call)) = (&side.session, side.is_attached, self.next_call(setup, caller))
                && !session.is_leaving
                && session.calls.clone().begin(true, call).is_ok()
            {
                actions.push(Action::Begin(call));
            }
        }
        for served in &self.callee.sessions {
            let id = served.session.id();
            actions.extend(served.running.iter().map(|call| Action::Finish(id, *call)));
            for call in &served.queued {
                actions.push(Action::Turn(id, *call, self.callee.is_draining.then_some(Refusal::Draining)));
                if self.left.refusals > 0 {
                    actions.push(Action::Turn(id, *call, Some(Refusal::Overload)));
                }
            }
        }
    }

    /// What goes wrong, or need not happen.
    fn may_happen(&self, setup: &Setup, actions: &mut Vec<Action>) {
        let left = &self.left;
        for caller in 0..CALLERS {
            let side = &self.callers[usize::from(caller)];
            if left.cuts > 0 && side.wire.is_some() {
                actions.push(Action::Cut(caller));
            }
            let Some(session) = &side.session else { continue };
            if left.closes > 0 {
                actions.push(Action::Close(caller));
            }
            if left.acks > 0 && side.is_attached && session.calls.ack_at().is_some() {
                actions.push(Action::SayAcks(caller));
            }
            if left.strangers > 0 && self.callers[usize::from(1 - caller)].session.is_some() {
                actions.push(Action::Stranger(caller));
            }
        }
        if left.give_ups > 0 {
            for (call, fate) in (0..).zip(&self.oracle.fates) {
                if fate.sent.is_some() && fate.told.is_none() && !fate.is_given_up {
                    actions.push(Action::GiveUp(call));
                }
            }
        }
        for served in self.callee.sessions.iter().filter(|served| served.end.is_none()) {
            let id = served.session.id();
            if left.expiries > 0 {
                actions.push(Action::EndSession(id, End::Expired));
            }
            if left.supersedes > 0 {
                actions.push(Action::EndSession(id, End::Superseded));
            }
            if self.callee.is_draining {
                actions.push(Action::Farewell(id));
            }
        }
        // Before the first call, or after the last verdict, what befalls the callee befalls nobody.
        let matters = self.oracle.fates.iter().any(|fate| fate.sent.is_some() && fate.told.is_none());
        if left.crashes > 0 && matters {
            actions.push(Action::Crash);
        }
        if left.drains > 0 && !self.callee.sessions.is_empty() {
            actions.push(Action::Drain);
        }
        if left.ticks > 0 && setup.calls.iter().any(|plan| plan.is_urgent) {
            actions.push(Action::Tick);
        }
    }

    fn deliveries(&self, wire: &Wire, actions: &mut Vec<Action>) {
        let mut carried = Vec::new();
        if let Some(frame) = wire.up.first() {
            carried.push((Carried::First, frame));
            if self.left.copies > 0 {
                carried.push((Carried::Copy, frame));
            }
        }
        if let (Some(frame), true) = (wire.up.get(1), self.left.swaps > 0) {
            carried.push((Carried::Second, frame));
        }
        for (carried, frame) in carried {
            let mut deliver = |gate| actions.push(Action::ToCallee { connection: wire.id, carried, gate });
            let Up::Call(call) = frame else {
                deliver(Gate::Run);
                continue;
            };
            if self.callee.is_draining {
                deliver(Gate::Refuse(Refusal::Draining));
                continue;
            }
            deliver(Gate::Run);
            let fate = self.oracle.fate(*call);
            if fate.stage == Stage::Unseen || !self.oracle.header(*call).recorded {
                if self.left.queues > 0 {
                    deliver(Gate::Queue);
                }
                if self.left.refusals > 0 {
                    deliver(Gate::Refuse(Refusal::Overload));
                }
                if self.left.undecodables > 0 {
                    deliver(UNDECODABLE);
                }
            }
        }
    }

    /// The call that `caller` makes next.
    fn next_call(&self, setup: &Setup, caller: u8) -> Option<u8> {
        let calls = (0..).zip(setup.calls.iter().zip(&self.oracle.fates));
        let mut unsent = calls.filter(|(_, (plan, fate))| plan.caller == caller && fate.sent.is_none());
        let (call, _) = unsent.next()?;
        (!self.callers[usize::from(caller)].has_closed).then_some(call)
    }

    /// Whether `caller` wants something of its callee.
    fn waits(&self, setup: &Setup, caller: u8) -> bool {
        let owed = |(plan, fate): (&Plan, &Fate)| plan.caller == caller && fate.sent.is_some() && fate.told.is_none();
        setup.calls.iter().zip(&self.oracle.fates).any(owed) || self.next_call(setup, caller).is_some()
    }

    /// Whether nothing happens any more although a call has no verdict (I20). What must happen cannot go on for ever: each
    /// step of it takes a frame from a connection, ends a handler or raises the number of the next `Attach`.
    pub fn is_stuck(&self, setup: &Setup) -> bool {
        let calls = (0..).zip(setup.calls.iter().zip(&self.oracle.fates));
        let waits = |(call, (plan, fate)): (u8, (&Plan, &Fate))| match fate.sent {
            Some(_) => fate.told.is_none(),
            None => !self.callee.is_draining && self.next_call(setup, plan.caller) == Some(call),
        };
        if !calls.into_iter().any(waits) {
            return false;
        }
        let mut actions = Vec::new();
        self.must_happen(setup, &mut actions);
        actions.is_empty()
    }
}
