//! What was measured beside what was to be reached, for people.

use std::io::{Write, stdout};

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};

use crate::contender::Error;

/// A table of figures, some of them with a goal.
pub(crate) struct Goals {
    table: Table,
}

impl Goals {
    /// An empty table.
    pub(crate) fn new() -> Goals {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(["figure", "measured", "goal", "met"]);
        Goals { table }
    }

    /// A figure that is good to know.
    pub(crate) fn note(&mut self, what: &str, measured: impl Into<String>) {
        self.table.add_row([what, &measured.into(), "", ""]);
    }

    /// A figure with a goal.
    pub(crate) fn check(&mut self, what: &str, measured: impl Into<String>, goal: &str, met: bool) {
        self.table.add_row([what, &measured.into(), goal, if met { "yes" } else { "NO" }]);
    }

    /// Prints the table.
    pub(crate) fn print(mut self) -> Result<(), Error> {
        if let Some(measured) = self.table.column_mut(1) {
            measured.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(stdout(), "{}", self.table)?;
        Ok(())
    }
}

/// A whole number with its thousands set apart.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands are set apart from the right, and only them.
    #[test]
    fn thousands_are_set_apart() {
        let shown = [0.0, 999.0, 1_000.4, 100_000.0, 1_234_567.0].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "100,000", "1,234,567"]);
    }
}
