//! Real processes under real faults: a nameserver, exporters and callers are started, killed, stopped, cut off and
//! restarted, under load. Everybody notes in files what happened; in the end the files are compared.
//!
//! The callers have no retry code. The exporters' method is not idempotent. The promise holds if no call ran twice,
//! every verdict is true, and every caller was told in time. See [`audit`].

#[cfg(not(target_os = "linux"))]
compile_error!("this needs Linux: network namespaces, and processes that die with their parent");

mod audit;
mod between;
mod faults;
mod ledger;
mod link;
mod moment;
mod namespaces;
mod note;
mod process;
mod proxy;
mod report;
mod role;
mod scenario;
mod settings;
mod tally;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nameserver::stop::Stop;

use report::Row;
use scenario::{Orders, Scenario};

/// Whatever keeps a scenario from being played.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Real processes under kill -9, stops, bad proxies and bad links: nothing may run twice, and no verdict be wrong
#[derive(Debug, Parser)]
#[command(name = "verify/run faults", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    role: Option<RoleCommand>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum RoleCommand {
    /// A process of a run; the run starts it.
    #[command(hide = true)]
    Role { settings: String },
}

#[derive(Debug, Args)]
struct Options {
    /// What goes wrong; everything, one after another, unless given
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// How long each scenario does faults, in place of its own time
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// How often the nameserver is killed in its scenario
    #[arg(long, value_name = "N", default_value_t = 20)]
    kills: u32,
    /// Draws the same faults again; what the processes are doing when they are hit differs
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Let callers make a call again that may have run: the audit must find what then runs twice
    #[arg(long)]
    naive: bool,
    /// Report as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let Cli { role, options } = Cli::parse();
    let played = match role {
        Some(RoleCommand::Role { settings }) => play_role(&settings).map(|()| ExitCode::SUCCESS),
        None => run(options),
    };
    played.unwrap_or_else(|error| {
        tell(&error.to_string());
        ExitCode::FAILURE
    })
}

fn play_role(settings: &str) -> Result<(), Failure> {
    role::play(serde_json::from_str(settings)?)
}

/// Everything on the main thread: processes die with the thread that started them.
fn run(options: Options) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut stop = Stop::new()?;
        // Whichever comes first. Dropping the scenario kills its processes and removes what is theirs.
        tokio::select! {
            played = play(&options) => {
                let rows = played?;
                report::print(&rows, options.json)?;
                let is_good = rows.iter().all(|row| row.findings.is_empty());
                Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            signal = stop.wait() => {
                tell(&format!("{signal}: everything is being cleaned up"));
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    })
}

async fn play(options: &Options) -> Result<Vec<Row>, Failure> {
    let scenarios = match &options.scenarios[..] {
        [] => Scenario::value_variants(),
        some => some,
    };
    scenarios.iter().try_for_each(|scenario| scenario.check())?;
    let seed = options.seed.unwrap_or_else(|| u64::from(fastrand::u32(..)));
    let mut rows = Vec::new();
    for scenario in scenarios {
        let seconds = options.seconds.unwrap_or(scenario.seconds());
        let name = scenario.name();
        let naive = if options.naive { " --naive" } else { "" };
        let kills = options.kills;
        let repeat = format!("verify/run faults {name} --seconds {seconds} --kills {kills} --seed {seed}{naive}");
        tell(&format!("{name}: {seconds} s, seed {seed}"));
        let orders = Orders { seed, time: Duration::from_secs(seconds), kills: options.kills, is_naive: options.naive };
        let row = scenario.play(orders, repeat.clone()).await;
        rows.push(row.map_err(|error| format!("{name}: {error}; repeat with `{repeat}`"))?);
    }
    Ok(rows)
}

#[expect(clippy::print_stderr, reason = "progress and errors are for whoever runs it")]
fn tell(what: &str) {
    eprintln!("{what}");
}
