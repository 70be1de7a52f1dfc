//! Walks through a world with one stream to its last state.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use rpc_runtime::planted::{self, Bug};
use stateright::{Checker, HasDiscoveries, Model, Property};

use super::Setup;
use super::step::Action;
use super::world::{Broken, World};
use crate::check::report;

/// A world with bugs planted, or none.
struct OneStream {
    setup: Setup,
    bugs: Vec<Bug>,
}

impl Model for OneStream {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.setup)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        planted::with(&self.bugs, || world.actions(&self.setup, actions));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        // Planted here, since the checker's threads are not the test's.
        planted::with(&self.bugs, || {
            next.step(&self.setup, action);
            let mut more = Vec::new();
            next.actions(&self.setup, &mut more);
            next.expect(!more.is_empty() || next.is_over(&self.setup), Broken::Stuck);
        });
        Some(next)
    }

    fn properties(&self) -> Vec<Property<OneStream>> {
        macro_rules! holds {
            ($($broken:ident)*) => {
                vec![$(Property::always(Broken::$broken.name(), |_: &OneStream, world: &World| {
                    !world.has_broken(Broken::$broken)
                })),*]
            };
        }
        let mut properties = holds!(Items Window Rules Stuck);
        properties.push(Property::sometimes(REACHED, |model: &OneStream, world: &World| {
            world.dialled == model.setup.faults.cuts + 1 && world.has_end(&model.setup) && world.is_answered
        }));
        properties
    }
}

/// What must be seen, since a world in which it never happens would break nothing either.
const REACHED: &str = "the end, after every cut";

/// What a walk through a world has shown.
#[derive(Debug)]
pub struct Seen {
    /// Different states.
    pub states: usize,
    /// What was found, with the steps that lead there.
    pub found: HashMap<&'static str, Vec<Action>>,
}

impl Seen {
    /// How each broken promise is broken, step by step; and that the end is never reached, if it is not.
    pub fn counterexamples(&self) -> String {
        let broken = Broken::ALL.iter().filter_map(|broken| self.found.get_key_value(broken.name()));
        let lines = broken.map(|(name, steps)| format!("{name} is broken by: {steps:#?}"));
        let unreached = (!self.found.contains_key(REACHED)).then(|| format!("never reached: {REACHED}"));
        lines.chain(unreached).collect::<Vec<_>>().join("\n")
    }
}

/// Walks through all of a world.
pub fn all_of(setup: Setup, bugs: &[Bug]) -> Seen {
    let begun = Instant::now();
    let name = setup.name;
    let checker = OneStream { setup, bugs: bugs.to_vec() }.checker().finish_when(HasDiscoveries::AnyFailures);
    let seen = seen(&checker.spawn_dfs().join());
    let seconds = begun.elapsed().as_secs_f64();
    report(&format!("world \"{name}\": {} states, {seconds:.1} s", seen.states));
    seen
}

/// The shortest way to what has this name. All of the world if there is none.
pub fn way_to(name: &'static str, setup: Setup, bugs: &[Bug]) -> Seen {
    let only = HasDiscoveries::AnyOf(BTreeSet::from([name]));
    seen(&OneStream { setup, bugs: bugs.to_vec() }.checker().finish_when(only).spawn_bfs().join())
}

fn seen(checker: &impl Checker<OneStream>) -> Seen {
    let found = checker.discoveries().into_iter().map(|(name, path)| (name, path.into_actions()));
    Seen { states: checker.unique_state_count(), found: found.collect() }
}
