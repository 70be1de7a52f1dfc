//! One run: the scenario's hosts under the seed's faults, to the end, and what the oracle says of it.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rpc_runtime::planted::{self, Bug};
use turmoil::Sim;

use crate::exporter::COUNTERS_AFTER;
use crate::faults::{self, Faults};
use crate::oracle::Oracle;
use crate::outcome::{Outcome, Rule};
use crate::scenario::Scenario;
use crate::trace::{self, Tap};
use crate::world::{World, callers};

/// How long after its last answer a run is watched: what starts then starts too late.
const WATCHED_AFTER: Duration = Duration::from_millis(1500);
/// How long after their sessions have ended streams may still be counted.
const STREAMS_GIVEN_BACK_WITHIN: Duration = Duration::from_secs(3);
/// What callers do after everything was repaired takes no longer than this and the longest call.
const LAST_CALLS_WITHIN: Duration = Duration::from_secs(30);

/// Runs `scenario` under `seed` with `bugs` planted.
pub fn run(seed: u64, scenario: &Scenario, bugs: &[Bug]) -> Outcome {
    run_and_trace(seed, scenario, bugs, false)
}

/// As [`run`], and tells the run in words: see [`Outcome::lines`].
pub fn run_traced(seed: u64, scenario: &Scenario, bugs: &[Bug]) -> Outcome {
    run_and_trace(seed, scenario, bugs, true)
}

fn run_and_trace(seed: u64, scenario: &Scenario, bugs: &[Bug], in_words: bool) -> Outcome {
    let world = match World::new(scenario) {
        Ok(world) => world,
        Err(error) => return Outcome::impossible(seed, &error),
    };
    tracing::subscriber::with_default(Tap { with_log: in_words }, || {
        planted::with(bugs, || {
            fastrand::seed(seed);
            let panicked = catch_unwind(AssertUnwindSafe(|| simulate(seed, &world, in_words)));
            if let Err(panic) = panicked {
                world.oracle.violation(Rule::Panic, panic_text(&*panic));
            }
        });
    });
    let (hash, network_events, lines) = trace::end();
    let (violations, mut counts) = world.oracle.result();
    counts.seeds = 1;
    counts.network_events = network_events;
    Outcome { seed, hash, violations, counts, lines }
}

fn simulate(seed: u64, world: &World, in_words: bool) {
    let scenario = &world.scenario;
    let mut sim = world.simulation(seed);
    let names: BTreeMap<_, _> = world.hosts().map(|host| (sim.lookup(host).to_string(), host)).collect();
    trace::begin(names, in_words);
    let mut to_come = faults::draw(seed, scenario);
    world.oracle.faults(to_come.len());
    // The next is the last.
    to_come.reverse();
    let mut faults = Faults::default();
    while sim.elapsed() < scenario.active {
        faults.step(sim.elapsed(), &mut to_come, &mut sim, world);
        step(&mut sim, &world.oracle);
    }
    faults.heal(&mut sim, world);
    let longest = Duration::from_millis((*scenario.calls.timeout.end()).into());
    let limit = scenario.active + longest + scenario.healed_within() + LAST_CALLS_WITHIN;
    let ended_in_time = |sim: &mut Sim<'_>, has_ended: &dyn Fn() -> bool| {
        while !has_ended() && sim.elapsed() <= limit {
            step(sim, &world.oracle);
        }
        has_ended()
    };
    let everybody = callers(scenario).len();
    if ended_in_time(&mut sim, &|| world.oracle.callers_quiet() == everybody) {
        check_streams(&mut sim, world);
    }
    world.oracle.let_callers_go();
    if !ended_in_time(&mut sim, &|| world.oracle.callers_done() == everybody) {
        world.oracle.violation(Rule::Hang, "the callers do not come to an end".to_owned());
    }
    let until = sim.elapsed() + WATCHED_AFTER;
    while sim.elapsed() < until {
        step(&mut sim, &world.oracle);
    }
}

/// No call is under way: exporters have as many streams open, as soon as the sessions of callers that were killed have ended.
fn check_streams(sim: &mut Sim<'_>, world: &World) {
    let told = sim.elapsed() + 2 * COUNTERS_AFTER;
    let until = told + world.scenario.limits.session_lease + STREAMS_GIVEN_BACK_WITHIN;
    while sim.elapsed() < told || sim.elapsed() < until && !world.oracle.streams_left().is_empty() {
        step(sim, &world.oracle);
    }
    for (life, open) in world.oracle.streams_left() {
        let what = format!("life {life} counts {open} calls with streams, and there are none");
        world.oracle.violation(Rule::StreamLeaks, what);
    }
}

/// One tick of every host.
fn step(sim: &mut Sim<'_>, oracle: &Oracle) {
    trace::set_now(sim.elapsed());
    if let Err(error) = sim.step() {
        oracle.violation(Rule::Panic, format!("a host's software ended: {error}"));
    }
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").to_owned()
}
