//! Which seeds are run, on how many threads.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use clap::Parser;
use verify_simulation::{Outcome, Scenario, run, run_traced};

use crate::report::Report;

/// Simulates the whole stack, one run for each seed, and says whether the promise held.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs this seed only, and says what it did.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// With `--seed`: tells the run in words, event by event.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Runs each seed twice, and compares the hashes of all that happened.
    #[arg(long)]
    twice: bool,
    /// So many calls out of 100 are ones with streams, whatever the seed says.
    #[arg(long)]
    streams: Option<u32>,
    /// Threads; each runs whole simulations. One for each processor if this is not given.
    #[arg(long)]
    jobs: Option<usize>,
}

impl Arguments {
    fn scenario(&self, seed: u64) -> Scenario {
        let mut scenario = Scenario::drawn(seed);
        let weight = &mut scenario.calls.streams.weight;
        *weight = self.streams.unwrap_or(*weight);
        scenario
    }
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let failed = match arguments.seed {
        Some(seed) => replay(seed, &arguments),
        None => run_all(&arguments),
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs one seed and tells of it. True if it failed.
fn replay(seed: u64, arguments: &Arguments) -> bool {
    let scenario = arguments.scenario(seed);
    let outcome = match arguments.trace {
        true => run_traced(seed, &scenario, &[]),
        false => run(seed, &scenario, &[]),
    };
    let mut report = Report::default();
    report.tell(&scenario, &outcome);
    let again = arguments.twice.then(|| run(seed, &scenario, &[]));
    report.add(&outcome, again.as_ref());
    report.finish()
}

/// Runs every seed that is asked for. True if one failed.
fn run_all(arguments: &Arguments) -> bool {
    let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
    let next = AtomicU64::new(seeds.start);
    let jobs = arguments.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).max(1);
    // Bounded, so that no thread runs far ahead of the report.
    let (sender, outcomes) = mpsc::sync_channel(jobs * 2);
    let mut report = Report::of(arguments.seeds);
    thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            scope.spawn(|| work(&next, seeds.end, arguments, sender));
        }
        drop(sender);
        for (outcome, again) in outcomes {
            report.add(&outcome, again.as_ref());
        }
    });
    report.finish()
}

fn work(next: &AtomicU64, end: u64, arguments: &Arguments, sender: mpsc::SyncSender<(Outcome, Option<Outcome>)>) {
    loop {
        // Relaxed: each thread only needs a number that no other has.
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let scenario = arguments.scenario(seed);
        let outcome = run(seed, &scenario, &[]);
        let again = arguments.twice.then(|| run(seed, &scenario, &[]));
        // The report listens until every thread has ended.
        let _ = sender.send((outcome, again));
    }
}
