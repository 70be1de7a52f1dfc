//! What a run found: one row for each scenario.
#![expect(clippy::print_stdout, reason = "the report is what the program is run for")]

use std::path::PathBuf;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::audit::Counts;
use crate::faults::Faults;
use crate::tally::Tally;

/// One scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) seconds: f64,
    pub(crate) seed: u64,
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// What processes reported before they were killed: at least so many.
    #[serde(flatten)]
    pub(crate) tally: Tally,
    pub(crate) faults: Faults,
    /// Other figures of this scenario, in words.
    pub(crate) figures: Vec<String>,
    /// What is not in order, in words.
    pub(crate) findings: Vec<String>,
    /// The command that does the same again.
    pub(crate) repeat: String,
    /// Where everything is that the processes wrote, if something is not in order.
    pub(crate) kept: Option<PathBuf>,
}

/// A column with numbers: its head, and what it shows of a row.
type Column = (&'static str, fn(&Row) -> u64);

const NUMBERS: [Column; 10] = [
    ("calls", |row| row.counts.calls),
    ("resent", |row| row.tally.resent),
    ("from the record", |row| row.tally.answered_from_record),
    ("Ok", |row| row.counts.ok),
    ("Never", |row| row.counts.never),
    ("Completed", |row| row.counts.completed),
    ("Unknown", |row| row.counts.unknown),
    ("settled later", |row| row.counts.settled),
    ("caller killed", |row| row.counts.caller_killed),
    ("double executions", |row| row.counts.double_executions),
];

/// Prints all rows, for people or as JSON.
pub(crate) fn print(rows: &[Row], json: bool) -> serde_json::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(rows)?);
        return Ok(());
    }
    println!("\n{}\n", table(rows));
    println!(
        "resent, from the record: at least, for what a process had not reported when it was killed is lost. settled\n\
         later: calls given up at their deadline whose receipt learnt the verdict. caller killed: nobody to be told."
    );
    for row in rows {
        println!("\n{}: {}", row.scenario, row.faults);
        row.figures.iter().for_each(|figure| println!("{}: {figure}", row.scenario));
        row.findings.iter().for_each(|finding| println!("{}: NOT IN ORDER: {finding}", row.scenario));
        if let Some(kept) = &row.kept {
            println!("{}: repeat with `{}`; what was noted is in {}", row.scenario, row.repeat, kept.display());
        }
    }
    let bad = rows.iter().filter(|row| !row.findings.is_empty()).count();
    println!(
        "\n{}",
        if bad == 0 { "everything in order".to_owned() } else { format!("NOT IN ORDER: {bad} scenarios") }
    );
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    let head = ["scenario", "seconds"].into_iter().chain(NUMBERS.iter().map(|(head, _)| *head));
    table.set_header(head.chain(["after deadline, ms", "audit"]));
    for row in rows {
        let first = [row.scenario.clone(), format!("{:.0}", row.seconds)];
        let numbers = NUMBERS.iter().map(|(_, number)| number(row).to_string());
        let late = format!("{:.1}", row.counts.late_max_micros as f64 / 1e3);
        let audit = if row.findings.is_empty() { "in order" } else { "NOT IN ORDER" };
        table.add_row(first.into_iter().chain(numbers).chain([late, audit.to_owned()]));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
