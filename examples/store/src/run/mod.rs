//! The whole application on one machine: every program as a process of its own, with something going wrong in the middle.
//!
//! The runner starts them, shows what they report, cuts connections now and then, kills one store half-way and starts it again, and
//! at the end asks every store to count what it has.

mod board;
mod children;
mod cutter;
mod display;
mod script;
mod stage;
mod table;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::lifetime;
use crate::part::Part;

use stage::Stage;

/// How long programs get to end by themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// Runs everything: nameserver, stores, client managers, suppliers and customers, as processes on this machine.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The folder with the files that suppliers bring [default: the one that comes with this program].
    #[arg(long, value_name = "DIR")]
    pub objects: Option<PathBuf>,
    /// Where stores and nameserver keep their files, and where logs go; kept [default: a temporary directory].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How long customers come.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = seconds)]
    pub seconds: f64,
    /// The stores, by the part of the name space that each covers.
    #[arg(long, value_name = "PARTS", value_delimiter = ',', default_value = "a-i,j-r,s-z")]
    pub stores: Vec<Part>,
    /// Hosts; each has a client manager and a supplier.
    #[arg(long, value_name = "HOSTS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub hosts: u32,
    /// Customers on each host.
    #[arg(long, value_name = "CUSTOMERS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=32))]
    pub customers: u32,
    /// Kill a store half-way and start it again.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub kill: bool,
    /// How long the killed store is away.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub away: f64,
    /// Cut connections between client managers and stores now and then.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub cut: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let fits = (0.0..=86_400.0).contains(&seconds);
    fits.then_some(seconds).ok_or_else(|| "not between 0 and 86400".to_owned())
}

/// Plays it all. The exit code says whether the audit found everything in order.
pub async fn play(options: Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // Dropping the stage, for whatever reason we leave, kills every process and removes what was temporary.
    let mut stage = Stage::build(options)?;
    // Whichever comes first: the end of the play, or Ctrl-C or SIGTERM.
    let verdict = tokio::select! {
        verdict = stage.play() => verdict,
        result = lifetime::ended() => {
            result?;
            stage.say("interrupted");
            stage.close(Duration::ZERO).await;
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    match verdict {
        Ok(verdict) => {
            stage.close(PATIENCE).await;
            table::print(&verdict)?;
            Ok(if verdict.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            stage.keep_logs();
            stage.close(Duration::ZERO).await;
            Err(error)
        }
    }
}
