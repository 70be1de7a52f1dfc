//! Taking a step: each is handed to the side that it happens at.

use rpc_runtime::protocol::control::Refusal;

use crate::actions::{Action, Carried};
use crate::oracle::End;
use crate::setup::{Faults, Setup};
use crate::world::World;

impl World {
    /// Takes a step.
    pub fn step(&mut self, setup: &Setup, action: &Action) {
        match *action {
            Action::Open(caller) => self.open(setup, caller),
            Action::Begin(call) => self.begin(setup, call),
            Action::GiveUp(call) => {
                self.left.give_ups -= 1;
                self.give_up(setup.calls[usize::from(call)].caller, call);
            }
            Action::ToCallee { connection, carried, gate } => {
                let left = &mut self.left;
                let wire = self.wires.iter_mut().find(|wire| wire.id == connection).expect("it delivers");
                let frame = carried.take(&mut wire.up, left);
                self.hear(setup, connection, frame, gate);
            }
            Action::ToCaller(caller, carried) => {
                let connection = self.callers[usize::from(caller)].wire;
                let left = &mut self.left;
                let wire = self.wires.iter_mut().find(|wire| Some(wire.id) == connection).expect("it delivers");
                let frame = carried.take(&mut wire.down, left);
                self.listen(setup, caller, frame);
            }
            Action::Finish(session, call) => self.finish(setup, session, call),
            Action::Turn(session, call, refusal) => {
                self.left.refusals -= u8::from(refusal == Some(Refusal::Overload));
                self.take_turn(setup, session, call, refusal);
            }
            Action::CalleeLoses(connection) => self.drop_connection(connection),
            Action::CallerLoses(caller) => self.cut(caller),
            Action::Reconnect(caller) => self.reconnect(caller),
            Action::SayAcks(caller) => {
                self.left.acks -= 1;
                self.say_acks(caller);
            }
            Action::Cut(caller) => {
                self.left.cuts -= 1;
                self.cut(caller);
            }
            Action::Crash => {
                self.left.crashes -= 1;
                self.crash(setup);
            }
            Action::EndSession(session, end) => {
                self.left.expiries -= u8::from(end == End::Expired);
                self.left.supersedes -= u8::from(end == End::Superseded);
                self.end_session(session, end);
            }
            Action::Drain => {
                self.left.drains -= 1;
                self.drain();
            }
            Action::Farewell(session) => self.farewell(session),
            Action::Close(caller) => {
                self.left.closes -= 1;
                self.close(caller);
            }
            Action::Tick => {
                self.left.ticks -= 1;
                self.tick += 1;
            }
            Action::Stranger(caller) => {
                self.left.strangers -= 1;
                self.ask_as_stranger(caller);
            }
        }
        self.tidy();
    }
}

impl Carried {
    fn take<F: Clone>(self, frames: &mut Vec<F>, left: &mut Faults) -> F {
        match self {
            Carried::First => frames.remove(0),
            Carried::Copy => {
                left.copies -= 1;
                frames[0].clone()
            }
            Carried::Second => {
                left.swaps -= 1;
                frames.remove(1)
            }
        }
    }
}
