//! Attacks on the resources of an exporter. Each prints what it cost the exporter, beside the bound that must hold;
//! the exporter is a process of its own, so that its memory, its descriptors and its life are read from the system.

mod attack;
mod good;
mod process;
mod raw;
mod report;
mod victim;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::attack::{Attack, Scale};
use crate::report::Report;
use crate::victim::Settings;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Attacks an exporter's resources, and says what each attack costs it.
///
/// Times are compared with times of the same run, and an attack whose times are too long is made up to five times, as a
/// busy machine makes everything slow. Counts and bytes have one chance.
#[derive(Debug, Parser)]
struct Cli {
    /// Which attacks; all of them if none is named.
    #[arg(value_enum)]
    attacks: Vec<Attack>,
    /// With the numbers for a release.
    #[arg(long)]
    full: bool,
    /// Figures as JSON, for programs.
    #[arg(long)]
    json: bool,
    /// Be the exporter under attack: the process starts itself so.
    #[arg(long, hide = true, value_name = "SETTINGS")]
    victim: Option<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let cli = Cli::parse();
    if let Some(settings) = cli.victim {
        victim::serve(&serde_json::from_str::<Settings>(&settings)?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let scale = if cli.full { Scale::Full } else { Scale::EveryChange };
    let attacks = if cli.attacks.is_empty() { Attack::value_variants() } else { &cli.attacks };
    let mut report = Report::new(cli.json);
    for attack in attacks {
        report.add(attack.make(scale).await);
    }
    report.print()?;
    Ok(if report.has_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
