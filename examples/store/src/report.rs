//! What a program tells while it runs: lines for people, or, with `--json`, the same as JSON for the runner.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How a program reports.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Reporting {
    /// Report as JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

/// Something worth telling. Numbers are totals since the program started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It serves now.
    Ready {
        /// Where it can be reached.
        endpoints: Vec<String>,
    },
    /// From a store.
    Store(StoreCounts),
    /// From a client manager.
    Manager(ManagerCounts),
    /// From a customer.
    Customer(CustomerCounts),
    /// From a supplier.
    Supplier(SupplierCounts),
    /// It has done what it was started for.
    Done,
}

/// What a store has done since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreCounts {
    /// Calls that ran, of all kinds.
    pub executed: u64,
    /// Calls that came again and were answered without running again.
    pub duplicates: u64,
}

/// What a client manager has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ManagerCounts {
    /// Calls to stores.
    pub calls: u64,
    /// Calls that were sent again after a lost connection.
    pub resent: u64,
    /// Calls that ended `Unknown`.
    pub unknown: u64,
    /// Of these, the ones whose outcome the store could tell.
    pub resolved: u64,
    /// Of these, the ones that had run.
    pub had_run: u64,
    /// Requests that were turned away because the workpile was full.
    pub busy: u64,
}

/// What a customer has done.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CustomerCounts {
    /// Copies checked out.
    pub checked_out: u64,
    /// Objects played to the end and found right.
    pub played: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Time spent playing.
    pub seconds: f64,
    /// Copies returned.
    pub returned: u64,
    /// Refusals with a typed reason: the limit, or no copy left.
    pub refused: u64,
    /// Requests of which nobody could say what became.
    pub unresolved: u64,
}

/// What a supplier has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SupplierCounts {
    /// Times that all its files were brought.
    pub deliveries: u64,
    /// Copies brought.
    pub copies: u64,
    /// Bytes that travelled.
    pub bytes: u64,
    /// Requests of which nobody could say what became.
    pub unresolved: u64,
}

/// Where a program's reports go.
#[derive(Debug)]
pub struct Reporter {
    json: bool,
    name: String,
    started: Instant,
    last: Mutex<Option<String>>,
}

impl Reporter {
    /// Reports of the program `name`.
    pub fn new(reporting: Reporting, name: impl Into<String>) -> Self {
        Self { json: reporting.json, name: name.into(), started: Instant::now(), last: Mutex::default() }
    }

    /// How long to wait between two reports: people want fewer.
    pub fn every(&self) -> Duration {
        if self.json { Duration::from_millis(200) } else { Duration::from_secs(2) }
    }

    /// Tells `event`, unless it is what was told last. Whether anybody listens is not the program's business.
    pub fn tell(&self, event: &Event) {
        let text = if self.json { serde_json::to_string(event).unwrap_or_default() } else { event.to_string() };
        // Held for the length of one line, so that lines of several tasks do not mix.
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.as_ref() == Some(&text) {
            return;
        }
        let mut out = std::io::stdout().lock();
        let _ = match self.json {
            true => writeln!(out, "{text}"),
            false => writeln!(out, "{:7.1}s  {}  {text}", self.started.elapsed().as_secs_f64(), self.name),
        };
        let _ = out.flush();
        *last = Some(text);
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ready { endpoints } if endpoints.is_empty() => f.write_str("ready"),
            Self::Ready { endpoints } => write!(f, "ready at {}", endpoints.join(", ")),
            Self::Store(counts) => {
                write!(f, "{} calls ran, {} repeats answered without running", counts.executed, counts.duplicates)
            }
            Self::Manager(counts) => write!(
                f,
                "{} calls, {} resent, {} unknown ({} resolved), {} turned away",
                counts.calls, counts.resent, counts.unknown, counts.resolved, counts.busy
            ),
            Self::Customer(counts) => write!(
                f,
                "{} checked out, {} played ({} bytes), {} returned, {} refused",
                counts.checked_out, counts.played, counts.bytes, counts.returned, counts.refused
            ),
            Self::Supplier(counts) => {
                write!(f, "{} copies, {} bytes, {} deliveries", counts.copies, counts.bytes, counts.deliveries)
            }
            Self::Done => f.write_str("done"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told as JSON is read back as it was.
    #[test]
    fn events_travel_as_json() {
        for event in [
            Event::Ready { endpoints: vec!["tcp://127.0.0.1:1".into()] },
            Event::Store(StoreCounts { executed: 3, duplicates: 1 }),
            Event::Customer(CustomerCounts { seconds: 0.5, ..CustomerCounts::default() }),
            Event::Done,
        ] {
            let line = serde_json::to_string(&event).expect("plain data");
            assert_eq!(serde_json::from_str::<Event>(&line).expect("what was written"), event);
        }
    }
}
