//! What was measured, for people and for programs: the table, the goals, the plots.

mod goals;
mod machine;
mod plot;
mod summary;
mod table;

use std::fs;
use std::path::Path;

use serde::Serialize;

use self::goals::Goal;
use self::machine::Machine;
use self::summary::{Figure, Summary};
use crate::contender::Error;
use crate::run::Runs;

/// How it is done again.
const COMMAND: &str = "cargo run --release -p bench -- run";

/// A system with more load than this when it began was not quiet.
const QUIET: f64 = 0.5;

/// Everything to be said about a run.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    machine: Machine,
    goals: Vec<Goal>,
    figures: Vec<Figure>,
    #[serde(flatten)]
    runs: &'a Runs,
}

impl<'a> Report<'a> {
    /// Sums up.
    pub(crate) fn new(runs: &'a Runs) -> Report<'a> {
        let summary = Summary::new(&runs.runs);
        let goals = goals::check(&summary);
        Report { machine: Machine::read(), goals, figures: summary.figures(), runs }
    }

    /// The table, its legend and the goals, as Markdown.
    pub(crate) fn text(&self) -> String {
        let Runs { seconds, rounds, failures, load_before, .. } = self.runs;
        let mut text = format!(
            "{}\n\nMedians of {rounds} rounds of {seconds} s, all contenders in turn in each round.\n\n{}\n{}\n{}",
            self.machine,
            table::table(&self.figures),
            table::LEGEND,
            goals::table(&self.goals)
        );
        if *load_before > QUIET {
            text.push_str(&format!("\nThe system was busy when it began (load {load_before}): times are noise.\n"));
        }
        for failure in failures {
            text.push_str(&format!("\nNot measured: {failure}\n"));
        }
        text
    }

    /// Writes `results.md`, `results.json` and the plots.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), Error> {
        fs::create_dir_all(directory)?;
        let mut page = format!("# Results\n\nWritten by `{COMMAND}`.\n\n{}\n", self.text());
        for (name, title) in plot::draw(&self.figures, directory)? {
            page.push_str(&format!("![{title}]({name}.svg)\n\n"));
        }
        fs::write(directory.join("results.md"), page.trim_end().to_owned() + "\n")?;
        fs::write(directory.join("results.json"), serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }
}
