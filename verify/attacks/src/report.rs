//! What the attacks found, for people and for programs.
#![expect(clippy::print_stderr, reason = "how far it is, beside the report")]

use std::io::{Write, stdout};
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

use crate::Failure;

/// One thing that was measured, beside the bound that must hold.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    what: String,
    value: f64,
    unit: Unit,
    bound: Bound,
    passed: bool,
    /// Whether a busy machine can spoil it.
    is_time: bool,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Count,
    Bytes,
    Milliseconds,
    Ratio,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    fn new(what: impl Into<String>, value: f64, unit: Unit, bound: Bound) -> Figure {
        let passed = match bound {
            Bound::AtMost(max) => value <= max,
            Bound::AtLeast(min) => value >= min,
        };
        let is_time = matches!(unit, Unit::Milliseconds | Unit::Ratio);
        Figure { what: what.into(), value, unit, bound, passed, is_time }
    }

    /// At most so many.
    pub(crate) fn count(what: impl Into<String>, value: u64, max: u64) -> Figure {
        Figure::new(what, value as f64, Unit::Count, Bound::AtMost(max as f64))
    }

    /// At least so many.
    pub(crate) fn enough(what: impl Into<String>, value: u64, min: u64) -> Figure {
        Figure::new(what, value as f64, Unit::Count, Bound::AtLeast(min as f64))
    }

    /// At most so many bytes.
    pub(crate) fn bytes(what: impl Into<String>, value: u64, max: u64) -> Figure {
        Figure::new(what, value as f64, Unit::Bytes, Bound::AtMost(max as f64))
    }

    /// At most so long.
    pub(crate) fn time(what: impl Into<String>, value: Duration, max: Duration) -> Figure {
        Figure::new(what, value.as_secs_f64() * 1e3, Unit::Milliseconds, Bound::AtMost(max.as_secs_f64() * 1e3))
    }

    /// At most so many times as much.
    pub(crate) fn ratio(what: impl Into<String>, value: f64, max: f64) -> Figure {
        Figure::new(what, value, Unit::Ratio, Bound::AtMost(max))
    }

    /// At least such a share.
    pub(crate) fn share(what: impl Into<String>, value: f64, min: f64) -> Figure {
        Figure::new(what, value, Unit::Ratio, Bound::AtLeast(min))
    }

    /// Takes the place of one that was spoilt, or that did not yet fail for good.
    pub(crate) fn or(&mut self, again: Figure) {
        if self.is_spoilt() || again.has_failed_for_good() {
            *self = again;
        }
    }

    /// Whether another try may go better.
    pub(crate) fn is_spoilt(&self) -> bool {
        self.is_time && !self.passed
    }

    /// Whether it failed, on a machine however busy.
    pub(crate) fn has_failed_for_good(&self) -> bool {
        !self.is_time && !self.passed
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Count => format!("{value:.0}"),
            Unit::Bytes if value < 1e6 => format!("{:.1} KiB", value / 1024.0),
            Unit::Bytes => format!("{:.1} MiB", value / 1024.0 / 1024.0),
            Unit::Milliseconds if value < 10.0 => format!("{value:.2} ms"),
            Unit::Milliseconds => format!("{value:.0} ms"),
            Unit::Ratio => format!("{:.0} %", value * 100.0),
        }
    }
}

/// What came of one attack.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) attack: String,
    pub(crate) figures: Vec<Figure>,
    /// How often it was made.
    pub(crate) tries: u32,
    /// Why it could not be made to its end.
    pub(crate) error: Option<String>,
    pub(crate) seconds: f64,
}

impl Outcome {
    fn has_passed(&self) -> bool {
        self.error.is_none() && self.figures.iter().all(|figure| figure.passed)
    }
}

/// What came of all of them.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(skip)]
    json: bool,
    outcomes: Vec<Outcome>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Report {
        Report { json, outcomes: Vec::new() }
    }

    /// Adds an attack, and says at once whether it passed.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        let said = if outcome.has_passed() { "held" } else { "FAILED" };
        eprintln!("{}: {said} after {:.1} s, {} tries", outcome.attack, outcome.seconds, outcome.tries);
        self.outcomes.push(outcome);
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.outcomes.iter().all(Outcome::has_passed)
    }

    pub(crate) fn print(&self) -> Result<(), Failure> {
        if self.json {
            writeln!(stdout(), "{}", serde_json::to_string_pretty(self)?)?;
        } else {
            writeln!(stdout(), "{}", self.table())?;
        }
        Ok(())
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(["attack", "figure", "measured", "bound", "passed"]);
        for outcome in &self.outcomes {
            for figure in &outcome.figures {
                let bound = match figure.bound {
                    Bound::AtMost(max) => format!("≤ {}", figure.unit.show(max)),
                    Bound::AtLeast(min) => format!("≥ {}", figure.unit.show(min)),
                };
                let passed = if figure.passed { "yes" } else { "NO" };
                let measured = figure.unit.show(figure.value);
                table.add_row([outcome.attack.as_str(), &figure.what, &measured, &bound, passed]);
            }
            if let Some(error) = &outcome.error {
                table.add_row([outcome.attack.as_str(), error, "", "", "NO"]);
            }
        }
        for column in [2, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}
