//! The dangerous paths. Worlds in which nothing dangerous happens would break no promise either, so each of these must be
//! seen to be taken.

use rpc_runtime::protocol::frame::Status;

use crate::oracle::{Fate, Stage, Told};
use crate::setup::Setup;
use crate::wire::{Down, Up, Wire};
use crate::world::{Served, World};
use crate::worlds;

/// A dangerous path.
#[derive(Debug, Clone, Copy)]
pub struct Danger {
    /// What it is called in reports.
    pub name: &'static str,
    /// A world in which it is taken.
    pub world: fn() -> Setup,
    /// Whether a state shows that it was.
    pub is_reached: fn(&World) -> bool,
}

/// All of them.
pub const ALL: &[Danger] = &[
    Danger {
        name: "duplicate while in progress",
        world: worlds::one_caller,
        is_reached: |world| {
            let said = world.wires.iter().flat_map(|wire| &wire.down);
            said.into_iter().any(|frame| matches!(frame, Down::Answer(header, _) if header.status == Status::Working))
        },
    },
    Danger {
        name: "crash between start and reply",
        world: worlds::restart,
        is_reached: |world| {
            let began_before = |fate: &Fate| fate.sent.is_some_and(|(session, _)| session.life != world.callee.life);
            world.oracle.fates.iter().any(|fate| fate.stage == Stage::Running && began_before(fate))
        },
    },
    Danger {
        name: "zombie connection after a refusal",
        world: worlds::one_caller,
        is_reached: |world| {
            is_still_carried(world, |fate| fate.stage == Stage::Refused && fate.told == Some(Told::Never))
        },
    },
    Danger {
        name: "cancel overtakes call",
        world: worlds::one_caller,
        is_reached: |world| is_still_carried(world, |fate| fate.is_overtaken),
    },
    Danger {
        name: "old connection still read after attach",
        world: worlds::one_caller,
        is_reached: |world| {
            world.wires.iter().any(|wire| {
                let mut sessions = world.callee.sessions.iter().filter(|served| is_attached(served));
                let is_of_another =
                    sessions.any(|served| wire.session == Some(served.session.id()) && !is_bound_to(served, wire));
                is_of_another && !wire.up.is_empty()
            })
        },
    },
    Danger {
        name: "result ready while no connection is attached",
        world: worlds::one_caller,
        is_reached: |world| {
            let is_ready = |served: &Served, fate: &Fate| {
                let name = world.callee.name(served.session.id());
                fate.stage.is_kept() && fate.told.is_none() && fate.id_in(name).is_some()
            };
            let mut detached =
                world.callee.sessions.iter().filter(|served| served.session.is_open() && !is_attached(served));
            detached.any(|served| world.oracle.fates.iter().any(|fate| is_ready(served, fate)))
        },
    },
];

fn is_attached(served: &Served) -> bool {
    served.session.bound().is_some()
}

fn is_bound_to(served: &Served, wire: &Wire) -> bool {
    served.session.bound() == Some(wire.id)
}

/// Whether such a call is under way to the callee, on some connection that it reads.
fn is_still_carried(world: &World, such: impl Fn(&Fate) -> bool) -> bool {
    let carried = world.wires.iter().flat_map(|wire| &wire.up);
    carried.into_iter().any(|frame| matches!(frame, Up::Call(call) if such(world.oracle.fate(*call))))
}
