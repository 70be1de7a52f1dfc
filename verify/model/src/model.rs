//! A world as a model that stateright walks through.

use rpc_runtime::planted::{self, Bug};
use stateright::{Model, Property};

use crate::actions::Action;
use crate::dangers;
use crate::invariant::Invariant;
use crate::setup::Setup;
use crate::world::World;

/// A small world with bugs planted, or none.
#[derive(Debug, Clone)]
pub struct Small {
    /// What it has.
    pub setup: Setup,
    /// The defects of the code that runs in it.
    pub bugs: Vec<Bug>,
}

impl Model for Small {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.setup)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        world.actions(&self.setup, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        // Planted here, since the checker's threads are not the test's.
        planted::with(&self.bugs, || {
            next.step(&self.setup, &action);
            next.check_books(&self.setup);
        });
        if self.setup.keeps_order() && next.is_stuck(&self.setup) {
            next.oracle.expect(false, Invariant::I20);
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Small>> {
        promises().into_iter().chain(reached()).collect()
    }
}

/// One property for each promise, under its number.
fn promises() -> Vec<Property<Small>> {
    macro_rules! holds {
        ($($invariant:ident)*) => {
            vec![$(Property::always(Invariant::$invariant.name(), |_: &Small, world: &World| {
                !world.oracle.broken.has(Invariant::$invariant)
            })),*]
        };
    }
    holds!(I1 I2 I3 I4 I5 I6 I7 I8 I9 I10 I12 I13 I14 I15 I16 I20 I21)
}

/// One property for each dangerous path. (A property is a plain function, which knows its danger only by its place.)
fn reached() -> Vec<Property<Small>> {
    macro_rules! reached {
        ($($index:literal)*) => {
            vec![$(Property::sometimes(dangers::ALL[$index].name, |_: &Small, world: &World| {
                (dangers::ALL[$index].is_reached)(world)
            })),*]
        };
    }
    let properties = reached!(0 1 2 3 4 5);
    assert_eq!(properties.len(), dangers::ALL.len(), "each danger is a property");
    properties
}
