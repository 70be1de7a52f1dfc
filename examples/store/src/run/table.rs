//! The table at the end.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{DecimalBytes, HumanCount};

use super::verdict::Verdict;

/// Prints what was done and what was found.
pub(super) fn print(verdict: &Verdict) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{}", summary(verdict))?;
    writeln!(out, "\n{}", stores(verdict))?;
    for finding in &verdict.findings {
        writeln!(out, "NOT IN ORDER: {finding}")?;
    }
    if verdict.is_good() {
        writeln!(out, "\naudit: every object accounted for, double executions 0")?;
    }
    out.flush()
}

fn summary(verdict: &Verdict) -> Table {
    let (sums, count) = (&verdict.sums, |number: u64| HumanCount(number).to_string());
    let (supplier, customer, manager) = (sums.supplier, sums.customer, sums.manager);
    let speed = customer.bytes as f64 / verdict.elapsed.as_secs_f64().max(0.001) / 1e6;
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["what", "how often", ""]);
    let mut row = |what: &str, number: String, more: String| {
        table.add_row([what.to_owned(), number, more]);
    };
    row(
        "supplied",
        count(supplier.copies),
        format!("copies of {} objects, {}", verdict.objects, DecimalBytes(supplier.bytes)),
    );
    row(
        "checked out",
        count(customer.checked_out),
        format!("{} more were refused: limit, or no copy left", count(customer.refused)),
    );
    row(
        "played",
        count(customer.played),
        format!("{}, {speed:.1} MB/s, every SHA-256 right", DecimalBytes(customer.bytes)),
    );
    row("returned", count(customer.returned), String::new());
    row("calls", count(manager.calls), format!("{} requests found the workpile full", count(manager.busy)));
    row("calls resent", count(manager.resent), format!("after {} cut connections", count(verdict.cuts)));
    row("duplicates", count(sums.store.duplicates), "answered from the record, not run again".into());
    row(
        "verdicts Unknown",
        count(manager.unknown),
        format!(
            "{} resolved by asking the store: {} had run, {} had not",
            count(manager.resolved),
            count(manager.had_run),
            count(manager.resolved - manager.had_run)
        ),
    );
    row(
        "accounted for",
        format!("{} of {}", verdict.accounted, verdict.objects),
        "objects: store, bytes, copies, none out".into(),
    );
    row("double executions", count(verdict.double_executions), "counted by the stores, on disk".into());
    align(&mut table, 1..2);
    table
}

fn stores(verdict: &Verdict) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "store",
        "started",
        "objects",
        "copies",
        "supplied",
        "checked out",
        "refused",
        "returned",
        "out",
        "ran twice",
    ]);
    for (part, audit) in &verdict.audits {
        let copies: u64 = audit.holdings.iter().map(|holding| u64::from(holding.copies)).sum();
        let numbers = [
            audit.starts,
            audit.holdings.len() as u64,
            copies,
            audit.supply_commit.done,
            audit.check_out.done,
            audit.check_out.refused,
            audit.return_loan.done,
            audit.loans,
            audit.double_executions,
        ];
        let numbers = numbers.map(|number| HumanCount(number).to_string());
        table.add_row(std::iter::once(part.to_string()).chain(numbers));
    }
    align(&mut table, 1..10);
    table
}

fn align(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
