//! The steps of a world with one stream, and what either side does with what it hears.

use rpc_runtime::protocol::stream::{ITEM_BYTES, Position, Receiving, Sending, WINDOW_BYTES};

use super::world::{Broken, Call, Frame, Wire, World};
use super::{Setup, Way};

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The producer is asked for its next item.
    Produce,
    /// The consumer asks for its next item.
    Consume,
    /// The consumer goes away.
    Leave,
    /// A connection delivers its oldest frame to the callee; whether it keeps a copy.
    ToCallee(u8, bool),
    /// The caller's connection delivers its oldest frame; whether it keeps a copy.
    ToCaller(bool),
    /// The caller loses its connection.
    Cut,
    /// The callee learns that the caller has left a connection, before it has read all of it.
    CalleeLoses(u8),
    /// The caller dials anew.
    Dial,
}

impl World {
    /// What can happen next.
    pub(super) fn actions(&self, setup: &Setup, actions: &mut Vec<Action>) {
        let may_copy = self.left.copies > 0;
        if self.sending.as_ref().is_some_and(Sending::has_room) {
            actions.push(Action::Produce);
        }
        let does_more = |receiving: &Receiving<u8>| {
            let mut tried = receiving.clone();
            tried.take().is_some() || tried.due_acknowledgement(true).is_some() && self.tells_on.is_some()
        };
        let consumes = !self.has_end(setup) && !self.has_given_up;
        if let Some(receiving) = self.receiving.as_ref().filter(|receiving| consumes && !receiving.is_stopped()) {
            if does_more(receiving) {
                actions.push(Action::Consume);
            }
            if self.left.leaves > 0 {
                actions.push(Action::Leave);
            }
        }
        for wire in &self.wires {
            if !wire.up.is_empty() {
                actions.push(Action::ToCallee(wire.id, false));
                actions.extend(may_copy.then_some(Action::ToCallee(wire.id, true)));
            }
            match self.wire == Some(wire.id) {
                true if !wire.down.is_empty() => {
                    actions.push(Action::ToCaller(false));
                    actions.extend(may_copy.then_some(Action::ToCaller(true)));
                }
                true => {}
                false => actions.push(Action::CalleeLoses(wire.id)),
            }
        }
        match self.wire {
            Some(_) if self.left.cuts > 0 => actions.push(Action::Cut),
            Some(_) => {}
            None if !self.is_answered => actions.push(Action::Dial),
            None => {}
        }
    }

    /// Takes a step.
    pub(super) fn step(&mut self, setup: &Setup, action: Action) {
        match action {
            Action::Produce => self.produce(setup),
            Action::Consume => self.consume(setup),
            Action::Leave => self.leave(setup),
            Action::ToCallee(id, copies) => {
                let wire = self.wires.iter_mut().find(|wire| wire.id == id).expect("it delivers");
                let frame = take(&mut wire.up, copies);
                self.left.copies -= u8::from(copies);
                self.hear(setup, id, frame);
            }
            Action::ToCaller(copies) => {
                let present = self.wire;
                let wire = self.wires.iter_mut().find(|wire| Some(wire.id) == present).expect("it delivers");
                let frame = take(&mut wire.down, copies);
                self.left.copies -= u8::from(copies);
                self.listen(setup, frame);
            }
            Action::Cut => {
                self.left.cuts -= 1;
                self.cut(setup);
            }
            Action::CalleeLoses(id) => self.callee_loses(setup, id),
            Action::Dial => {
                self.dialled += 1;
                self.wire = Some(self.dialled);
                self.wires.push(Wire { id: self.dialled, up: vec![Frame::Attach], down: Vec::new() });
            }
        }
        // A connection that its caller has left, and that is not the session's, is closed when it has nothing more to say.
        let (present, bound) = (self.wire, self.bound);
        self.wires.retain(|wire| present == Some(wire.id) || bound == Some(wire.id) || !wire.up.is_empty());
    }

