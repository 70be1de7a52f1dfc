//! A state of a world with one stream: its two ends, the call that opens it, and what is under way between them.

use rpc_runtime::protocol::stream::{Position, Receiving, Sending};

use super::{Faults, Setup, Way};

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// What may still go wrong.
    pub left: Faults,
    /// Connections that the callee still reads, and the caller's.
    pub wires: Vec<Wire>,
    /// The caller's connection.
    pub wire: Option<u8>,
    /// The number of the caller's last connection: of its `Attach` too.
    pub dialled: u8,
    /// Whether the caller has left the call.
    pub has_given_up: bool,
    /// Whether the caller has its answer.
    pub is_answered: bool,
    /// The connection that the session has at the callee.
    pub bound: Option<u8>,
    /// The largest number of an `Attach` that the callee has accepted.
    pub attached: u8,
    /// The call at the callee.
    pub call: Call,
    /// The producer's end; gone when nobody is interested in it any more.
    pub sending: Option<Sending<u8>>,
    /// The consumer's end; of a caller's stream there is none before the call has started.
    pub receiving: Option<Receiving<u8>>,
    /// Which connection the producer's end sends on.
    pub sends_on: Option<u8>,
    /// Which connection the consumer's end sends on.
    pub tells_on: Option<u8>,
    /// Items that the producer was asked for; one more when it has ended.
    pub produced: u8,
    /// Items that the consumer got; one more when it got the end.
    pub consumed: u8,
    /// What is broken, one bit for each.
    pub broken: u8,
}

/// A connection with what is under way on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wire {
    /// Its number: those of later ones are larger.
    pub id: u8,
    /// Sent by the caller, not read.
    pub up: Vec<Frame>,
    /// Sent by the callee, not read.
    pub down: Vec<Frame>,
}

/// What goes over a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Frame {
    /// Bind the session to this connection.
    Attach,
    /// It is bound.
    Attached,
    /// Open the stream.
    Call,
    /// Nobody wants it any more.
    Cancel,
    /// The call has ended.
    Answer,
    /// An item, or the end, with its number.
    Item(u64, u8),
    /// How far its receiver has come.
    Ack(Position),
    /// Its consumer has gone.
    Stop,
}

/// A call at the callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// No frame about it was heard.
    Unseen,
    /// It runs.
    Running,
    /// It has ended, and that is recorded.
    Ended,
}

/// What a world can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Each item once and in order, and the end after the last of them.
    Items,
    /// Nothing is produced while a window is not consumed.
    Window,
    /// Nobody is cut off who keeps the rules.
    Rules,
    /// When nothing more can happen, the consumer has the end, or has left, and the call has its answer.
    Stuck,
}

impl Broken {
    /// All of them.
    pub const ALL: [Broken; 4] = [Broken::Items, Broken::Window, Broken::Rules, Broken::Stuck];

    /// What it is called in reports, with the number that it has in the text of the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Broken::Items => "I22: items once and in order, and their end",
            Broken::Window => "R36: no more than a window under way",
            Broken::Rules => "R36-R38: nobody is cut off who keeps the rules",
            Broken::Stuck => "R35: the stream ends, and its call",
        }
    }
}

impl World {
    /// The session is open, and the call is on its way.
    pub fn new(setup: &Setup) -> World {
        let is_up = setup.way == Way::Up;
        World {
            left: setup.faults,
            wires: vec![Wire { id: 1, up: vec![Frame::Call], down: Vec::new() }],
            wire: Some(1),
            dialled: 1,
            has_given_up: false,
            is_answered: false,
            bound: Some(1),
            attached: 1,
            call: Call::Unseen,
            sending: is_up.then(|| Sending::new(false)),
            receiving: (!is_up).then(Receiving::default),
            sends_on: is_up.then_some(1),
            tells_on: (!is_up).then_some(1),
            produced: 0,
            consumed: 0,
            broken: 0,
        }
    }

    /// Whether this is broken.
    pub fn has_broken(&self, what: Broken) -> bool {
        self.broken & (1 << what as u8) != 0
    }

    /// Writes down that something is broken unless it is so.
    pub(super) fn expect(&mut self, holds: bool, what: Broken) {
        if !holds {
            self.broken |= 1 << what as u8;
        }
    }

    /// Whether the consumer has got the end.
    pub(super) fn has_end(&self, setup: &Setup) -> bool {
        self.consumed > setup.items
    }

    /// Whether everything has come to its end as it should.
    pub(super) fn is_over(&self, setup: &Setup) -> bool {
        let has_left = self.left.leaves < setup.faults.leaves;
        self.is_answered && self.call == Call::Ended && (has_left || self.has_end(setup))
    }
}
