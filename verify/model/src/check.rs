//! Walks through a world to its last state.

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::time::Instant;

use rpc_runtime::planted::Bug;
use stateright::{Checker, HasDiscoveries, Model};

use crate::actions::Action;
use crate::invariant::Invariant;
use crate::model::Small;
use crate::setup::Setup;

/// What a walk through a world has shown.
#[derive(Debug)]
pub struct Seen {
    /// Different states.
    pub states: usize,
    /// The longest way that was gone.
    pub depth: usize,
    /// What was found, with the steps that lead there: promises that are broken, and dangerous paths.
    pub found: HashMap<&'static str, Vec<Action>>,
}

impl Seen {
    /// How each broken promise is broken, step by step.
    pub fn counterexamples(&self) -> String {
        let lines = self.broken().into_iter().flat_map(|(name, steps)| {
            let steps = steps.iter().map(|step| format!("    {step:?}"));
            std::iter::once(format!("{name} is broken by:")).chain(steps)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The promises that are broken.
    pub fn broken(&self) -> Vec<(&'static str, &[Action])> {
        let broken = Invariant::ALL.iter().filter_map(|invariant| {
            let (name, steps) = self.found.get_key_value(invariant.name())?;
            Some((*name, steps.as_slice()))
        });
        broken.collect()
    }
}

/// Walks through all of a world.
pub fn all_of(setup: Setup, bugs: &[Bug]) -> Seen {
    let begun = Instant::now();
    let name = setup.name;
    let failures = HasDiscoveries::AnyFailures;
    let checker = Small { setup, bugs: bugs.to_vec() }.checker().finish_when(failures).spawn_dfs().join();
    let seen = seen(&checker);
    let with = if bugs.is_empty() { String::new() } else { format!(" with {bugs:?}") };
    report(&format!(
        "world \"{name}\"{with}: {} states, depth {}, {} promises broken, {:.1} s",
        seen.states,
        seen.depth,
        seen.broken().len(),
        begun.elapsed().as_secs_f64()
    ));
    seen
}

/// The shortest way to what has this name: a broken promise, or a dangerous path. All of the world if there is none.
pub fn way_to(name: &'static str, setup: Setup, bugs: &[Bug]) -> Seen {
    let only = HasDiscoveries::AnyOf(BTreeSet::from([name]));
    let checker = Small { setup, bugs: bugs.to_vec() }.checker().finish_when(only).spawn_bfs().join();
    seen(&checker)
}

fn seen(checker: &impl Checker<Small>) -> Seen {
    let found = checker.discoveries().into_iter().map(|(name, path)| (name, path.into_actions()));
    Seen { states: checker.unique_state_count(), depth: checker.max_depth(), found: found.collect() }
}

/// Prints a line that the test runner does not swallow.
pub fn report(line: &str) {
    // Nobody reads it: the figures are lost, the test is not.
    let _ = writeln!(std::io::stdout(), "{line}");
}
