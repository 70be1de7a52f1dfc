//! One stream in every state of small worlds: what its two ends do while connections are lost, old ones deliver late, frames
//! are copied, and the consumer goes away.
//!
//! The machines are the real ones, [`Sending`] and [`Receiving`]; the steps around them are those of `streaming/carried.rs` and
//! of the link and the served session that carry a stream. Of the session nothing is here but that it has one connection
//! after another (R26), and that its opening is run once: the other worlds are about that.
//!
//! | file | idea |
//! | --- | --- |
//! | `world`, `step` | a state; taking a step |
//! | `walk` | the world as a model, and walks through it |
//!
//! [`Sending`]: rpc_runtime::protocol::stream::Sending
//! [`Receiving`]: rpc_runtime::protocol::stream::Receiving

mod step;
mod walk;
mod world;

use rpc_runtime::planted::Bug;
use rpc_runtime::protocol::stream::{ITEM_BYTES, WINDOW_BYTES};

pub use walk::{Seen, all_of, way_to};
pub use world::{Broken, World};

use crate::check;

/// Which way the stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From caller to callee.
    Up,
    /// From callee to caller.
    Down,
}

/// A world before anything has happened.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What it is called in reports.
    pub name: &'static str,
    /// Which way the stream goes.
    pub way: Way,
    /// Items before the end.
    pub items: u8,
    /// What may go wrong, and how often.
    pub faults: Faults,
}

/// How often each thing may still happen that does not have to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// The caller loses its connection; what it has sent may still arrive, whole or in part.
    pub cuts: u8,
    /// A connection delivers a frame and keeps a copy of it, which comes next.
    pub copies: u8,
    /// The consumer goes away.
    pub leaves: u8,
}

impl Setup {
    /// How much an item counts beside its overhead: two fill the window, or eight.
    pub(crate) fn bytes(&self, item: u8) -> usize {
        let parts = if item % 2 == 1 { 2 } else { 8 };
        if item > self.items { 0 } else { WINDOW_BYTES / parts - ITEM_BYTES }
    }
}

/// Connections of a callee's stream are lost.
pub fn down() -> Setup {
    Setup { name: "stream down", way: Way::Down, items: 4, faults: Faults { cuts: 3, leaves: 1, ..Faults::default() } }
}

/// Connections of a caller's stream are lost.
pub fn up() -> Setup {
    Setup { name: "stream up", way: Way::Up, items: 4, faults: Faults { cuts: 3, leaves: 1, ..Faults::default() } }
}

/// Frames of a callee's stream are copied.
pub fn down_messy() -> Setup {
    Setup { name: "messy stream down", faults: Faults { cuts: 2, copies: 1, leaves: 1 }, ..down() }
}

/// Frames of a caller's stream are copied.
pub fn up_messy() -> Setup {
    Setup { name: "messy stream up", faults: Faults { cuts: 2, copies: 1, leaves: 1 }, ..up() }
}

/// A defect of streams, and how it is found.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The defect.
    pub bug: Bug,
    /// Without which it does no harm.
    pub partner: Option<Bug>,
    /// What it breaks.
    pub breaks: Broken,
    /// Where.
    pub world: fn() -> Setup,
}

/// Every defect of streams that the model finds.
pub const CASES: &[Case] = &[
    Case { bug: Bug::WaitingForgottenOnResume, partner: None, breaks: Broken::Items, world: down },
    Case { bug: Bug::WaitingForgottenOnResume, partner: None, breaks: Broken::Items, world: up },
    Case {
        bug: Bug::RepeatedItemTaken,
        partner: Some(Bug::ResumedFromAcknowledged),
        breaks: Broken::Items,
        world: down,
    },
    Case { bug: Bug::RepeatedItemTaken, partner: None, breaks: Broken::Items, world: up_messy },
    Case { bug: Bug::WindowNotCharged, partner: None, breaks: Broken::Window, world: down },
    Case { bug: Bug::ReceivedIsConsumed, partner: None, breaks: Broken::Window, world: up },
    Case { bug: Bug::ResumedUnheard, partner: None, breaks: Broken::Rules, world: down },
];

/// Checks that the model finds the defect, and that it takes both where there is a partner.
///
/// # Panics
///
/// If it does not.
pub fn must_be_found(case: Case) {
    let (name, world) = (case.breaks.name(), (case.world)());
    for bug in case.partner.into_iter().flat_map(|partner| [case.bug, partner]) {
        let alone = way_to(name, world.clone(), &[bug]);
        assert!(!alone.found.contains_key(name), "{bug:?} breaks \"{name}\" alone; it needs no partner");
    }
    let bugs: Vec<Bug> = std::iter::once(case.bug).chain(case.partner).collect();
    let seen = way_to(name, world.clone(), &bugs);
    let steps = seen.found.get(name).unwrap_or_else(|| {
        panic!("{bugs:?} is not found: \"{name}\" holds in all {} states of the world \"{}\"", seen.states, world.name)
    });
    check::report(&format!("{bugs:?}: \"{name}\" is broken in {} steps, world \"{}\"", steps.len(), world.name));
}
