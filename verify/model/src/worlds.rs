//! The small worlds. Each is walked through to its last state; together they have everything that may go wrong.

use crate::setup::{Faults, Kind, Plan, Setup};

const NONE: Faults = Faults {
    cuts: 0,
    crashes: 0,
    expiries: 0,
    supersedes: 0,
    give_ups: 0,
    refusals: 0,
    undecodables: 0,
    queues: 0,
    drains: 0,
    closes: 0,
    ticks: 0,
    acks: 0,
    copies: 0,
    swaps: 0,
    strangers: 0,
};

/// Two calls of one caller, one of the other.
pub fn two_callers() -> Setup {
    Setup::new("two callers", vec![Plan::plain(0), Plan::plain(0), Plan::plain(1)]).with(Faults {
        cuts: 1,
        refusals: 1,
        give_ups: 1,
        queues: 1,
        acks: 1,
        ..NONE
    })
}

/// Three calls of one caller on two slots, and connections that are lost again and again.
pub fn one_caller() -> Setup {
    Setup::new("one caller", vec![Plan::plain(0); 3]).with(Faults {
        cuts: 2,
        refusals: 1,
        give_ups: 1,
        acks: 1,
        ..NONE
    })
}

/// The callee is killed at any step.
pub fn restart() -> Setup {
    Setup::new("restart", vec![Plan::plain(0), Plan::plain(0), Plan::plain(1)]).with(Faults {
        cuts: 1,
        crashes: 1,
        give_ups: 1,
        refusals: 1,
        ..NONE
    })
}

/// Sessions end at any step, in every way but by the callee's leaving.
pub fn leases() -> Setup {
    Setup::new("leases", vec![Plan::plain(0), Plan::plain(0), Plan::plain(0)]).with(Faults {
        cuts: 1,
        expiries: 1,
        supersedes: 1,
        queues: 1,
        give_ups: 1,
        closes: 1,
        ..NONE
    })
}

/// Sessions end beside others that go on, and the callee is killed.
pub fn endings() -> Setup {
    Setup::new("endings", vec![Plan::plain(0), Plan::plain(0), Plan::plain(1)]).with(Faults {
        cuts: 1,
        expiries: 1,
        crashes: 1,
        ..NONE
    })
}

/// A session ends because another life of its owner takes its place.
pub fn succession() -> Setup {
    Setup::new("succession", vec![Plan::plain(0), Plan::plain(0)]).with(Faults { cuts: 1, supersedes: 1, ..NONE })
}

/// The callee drains and leaves.
pub fn farewell() -> Setup {
    Setup::new("farewell", vec![Plan::plain(0), Plan::plain(0), Plan::plain(1)]).with(Faults {
        cuts: 1,
        queues: 1,
        drains: 1,
        ..NONE
    })
}

/// Calls that must have started before the clocks go on.
pub fn deadlines() -> Setup {
    Setup::new("deadlines", vec![Plan::plain(0).urgent(), Plan::plain(0).urgent(), Plan::plain(0)]).with(Faults {
        cuts: 1,
        queues: 1,
        ticks: 2,
        give_ups: 1,
        ..NONE
    })
}

/// Room for one reservation in each session, and replies that do not fit in it.
pub fn scarce() -> Setup {
    let calls = vec![Plan::plain(0), Plan::plain(0).replying(500), Plan::plain(0)];
    Setup::new("scarce", calls).with(Faults { cuts: 2, acks: 1, give_ups: 1, undecodables: 1, ..NONE }).with_room(105)
}

/// Room for one reservation in all sessions together.
pub fn shared_room() -> Setup {
    let calls = vec![Plan::plain(0), Plan::plain(0).replying(110), Plan::plain(1)];
    Setup::new("shared room", calls).with(Faults { cuts: 1, acks: 1, expiries: 1, ..NONE }).with_budget(2_860)
}

/// A connection that copies and reorders.
pub fn messy() -> Setup {
    Setup::new("messy", vec![Plan::plain(0); 3]).with(Faults {
        copies: 2,
        swaps: 2,
        refusals: 1,
        give_ups: 1,
        acks: 1,
        ..NONE
    })
}

/// A connection that copies and reorders, and is lost.
pub fn messy_cuts() -> Setup {
    Setup::new("messy cuts", vec![Plan::plain(0); 2]).with(Faults {
        cuts: 1,
        copies: 1,
        swaps: 2,
        refusals: 1,
        give_ups: 1,
        ..NONE
    })
}

/// Calls without a record.
pub fn marked() -> Setup {
    let calls = vec![Plan::marked(0, Kind::Idempotent), Plan::marked(0, Kind::Oneway), Plan::plain(0)];
    let faults = Faults { cuts: 2, refusals: 1, undecodables: 1, queues: 1, give_ups: 1, ..NONE };
    Setup::new("marked", calls).with(faults)
}

/// Calls without a record, in sessions that end.
pub fn marked_endings() -> Setup {
    let calls = vec![Plan::marked(0, Kind::Idempotent), Plan::marked(0, Kind::Oneway), Plan::plain(0)];
    let faults = Faults { cuts: 1, expiries: 1, queues: 1, drains: 1, ..NONE };
    Setup::new("marked endings", calls).with(faults)
}

/// Callers that ask for the other's session.
pub fn strangers() -> Setup {
    Setup::new("strangers", vec![Plan::plain(0), Plan::plain(1)]).with(Faults { cuts: 1, strangers: 1, ..NONE })
}

/// One call whose frames may arrive late on the connection that they were sent on: small enough that what is harmless there
/// can be shown to be.
pub fn zombies() -> Setup {
    Setup::new("zombies", vec![Plan::plain(0)]).with(Faults { cuts: 1, refusals: 1, give_ups: 1, ..NONE })
}
