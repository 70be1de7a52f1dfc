//! The scenarios: in each, one kind of thing goes wrong.

mod kill;
mod nameserver;
mod netem;
mod proxy;
mod rolling;
mod stop;

use std::time::{Duration, Instant};

use clap::ValueEnum;
use fastrand::Rng;

use crate::Failure;
use crate::audit::{Counts, audit};
use crate::faults::Faults;
use crate::report::Row;
use crate::settings::Timing;
use crate::tally::Tally;
use crate::world::{Closed, World};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// kill -9 of exporters, callers and the nameserver, which start again
    Kill,
    /// SIGSTOP and SIGCONT of exporters, callers and the nameserver
    Stop,
    /// A proxy that cuts, delays, swallows replies and delivers an old connection's bytes late
    Proxy,
    /// Network namespaces with loss, delay, reordering, duplication and flaps between them; needs root
    Netem,
    /// Exporters that shut down in order, one after another, and start again: no call fails
    Rolling,
    /// kill -9 of the nameserver in a storm of registrations
    Nameserver,
}

/// What a scenario is run with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orders {
    pub(crate) seed: u64,
    /// How long faults are done.
    pub(crate) time: Duration,
    /// How often the nameserver is killed in its scenario.
    pub(crate) kills: u32,
    /// Callers make calls again that may have run: shows that the audit finds what then runs twice.
    pub(crate) is_naive: bool,
}

/// What became of a scenario, before it is put into the report.
struct Outcome {
    counts: Counts,
    tally: Tally,
    faults: Faults,
    figures: Vec<String>,
    findings: Vec<String>,
    directory: tempfile::TempDir,
}

impl Scenario {
    /// How long it takes unless somebody says otherwise.
    pub(crate) fn seconds(self) -> u64 {
        match self {
            Scenario::Kill | Scenario::Stop => 30,
            Scenario::Proxy | Scenario::Rolling => 20,
            Scenario::Netem => 60,
            // As long as its kills take.
            Scenario::Nameserver => 0,
        }
    }

    /// Says what this machine lacks, before anything is begun.
    pub(crate) fn check(self) -> Result<(), Failure> {
        match self {
            Scenario::Netem => netem::check(),
            _ => Ok(()),
        }
    }

    /// Plays it. An error means that it could not be played; what the audit found is in the row.
    pub(crate) async fn play(self, orders: Orders, repeat: String) -> Result<Row, Failure> {
        let begun = Instant::now();
        let outcome = match self {
            Scenario::Kill => kill::play(orders).await,
            Scenario::Stop => stop::play(orders).await,
            Scenario::Proxy => proxy::play(orders).await,
            Scenario::Netem => netem::play(orders).await,
            Scenario::Rolling => rolling::play(orders).await,
            Scenario::Nameserver => nameserver::play(orders).await,
        };
        let Outcome { counts, tally, faults, figures, mut findings, directory } = outcome?;
        findings.extend(faults.missing().map(|what| format!("this was never done: {what}")));
        let row = Row {
            scenario: self.name(),
            seconds: begun.elapsed().as_secs_f64(),
            seed: orders.seed,
            counts,
            tally,
            faults,
            figures,
            // Whoever looks for the cause needs what was written.
            kept: if findings.is_empty() { None } else { Some(directory.keep()) },
            findings,
            repeat,
        };
        Ok(row)
    }

    /// As on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Ends a world in order and audits what it leaves.
async fn close(world: World) -> Result<Outcome, Failure> {
    let Closed { record, faults, mut findings, directory } = world.close().await;
    // A million lines to read: no other task waits for this thread.
    let audit = audit(directory.path(), &record)?;
    findings.extend(audit.findings);
    let expected = [("calls", audit.counts.calls), ("calls with a reply", audit.counts.ok)];
    findings.extend(expected.iter().filter(|(_, count)| *count == 0).map(|(what, _)| format!("there were no {what}")));
    let figures = vec![format!("{} connections made, {} sessions opened", audit.tally.connects, audit.tally.sessions)];
    Ok(Outcome { counts: audit.counts, tally: audit.tally, faults, figures, findings, directory })
}

/// Leases that end within a scenario, and callers that notice silence soon.
fn brisk() -> Timing {
    Timing {
        lease: Duration::from_millis(1000),
        ttl: Duration::from_millis(1000),
        ping: Duration::from_millis(100),
        dial: Duration::from_millis(500),
        timeout_min: Duration::from_millis(2),
        timeout_max: Duration::from_secs(3),
    }
}

/// Draws up to `max` of them, at least one.
fn some_of<T: Copy>(rng: &mut Rng, all: &[T], max: usize) -> Vec<T> {
    let count = rng.usize(1..=max.min(all.len()).max(1));
    rng.choose_multiple(all.iter().copied(), count)
}
