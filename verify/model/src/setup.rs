//! What a small world has, and what may go wrong in it.

use rpc_runtime::protocol::session::ReplyLimits;

/// Callers in every world. Some have nothing to call.
pub const CALLERS: u8 = 2;
/// Slots that a caller asks for.
pub const SLOTS: u16 = 2;

/// A world before anything has happened.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What it is called in reports.
    pub name: &'static str,
    /// The calls that are to be made; those of one caller in this order.
    pub calls: Vec<Plan>,
    /// What may go wrong, and how often.
    pub faults: Faults,
    /// What a session may keep of replies.
    pub limits: ReplyLimits,
    /// What the callee may remember in all.
    pub budget_bytes: u64,
}

/// A call that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Who makes it.
    pub caller: u8,
    /// How.
    pub kind: Kind,
    /// How large its reply is.
    pub reply_bytes: u64,
    /// Whether it has to start before the clocks go on.
    pub is_urgent: bool,
}

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Recorded: at most once.
    Plain,
    /// Not recorded: it may run more than once.
    Idempotent,
    /// Not recorded, and never answered.
    Oneway,
}

/// How often each thing may still happen that does not have to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A caller loses its connection; what it has sent may still arrive, whole or in part.
    pub cuts: u8,
    /// The callee is killed, and its next incarnation starts.
    pub crashes: u8,
    /// A session's lease ends, at any step.
    pub expiries: u8,
    /// Another life of the owner takes a session's place.
    pub supersedes: u8,
    /// A caller gives up on a call.
    pub give_ups: u8,
    /// The callee refuses a call, though it would take the next.
    pub refusals: u8,
    /// A call that was taken turns out not to decode.
    pub undecodables: u8,
    /// A call has to wait for its turn.
    pub queues: u8,
    /// The callee drains, and then says goodbye.
    pub drains: u8,
    /// A caller ends its session.
    pub closes: u8,
    /// The clocks go on.
    pub ticks: u8,
    /// A caller says the acks that it owes.
    pub acks: u8,
    /// A connection delivers a frame and keeps a copy of it.
    pub copies: u8,
    /// A connection delivers a frame before the one ahead of it.
    pub swaps: u8,
    /// A caller asks for the other's session.
    pub strangers: u8,
}

impl Setup {
    /// A world with room for everything, in which nothing goes wrong.
    pub fn new(name: &'static str, calls: Vec<Plan>) -> Setup {
        let limits = ReplyLimits { reserve_bytes: 100, session_bytes_max: 1_000 };
        Setup { name, calls, faults: Faults::default(), limits, budget_bytes: 1 << 20 }
    }

    /// What may go wrong.
    pub fn with(mut self, faults: Faults) -> Setup {
        self.faults = faults;
        self
    }

    /// Room for `session_bytes_max` of replies in each session.
    pub fn with_room(mut self, session_bytes_max: u64) -> Setup {
        self.limits.session_bytes_max = session_bytes_max;
        self
    }

    /// Room for `budget_bytes` in all sessions together.
    pub fn with_budget(mut self, budget_bytes: u64) -> Setup {
        self.budget_bytes = budget_bytes;
        self
    }

    /// Whether connections keep frames in order, so that every call gets its verdict (I20).
    pub fn keeps_order(&self) -> bool {
        self.faults.copies == 0 && self.faults.swaps == 0
    }
}

impl Plan {
    /// A recorded call with a small reply, whenever it may start.
    pub const fn plain(caller: u8) -> Plan {
        Plan { caller, kind: Kind::Plain, reply_bytes: 10, is_urgent: false }
    }

    /// A call without a record.
    pub const fn marked(caller: u8, kind: Kind) -> Plan {
        Plan { kind, ..Plan::plain(caller) }
    }

    /// The same with a reply of `bytes`.
    pub const fn replying(self, bytes: u64) -> Plan {
        Plan { reply_bytes: bytes, ..self }
    }

    /// The same, to be started before the clocks go on.
    pub const fn urgent(self) -> Plan {
        Plan { is_urgent: true, ..self }
    }
}
