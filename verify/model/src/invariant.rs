//! The promises, by the numbers that they have in [`rpc_runtime::protocol`].

/// A promise that a world can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// A recorded call starts at most once.
    I1,
    /// After `Never` there was no start, and there will be none.
    I2,
    /// An accepted reply is the result of that very call.
    I3,
    /// After `Completed` the call had ended.
    I4,
    /// A call starts only in the incarnation that it names.
    I5,
    /// A call starts only in an open session.
    I6,
    /// No call starts while it is in progress.
    I7,
    /// A record is forgotten only after an ack, a larger number or the session's end.
    I8,
    /// What is kept is counted, and never exceeds its bound.
    I9,
    /// A slot has one unresolved call, and its numbers rise.
    I10,
    /// No call starts after its `start_before`.
    I12,
    /// A cancel's `Never` is one.
    I13,
    /// No call starts in a session that another took the place of.
    I14,
    /// A stored reply goes only to the session that it belongs to.
    I15,
    /// The verdict that is told is the least certain of those of all attempts.
    I16,
    /// Every call gets its verdict, and no slot is lost.
    I20,
    /// After "does not run any more" and after the final goodbye, nothing starts and nothing ends.
    I21,
}

/// A set of promises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Broken(u32);

impl Invariant {
    /// All of them.
    pub const ALL: [Invariant; 17] = [
        Invariant::I1,
        Invariant::I2,
        Invariant::I3,
        Invariant::I4,
        Invariant::I5,
        Invariant::I6,
        Invariant::I7,
        Invariant::I8,
        Invariant::I9,
        Invariant::I10,
        Invariant::I12,
        Invariant::I13,
        Invariant::I14,
        Invariant::I15,
        Invariant::I16,
        Invariant::I20,
        Invariant::I21,
    ];

    /// Its number, as in the text of the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Invariant::I1 => "I1",
            Invariant::I2 => "I2",
            Invariant::I3 => "I3",
            Invariant::I4 => "I4",
            Invariant::I5 => "I5",
            Invariant::I6 => "I6",
            Invariant::I7 => "I7",
            Invariant::I8 => "I8",
            Invariant::I9 => "I9",
            Invariant::I10 => "I10",
            Invariant::I12 => "I12",
            Invariant::I13 => "I13",
            Invariant::I14 => "I14",
            Invariant::I15 => "I15",
            Invariant::I16 => "I16",
            Invariant::I20 => "I20",
            Invariant::I21 => "I21",
        }
    }
}

impl Broken {
    /// Adds one.
    pub fn add(&mut self, invariant: Invariant) {
        self.0 |= 1 << invariant as u32;
    }

    /// Whether it is among them.
    pub fn has(self, invariant: Invariant) -> bool {
        self.0 & (1 << invariant as u32) != 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
