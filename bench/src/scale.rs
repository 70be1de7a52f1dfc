//! What a call costs while many sessions are open, and on a node with many exports.
//!
//! A cost is CPU time, of the server's process and of the client's, divided by calls: a wall clock would say more of the
//! machine than of the code. Each process has one thread, and both have the same CPU: waking another one costs more than a
//! call, and never the same. Three ways of calling:
//!
//! - one session of all, one call in flight: what is there to be searched, walked or locked shows here;
//! - the same with many in flight, where the system's share is smallest;
//! - every session in turn, one call in flight: then nothing of a session is in the CPU's caches. Bare sockets pay for that
//!   too, in the kernel; so they are measured beside it, and what they do not pay is the framework's.
//!
//! Callers do not ping here, as pings cost by the second and not by the call; their cost stands below the tables. What a
//! caller says by itself after a call is a part of that call: on a session that waits longer for its next call than replies
//! wait for their acknowledgement, that is a frame more.

mod caller;
mod cost;
mod exporter;
mod table;

use std::io::{Write, stdout};
use std::time::Duration;

use crate::contender::{Address, Error};
use crate::goal::{Goals, thousands};
use crate::process::{Process, last_cpu, prepare};
use caller::Calling;
use cost::{Cost, Level, Measured, Who};
use exporter::Exporting;

/// The most sessions, and then the most exports, that a level has.
const SESSIONS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const EXPORTS: [usize; 4] = [1, 10, 100, 1_000];
/// Idle sessions are watched for two times of a callee's silence.
const IDLE: Duration = Duration::from_secs(10);
/// A process that has not done its part by then has failed.
const PATIENCE: Duration = Duration::from_secs(300);

/// What `bench scale` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each level is measured; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each way of calling is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5)]
    seconds: f64,
    /// Only levels with so many sessions
    #[arg(long, default_value_t = 10_000)]
    sessions: usize,
    /// Be the exporter, as this JSON says: the process starts itself so
    #[arg(long, hide = true, value_name = "JSON")]
    export: Option<String>,
    /// Be the caller, as this JSON says: the process starts itself so
    #[arg(long, hide = true, value_name = "JSON")]
    call: Option<String>,
}

/// Measures, or is one of the two processes that are measured.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    prepare(None)?;
    match (&args.export, &args.call) {
        (Some(exporting), _) => exporter::run(&serde_json::from_str(exporting)?),
        (_, Some(calling)) => caller::run(&serde_json::from_str(calling)?),
        _ => measure(args),
    }
}

fn measure(args: &Args) -> Result<(), Error> {
    let sessions = SESSIONS.into_iter().filter(|sessions| *sessions <= args.sessions);
    let exports = EXPORTS.into_iter().filter(|exports| *exports <= args.sessions);
    let raw: Vec<_> = sessions.clone().map(|sessions| Level { who: Who::Raw, sessions, exports: 1 }).collect();
    let sessions: Vec<_> = sessions.map(|sessions| Level { who: Who::Ours, sessions, exports: 1 }).collect();
    let exports: Vec<_> = exports.map(|exports| Level { who: Who::Ours, sessions: exports, exports }).collect();

    let mut measured = Measured::default();
    for _ in 0..args.rounds {
        // One after another, so that what changes on the machine with time meets all of them.
        for level in raw.iter().chain(&sessions).chain(exports.iter().skip(1)) {
            measured.add(*level, call(*level, Some(args.seconds))?);
        }
    }
    writeln!(stdout(), "{}\n{}", table::of(&measured, &sessions, &raw), table::of(&measured, &exports, &raw))?;

    let Some(most) = sessions.last().copied() else { return Ok(()) };
    let mut goals = Goals::new();
    let idle = format!("CPU of the exporter while {} sessions are idle and ping", thousands(most.sessions as f64));
    goals.note(&idle, cost::percent(&call(most, None)?));
    goals.print()
}

/// The costs of a level, in two processes that are started for it: of calls for so many seconds each way, or of idling.
fn call(level: Level, seconds: Option<f64>) -> Result<Vec<Cost>, Error> {
    let (quiet, cpu) = (seconds.is_some(), last_cpu()?);
    let server = match level.who {
        Who::Ours => {
            let exporting = Exporting { exports: level.exports, quiet, cpu };
            Process::start(&["scale".into(), "--export".into(), serde_json::to_string(&exporting)?])?
        }
        Who::Raw => {
            let mut arguments: Vec<String> =
                ["server", "--runtime", "per-core", "--address", "127.0.0.1:0"].map(String::from).into();
            arguments.extend(["--contender".into(), cost::RAW.into(), "--cpu".into(), cpu.to_string()]);
            Process::start(&arguments)?
        }
    };
    let line = server.line(PATIENCE)?;
    let address = line.strip_prefix("ready ").ok_or("a server that is not ready")?;
    address.parse::<Address>()?;
    let calling = Calling { level, address: address.to_owned(), server: server.id(), seconds, cpu };
    let client = Process::start(&["scale".into(), "--call".into(), serde_json::to_string(&calling)?])?;
    Ok(serde_json::from_str(&client.line(PATIENCE)?)?)
}
