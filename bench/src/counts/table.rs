//! What was counted beside what it may be, as a table in Markdown.

use std::io::{Write, stdout};

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use super::limits::ALLOCATIONS_MAX;
use super::pair::{Side, Work};
use super::strace::SystemCalls;
use crate::contender::Error;
use crate::goal::thousands;

/// The rows so far.
pub(crate) struct Counts {
    table: Table,
    exceeded: usize,
}

impl Counts {
    /// No rows.
    pub(crate) fn new() -> Counts {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(["of each call", "counted", "allowed", "kept"]);
        Counts { table, exceeded: 0 }
    }

    /// What the framework allocates.
    pub(crate) fn allocations(&mut self, work: Work, side: Side, counted: f64, own: f64) {
        let name = side.name();
        let own = if own > 0.0 { format!(", beside {own} that the signature owns") } else { String::new() };
        let max = Some((ALLOCATIONS_MAX, show(ALLOCATIONS_MAX)));
        self.add(format!("allocations, {work}, {name}{own}"), counted, show(counted), max);
    }

    /// What is done in user space.
    pub(crate) fn instructions(&mut self, work: Work, side: Side, counted: f64, max: f64) {
        let name = side.name();
        self.add(format!("instructions, {work}, {name}"), counted, thousands(counted), Some((max, thousands(max))));
    }

    /// What is asked of the system.
    pub(crate) fn system_calls(&mut self, work: Work, counted: &SystemCalls, max: Option<&SystemCalls>) {
        let rows = [
            ("sends", counted.sends, max.map(|max| max.sends)),
            ("receives", counted.receives, max.map(|max| max.receives)),
            ("epoll waits", counted.waits, max.map(|max| max.waits)),
            ("other system calls", counted.others, max.map(|max| max.others)),
        ];
        for (name, counted, max) in rows {
            let max = max.map(|max| (max, show(max)));
            self.add(format!("{name}, {work}, both sides"), counted, show(counted), max);
        }
    }

    fn add(&mut self, what: String, counted: f64, shown: String, max: Option<(f64, String)>) {
        let (allowed, kept) = match max {
            None => (String::new(), ""),
            Some((max, allowed)) if counted <= max => (allowed, "yes"),
            Some((_, allowed)) => {
                self.exceeded += 1;
                (allowed, "NO")
            }
        };
        self.table.add_row([what.as_str(), &shown, &allowed, kept]);
    }

    /// Prints the table. An error if something is more than it may be.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        for column in [1, 2] {
            if let Some(column) = self.table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(stdout(), "{}", self.table)?;
        match self.exceeded {
            0 => Ok(()),
            exceeded => {
                Err(format!("{exceeded} counts are more than is allowed (`bench/src/counts/limits.rs`)").into())
            }
        }
    }
}

fn show(count: f64) -> String {
    format!("{count:.3}")
}
