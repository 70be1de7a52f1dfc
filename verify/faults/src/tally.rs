//! What processes count, reported every few milliseconds, so that a kill loses little: the sums are «at least».

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often a process reports.
pub(crate) const TALLY_INTERVAL: Duration = Duration::from_millis(50);

/// Counts of one life, or sums of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Calls that callers sent again after a lost connection.
    pub(crate) resent: u64,
    /// Repeated calls that exporters answered without running them.
    pub(crate) answered_from_record: u64,
    /// Connections that callers made.
    pub(crate) connects: u64,
    /// Sessions that callers opened.
    pub(crate) sessions: u64,
}

impl Tally {
    /// Adds another's counts.
    pub(crate) fn add(&mut self, other: Tally) {
        self.resent += other.resent;
        self.answered_from_record += other.answered_from_record;
        self.connects += other.connects;
        self.sessions += other.sessions;
    }
}

/// The file that a life reports to.
#[derive(Debug)]
pub(crate) struct TallyFile {
    file: File,
    last: Tally,
}

impl TallyFile {
    pub(crate) fn create(path: &Path) -> io::Result<TallyFile> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(TallyFile { file, last: Tally::default() })
    }

    /// Appends the counts as they are now, unless nothing has changed.
    pub(crate) fn report(&mut self, tally: Tally) -> io::Result<()> {
        if tally != self.last {
            self.file.write_all(format!("{}\n", serde_json::to_string(&tally)?).as_bytes())?;
            self.last = tally;
        }
        Ok(())
    }
}

/// The last whole report in a file.
pub(crate) fn read(path: &Path) -> io::Result<Tally> {
    let text = std::fs::read_to_string(path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().last().map_or(Ok(Tally::default()), |line| serde_json::from_str(line).map_err(io::Error::other))
}
