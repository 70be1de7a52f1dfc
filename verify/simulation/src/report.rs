//! What the runner prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's output is its purpose")]

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use verify_simulation::{Counts, Outcome, Scenario};

/// How often the running total is shown: on a terminal in place, elsewhere as a line of its own.
const SHOWN_EVERY: Duration = Duration::from_millis(250);
const LOGGED_EVERY: Duration = Duration::from_secs(15);

/// The running total of many seeds.
pub(crate) struct Report {
    seeds: u64,
    total: Counts,
    failed: u64,
    twice: u64,
    begun: Instant,
    shown: Instant,
}

impl Default for Report {
    fn default() -> Report {
        Report::of(1)
    }
}

impl Report {
    /// A report on so many seeds to come.
    pub(crate) fn of(seeds: u64) -> Report {
        let now = Instant::now();
        Report { seeds, total: Counts::default(), failed: 0, twice: 0, begun: now, shown: now }
    }

    /// One seed was run, and perhaps again.
    pub(crate) fn add(&mut self, outcome: &Outcome, again: Option<&Outcome>) {
        self.total += outcome.counts;
        let differs = again.is_some_and(|again| again.hash != outcome.hash);
        self.twice += u64::from(again.is_some());
        if differs || !outcome.violations.is_empty() {
            self.failed += 1;
            self.clear();
            println!("seed {} failed; replay it with `verify/run seeds --seed {}`", outcome.seed, outcome.seed);
            outcome.violations.iter().for_each(|violation| println!("  {violation}"));
            if differs {
                println!("  it did something else when it was run again");
            }
        }
        self.show();
    }

    /// One run in all detail.
    pub(crate) fn tell(&self, scenario: &Scenario, outcome: &Outcome) {
        println!("{scenario:#?}");
        outcome.lines.iter().for_each(|line| println!("{line}"));
        println!("hash {:016x}", outcome.hash);
    }

    /// The last line. True if a seed failed.
    pub(crate) fn finish(self) -> bool {
        self.clear();
        let Counts { seeds, double_executions, ran_after_never, hangs, .. } = self.total;
        println!("{}", self.line());
        if self.twice > 0 {
            println!("{} seeds were run twice and gave the same trace, or are named above", self.twice);
        }
        println!(
            "{seeds} seeds in {:.1} s: {double_executions} double executions, {ran_after_never} runs of calls told `Never`, {hangs} hangs, {} seeds failed",
            self.begun.elapsed().as_secs_f64(),
            self.failed
        );
        self.failed > 0
    }

    fn show(&mut self) {
        let is_terminal = stderr().is_terminal();
        let every = if is_terminal { SHOWN_EVERY } else { LOGGED_EVERY };
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        match is_terminal {
            true => eprint!("\r\x1b[K{}", self.line()),
            false => eprintln!("{}", self.line()),
        }
        // A line that is not shown is shown the next time.
        let _ = stderr().flush();
    }

    fn clear(&self) {
        if stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }

    fn line(&self) -> String {
        let Counts { seeds, calls, replies, never, completed, unknown, given_up, settled, .. } = self.total;
        let Counts { resent, from_record, faults, network_events, streams, streams_ended, items, .. } = self.total;
        format!(
            "{seeds} of {} seeds, {faults} faults, {network_events} network events: {calls} calls, {resent} resent, {from_record} answered from the record; {replies} replies, {never} Never, {completed} Completed, {unknown} Unknown ({settled} settled later), {given_up} given up; {streams} calls with streams, {items} items, {streams_ended} ends",
            self.seeds
        )
    }
}
