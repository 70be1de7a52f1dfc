//! How fast the nameserver is: lookups, registrations that are on disk, watchers, and its restart.
//!
//! It runs as a process of its own, with its data on the disk that is named and its log as in operation. This process is
//! all of its clients.

mod load;
mod restart;
mod watchers;

use std::fs::File;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use hdrhistogram::Histogram;
use nameserver::Options;
use nameserver::registry::bounds::ENTRIES_MAX;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::LevelFilter;

use crate::contender::Error;
use crate::goal::{Goals, thousands};
use crate::process::{Process, memory_of, prepare};
use load::{Load, Taken};
use watchers::Watchers;

const LOOKUPS_MIN: f64 = 100_000.0;
const REGISTRATIONS_MIN: f64 = 3_000.0;
const WATCHERS_MAX: Duration = Duration::from_secs(1);
const RESTART_MAX: Duration = Duration::from_secs(2);
/// What the nameserver logs, beside its data.
const LOG: &str = "log";
/// A nameserver that has not started by then does not count as one.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What `bench nameserver` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory on the disk to be measured; a directory for the data is made in it, and removed at the end
    #[arg(long, value_name = "DIR", default_value = ".")]
    disk: PathBuf,
    /// Names to register
    #[arg(long, default_value_t = ENTRIES_MAX)]
    names: usize,
    /// Watchers of one interface, each with a connection of its own
    #[arg(long, default_value_t = 1_000)]
    watchers: usize,
    /// Bindings of the clients that look up and register
    #[arg(long, default_value_t = 4)]
    bindings: usize,
    /// Lookups in flight on each binding
    #[arg(long, default_value_t = 64)]
    lookups: usize,
    /// Registrations in flight on each binding
    #[arg(long, default_value_t = 128)]
    registrars: usize,
    /// How long to look up
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    seconds: u64,
    /// Be the nameserver, with the data in this directory: the process starts itself so
    #[arg(long, hide = true, value_name = "DIR")]
    serve: Option<PathBuf>,
}

/// Measures a nameserver, or is the one that is measured.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    prepare(None)?;
    match &args.serve {
        Some(data) => Runtime::new()?.block_on(serve(data)),
        None => Runtime::new()?.block_on(measure(args)),
    }
}

/// What `nameserver serve` does; it logs as much, into a file.
async fn serve(data: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(data)?;
    let log = Mutex::new(File::options().create(true).append(true).open(data.join(LOG))?);
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .with_target(false)
        .with_writer(log)
        .init();
    let running = nameserver::start(Options { listen: "127.0.0.1:0".to_owned(), data: data.to_owned() }).await?;
    let endpoints = running.endpoints();
    writeln!(stdout(), "{}", endpoints.first().ok_or("no address")?)?;
    Ok(running.run().await?)
}

/// A nameserver in a process of its own, and where it listens.
fn start(data: &Path) -> Result<(Process, String), Error> {
    let data = data.to_str().ok_or("the directory's name is no text")?;
    let process = Process::start(&["nameserver".to_owned(), "--serve".to_owned(), data.to_owned()])?;
    let address = process.line(START_TIMEOUT)?;
    Ok((process, address))
}

async fn measure(args: &Args) -> Result<(), Error> {
    let directory = tempfile::Builder::new().prefix("nameserver-bench-").tempdir_in(&args.disk)?;
    let data = directory.path().join("data");
    let mut goals = Goals::new();
    goals.note("fsync of 4 KiB on this disk, p50", micros(restart::fsync(directory.path())?));

    let (process, address) = start(&data)?;
    let load = Load::connect(&address, args.bindings).await?;
    // The first ones one by one, the others as many at a time as registrars allow: half of them alone with the
    // nameserver, half of them while others wait for changes elsewhere.
    let (first, half) = (args.names.min(200), args.names / 2);
    let alone = load.register(0..first, 1).await?;
    goals.note("a registration alone: p50, p99, max", quantiles(&alone.latencies));
    let registered = load.register(first..half, args.registrars).await?;
    at_least(&mut goals, "durable registrations/s", &registered, REGISTRATIONS_MIN);
    let mut watchers = Watchers::start(&address, args.watchers, 0).await?;
    let registered = load.register(half..args.names, args.registrars).await?;
    let waiting = format!("{} watchers", thousands(args.watchers as f64));
    at_least(&mut goals, &format!("the same while {waiting} wait"), &registered, REGISTRATIONS_MIN);
    let looked = load.lookup(args.names, args.lookups, Duration::from_secs(args.seconds)).await?;
    at_least(&mut goals, "lookups/s from memory", &looked, LOOKUPS_MIN);

    let mut told = watchers.measure(&address, 0).await?;
    told.sort_unstable();
    let [median, slowest] =
        [told.len() / 2, told.len().saturating_sub(1)].map(|at| told.get(at).copied().unwrap_or_default());
    let what = format!("a change seen by the last of {waiting}: median, slowest of {}", told.len());
    goals.check(&what, format!("{}, {}", millis(median), millis(slowest)), "< 1 s", slowest < WATCHERS_MAX);
    goals.note(&format!("memory with {} names", thousands(args.names as f64)), mebibytes(memory_of(process.id())?));
    drop(watchers);
    drop(load);

    let restarted = restart::measure(process, &data, args.names).await?;
    goals.check("kill -9, start, first lookup answered", millis(restarted.warm), "< 2 s", restarted.warm < RESTART_MAX);
    goals.check(
        "  the same, the data not in the page cache",
        millis(restarted.cold),
        "< 2 s",
        restarted.cold < RESTART_MAX,
    );
    goals.note("memory after the restart", mebibytes(restarted.memory));
    goals.note("size of the data", mebibytes(restarted.data));
    goals.print()
}

/// The interface and the instance of the exporter of this number: a hundred exporters for each interface.
fn name(number: usize) -> (String, String) {
    (format!("bench.v1.Interface{}", number / 100), format!("exporter-{number}"))
}

fn at_least(goals: &mut Goals, what: &str, taken: &Taken, rate_min: f64) {
    let rate = taken.rate();
    goals.check(what, thousands(rate), &format!("≥ {}", thousands(rate_min)), rate >= rate_min);
    goals.note("  latency: p50, p99, max", quantiles(&taken.latencies));
}

fn quantiles(latencies: &Histogram<u64>) -> String {
    let at = |quantile| millis(Duration::from_nanos(latencies.value_at_quantile(quantile)));
    format!("{}, {}, {}", at(0.5), at(0.99), at(1.0))
}

fn micros(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