    fn produce(&mut self, setup: &Setup) {
        let under_way: usize = (self.consumed + 1..=self.produced).map(|item| charge(setup, item)).sum();
        self.expect(under_way < WINDOW_BYTES, Broken::Window);
        self.produced += 1;
        let (item, is_end) = (self.produced, self.produced > setup.items);
        if let Some(sending) = &mut self.sending {
            sending.push(item, setup.bytes(item), is_end);
        }
        self.flush(setup);
    }

    /// As `Carried::poll_next`.
    fn consume(&mut self, setup: &Setup) {
        let Some(receiving) = &mut self.receiving else { return };
        let taken = receiving.take();
        let due = if self.tells_on.is_some() { receiving.due_acknowledgement(taken.is_none()) } else { None };
        if let Some(position) = due {
            self.say(self.tells_on, setup.way == Way::Down, Frame::Ack(position));
        }
        let Some(item) = taken else { return };
        self.consumed += 1;
        self.expect(item == self.consumed, Broken::Items);
        if setup.way == Way::Up && self.has_end(setup) {
            self.end_call();
        }
    }

    /// As `Carried::stop_receiving`; a caller cancels its call.
    fn leave(&mut self, setup: &Setup) {
        self.left.leaves -= 1;
        if let Some(receiving) = &mut self.receiving {
            receiving.stop();
        }
        match setup.way {
            Way::Down => {
                self.has_given_up = true;
                let on = self.tells_on.take();
                self.say(on, true, Frame::Cancel);
            }
            Way::Up => {
                self.say(self.tells_on, false, Frame::Stop);
                self.end_call();
            }
        }
    }

    /// The caller loses its connection, and what it has not read of it.
    fn cut(&mut self, setup: &Setup) {
        let lost = self.wire.take();
        if let Some(wire) = self.wires.iter_mut().find(|wire| Some(wire.id) == lost) {
            wire.down.clear();
        }
        match setup.way {
            Way::Up => self.detach_sender(),
            Way::Down => self.tells_on = None,
        }
    }

    fn callee_loses(&mut self, setup: &Setup, id: u8) {
        self.wires.retain(|wire| wire.id != id);
        if self.bound == Some(id) {
            self.bound = None;
            self.detach_callee(setup);
        }
    }

    /// The callee hears a frame.
    fn hear(&mut self, setup: &Setup, id: u8, frame: Frame) {
        if frame == Frame::Attach && id > self.attached {
            (self.bound, self.attached) = (Some(id), id);
            self.detach_callee(setup);
            return self.say(Some(id), false, Frame::Attached);
        }
        if self.bound != Some(id) {
            // Nothing of an old connection counts (R26). Whoever is on the present one would be cut off.
            self.expect(self.wire != Some(id) || frame == Frame::Attach, Broken::Rules);
            return self.wires.iter_mut().filter(|wire| wire.id == id).for_each(|wire| wire.up.clear());
        }
        match (frame, self.call) {
            (Frame::Call, Call::Unseen) => {
                self.call = Call::Running;
                match setup.way {
                    Way::Up => self.receiving = Some(Receiving::default()),
                    Way::Down => self.sending = Some(Sending::new(true)),
                }
                self.attach_callee(setup);
            }
            (Frame::Call, Call::Running) => self.attach_callee(setup),
            (Frame::Call, Call::Ended) => self.say(self.bound, false, Frame::Answer),
            (Frame::Cancel, _) => self.end_call(),
            (Frame::Item(number, item), Call::Running) => self.item(setup, number, item),
            (Frame::Ack(position), Call::Running) => {
                self.acknowledge(setup, position);
                if self.sending.as_ref().is_some_and(Sending::is_done) {
                    self.end_call();
                }
            }
            _ => {}
        }
    }

