//! Every contender in turn, round after round: for each measurement a server process and a client process of its own.
#![expect(clippy::print_stderr, reason = "how far it is, beside the report")]

use std::fmt;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use crate::contender::{Error, Runtime};
use crate::contenders::{ENTRANTS, Entrant};
use crate::load::{Measured, Workload};
use crate::process::{self, Process};
use crate::report;

/// How long a server may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// How much longer than its measurement a client may take, for connecting, warming up and resting.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);
/// A measurement that fails is made again, so often in all.
const TRIES: u32 = 3;
/// Where the report goes that is part of the documentation.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks");

/// What is measured, how long and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each measurement takes.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How often each is made. Figures are medians.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// One round of half a second, to see that it works.
    #[arg(long)]
    quick: bool,
    /// These contenders only, by their names in the table.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// These workloads only.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    workloads: Vec<Workload>,
    /// Where table, figures and plots are written. Without it, `docs/benchmarks`, if everything is measured.
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

/// What a connection is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transport {
    /// TCP on the loopback.
    Tcp,
    /// A Unix socket.
    Unix,
}

/// What is measured over and over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Subject {
    pub(crate) contender: &'static str,
    pub(crate) transport: Transport,
    pub(crate) runtime: Runtime,
    pub(crate) workload: Workload,
}

/// One measurement.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    #[serde(flatten)]
    pub(crate) subject: Subject,
    pub(crate) round: u32,
    #[serde(flatten)]
    pub(crate) measured: Measured,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Runs {
    pub(crate) seconds: f64,
    pub(crate) rounds: u32,
    pub(crate) runs: Vec<Run>,
    /// How many others' threads wanted a CPU when it began: what is measured beside them is noise.
    pub(crate) load_before: f64,
    /// What could not be measured, and why.
    pub(crate) failures: Vec<String>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Subject { contender, transport, runtime, workload } = self;
        write!(f, "{workload}: {contender}, {transport:?}, {runtime:?}")
    }
}