    /// The caller hears a frame.
    fn listen(&mut self, setup: &Setup, frame: Frame) {
        match frame {
            Frame::Attached if !self.is_answered => {
                self.say(self.wire, true, if self.has_given_up { Frame::Cancel } else { Frame::Call });
                match setup.way {
                    Way::Up => self.sends_on = self.wire,
                    Way::Down => {
                        let position = self.receiving.as_mut().map(Receiving::tell);
                        position.into_iter().for_each(|position| self.say(self.wire, true, Frame::Ack(position)));
                        self.tells_on = self.wire.filter(|_| !self.has_given_up);
                    }
                }
            }
            Frame::Answer => {
                // Who has not left has everything.
                let is_due = self.has_given_up || self.has_end(setup) || setup.way == Way::Up;
                self.expect(is_due, Broken::Items);
                self.is_answered = true;
                if setup.way == Way::Up {
                    (self.sending, self.sends_on) = (None, None);
                }
            }
            Frame::Item(number, item) if !self.has_given_up => self.item(setup, number, item),
            Frame::Ack(position) => self.acknowledge(setup, position),
            Frame::Stop => self.sending = None,
            _ => {}
        }
    }

    fn item(&mut self, setup: &Setup, number: u64, item: u8) {
        let Some(receiving) = &mut self.receiving else { return };
        let taken = receiving.item(number, item, setup.bytes(item), item > setup.items);
        self.expect(taken.is_ok(), Broken::Rules);
    }

    fn acknowledge(&mut self, setup: &Setup, position: Position) {
        let Some(sending) = &mut self.sending else { return };
        let acknowledged = sending.acknowledge(position);
        self.expect(acknowledged.is_ok(), Broken::Rules);
        self.flush(setup);
    }

    /// The callee's end of the stream has the connection that the session has: its first, or the one that the call came on
    /// again.
    fn attach_callee(&mut self, setup: &Setup) {
        match setup.way {
            Way::Down => {
                self.sends_on = self.bound;
                self.flush(setup);
            }
            Way::Up => {
                self.tells_on = self.bound;
                let Some(receiving) = &mut self.receiving else { return };
                let frame = if receiving.is_stopped() { Frame::Stop } else { Frame::Ack(receiving.tell()) };
                self.say(self.bound, false, frame);
            }
        }
    }

    fn detach_callee(&mut self, setup: &Setup) {
        match setup.way {
            Way::Down => self.detach_sender(),
            Way::Up => self.tells_on = None,
        }
    }

    fn detach_sender(&mut self) {
        self.sends_on = None;
        if let Some(sending) = &mut self.sending {
            sending.detach();
        }
    }

    /// The call's end is recorded, and told.
    fn end_call(&mut self) {
        self.call = Call::Ended;
        if self.has_given_up {
            self.sending = None;
        }
        self.say(self.bound, false, Frame::Answer);
    }

    /// Hands over what the connection is to carry.
    fn flush(&mut self, setup: &Setup) {
        let (Some(on), Some(sending)) = (self.sends_on, &mut self.sending) else { return };
        let items: Vec<_> = std::iter::from_fn(|| sending.send().map(|(number, item)| (number, *item))).collect();
        for (number, item) in items {
            self.say(Some(on), setup.way == Way::Up, Frame::Item(number, item));
        }
    }

    fn say(&mut self, on: Option<u8>, is_up: bool, frame: Frame) {
        let Some(wire) = self.wires.iter_mut().find(|wire| Some(wire.id) == on) else { return };
        match is_up {
            true => wire.up.push(frame),
            // What was written for a caller that has left reaches nobody.
            false if self.wire == on => wire.down.push(frame),
            false => {}
        }
    }
}

fn charge(setup: &Setup, item: u8) -> usize {
    setup.bytes(item) + ITEM_BYTES
}

fn take(frames: &mut Vec<Frame>, copies: bool) -> Frame {
    if copies { frames[0].clone() } else { frames.remove(0) }
}