/// Measures and reports.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    for name in &args.only {
        if !ENTRANTS.iter().any(|entrant| entrant.name == name) {
            let names: Vec<_> = ENTRANTS.iter().map(|entrant| entrant.name).collect();
            return Err(format!("no contender is called `{name}`; there are {}", names.join(", ")).into());
        }
    }
    let (seconds, rounds) = if args.quick { (0.5, 1) } else { (args.seconds, args.rounds.max(1)) };
    let subjects = subjects(ENTRANTS, &args.only, &args.workloads);
    let load_before = process::system_load().unwrap_or_default();
    let mut runs = Runs { seconds, rounds, runs: Vec::new(), load_before, failures: Vec::new() };
    let progress = ProgressBar::new(rounds as u64 * subjects.len() as u64);
    progress.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} of {duration} {msg}")?);
    for round in 0..rounds {
        for workload in Workload::ALL {
            let mut turn: Vec<_> = subjects.iter().filter(|subject| subject.workload == *workload).collect();
            // Nobody always comes after the same one.
            let first = turn.len() * round as usize / rounds as usize;
            turn.rotate_left(first);
            for subject in turn {
                progress.set_message(subject.to_string());
                match measure_again(subject, seconds) {
                    Ok(measured) => runs.runs.push(Run { subject: subject.clone(), round, measured }),
                    Err(error) => runs.failures.push(format!("{subject}: {error}")),
                }
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    let is_whole = args.only.is_empty() && args.workloads.is_empty() && !args.quick;
    let out = args.out.clone().or_else(|| is_whole.then(|| DOCS.into()));
    let report = report::Report::new(&runs);
    writeln!(stdout(), "{}", report.text())?;
    if let Some(out) = out {
        report.write(&out)?;
        eprintln!("written to {}", out.display());
    }
    Ok(())
}

/// Everything that is measured in a round.
fn subjects(entrants: &[Entrant], only: &[String], workloads: &[Workload]) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for entrant in entrants.iter().filter(|entrant| only.is_empty() || only.iter().any(|name| name == entrant.name)) {
        for &workload in entrant.workloads.iter().filter(|load| workloads.is_empty() || workloads.contains(load)) {
            for &runtime in entrant.runtimes {
                let contender = entrant.name;
                subjects.push(Subject { contender, transport: Transport::Tcp, runtime, workload });
                if entrant.has_unix && Workload::UNIX.contains(&workload) {
                    subjects.push(Subject { contender, transport: Transport::Unix, runtime, workload });
                }
            }
        }
    }
    subjects
}

/// Measures, more than once if it fails.
fn measure_again(subject: &Subject, seconds: f64) -> Result<Measured, Error> {
    for _ in 1..TRIES {
        match measure(subject, seconds) {
            Ok(measured) => return Ok(measured),
            Err(error) => eprintln!("{subject}: {error}"),
        }
    }
    measure(subject, seconds)
}

/// One server, one client.
fn measure(subject: &Subject, seconds: f64) -> Result<Measured, Error> {
    let directory = tempfile::tempdir()?;
    let address = match subject.transport {
        Transport::Tcp => "127.0.0.1:0".to_owned(),
        Transport::Unix => format!("unix:{}", directory.path().join("echo").display()),
    };
    let cpu = if subject.workload.is_pinned() { Some(process::last_cpu()?) } else { None };
    let server = Process::start(&arguments("server", subject, cpu, &[("address", address)]))?;
    let line = server.line(START_TIMEOUT)?;
    let address = line.strip_prefix("ready ").ok_or_else(|| format!("a server that says `{line}`"))?;
    let load = [
        ("address", address.to_owned()),
        ("server", server.id().to_string()),
        ("workload", value_name(&subject.workload)),
        ("seconds", seconds.to_string()),
    ];
    let client = Process::start(&arguments("client", subject, cpu, &load))?;
    let line = client.line(CLIENT_TIMEOUT + Duration::from_secs_f64(seconds))?;
    Ok(serde_json::from_str(&line)?)
}

/// How this program is started as one of the two.
fn arguments(role: &str, subject: &Subject, cpu: Option<usize>, options: &[(&str, String)]) -> Vec<String> {
    let common = [("contender", subject.contender.to_owned()), ("runtime", value_name(&subject.runtime))];
    let cpu = cpu.map(|cpu| ("cpu", cpu.to_string()));
    let options = common.iter().chain(options).chain(&cpu);
    let mut arguments = vec![role.to_owned()];
    arguments.extend(options.flat_map(|(name, value)| [format!("--{name}"), value.clone()]));
    arguments
}

/// How a value is written on a command line.
fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unix sockets are measured in their workloads only, and every runtime of a contender is.
    #[test]
    fn subjects_are_what_the_entrants_allow() {
        let runtimes = &[Runtime::Multi, Runtime::PerCore];
        let both = Entrant { name: "both", runtimes, workloads: Workload::ALL, has_unix: true };
        let one = Entrant { name: "one", runtimes: &[Runtime::PerCore], workloads: &[Workload::Lat], has_unix: false };
        let count = |only: &[&str], workloads: &[Workload]| {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            subjects(&[both, one], &only, workloads).len()
        };
        assert_eq!(count(&["both"], &[]), 2 * Workload::ALL.len() + 2 * Workload::UNIX.len());
        assert_eq!(count(&["one"], &[]), 1);
        assert_eq!(count(&[], &[Workload::Lat]), 3);
    }

    /// What the program is started with is what it understands.
    #[test]
    fn arguments_name_the_workload() {
        let subject = Subject {
            contender: "raw tokio",
            transport: Transport::Tcp,
            runtime: Runtime::PerCore,
            workload: Workload::LatOneCpu,
        };
        let load = [("workload", value_name(&subject.workload))];
        let expected =
            ["client", "--contender", "raw tokio", "--runtime", "per-core", "--workload", "lat-1cpu", "--cpu", "1"];
        assert_eq!(arguments("client", &subject, Some(1), &load), expected);
    }
}
