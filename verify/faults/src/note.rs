//! What exporters and callers note while they run, in files that outlive them: the oracle.
//!
//! Each life of a process has a file of its own and appends to it, one line at a time. What was appended survives
//! `kill -9`; at most the last line is torn.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use rpc_runtime::Executed;
use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// The name of one call in a whole run, given by whoever makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CallId(pub(crate) u64);

const LIFE_BITS: u32 = 16;
const NUMBER_BITS: u32 = 40;

impl CallId {
    /// The call with this number of a caller's life.
    pub(crate) fn new(caller: u32, life: u32, number: u64) -> CallId {
        CallId((u64::from(caller) << (LIFE_BITS + NUMBER_BITS)) | (u64::from(life) << NUMBER_BITS) | number)
    }
}

impl fmt::Display for CallId {
    /// Caller, life and number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = (self.0 >> NUMBER_BITS) & ((1 << LIFE_BITS) - 1);
        let number = self.0 & ((1 << NUMBER_BITS) - 1);
        write!(f, "{}.{life}/{number}", self.0 >> (LIFE_BITS + NUMBER_BITS))
    }
}

/// One execution in a whole run: which life of which exporter, and the how many-eth of that life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) exporter: u32,
    pub(crate) life: u32,
    pub(crate) ordinal: u64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exporter {} in life {} as its run {}", self.exporter, self.life, self.ordinal)
    }
}

/// What a caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// A reply: it says which call it answers, and which run that was.
    Ok(CallId, Run),
    Never,
    Completed,
    Unknown {
        may_still_run: bool,
    },
}

impl From<Executed> for Outcome {
    fn from(executed: Executed) -> Outcome {
        match executed {
            Executed::Never => Outcome::Never,
            Executed::Completed => Outcome::Completed,
            Executed::Unknown { may_still_run } => Outcome::Unknown { may_still_run },
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Note {
    /// An exporter starts a call. On its way to the file before anything of the call is done.
    Started(CallId, Run, Moment),
    /// The call has ended. On its way to the file before the reply.
    Ended(CallId, Moment),
    /// A caller is about to make a call, and will wait so long.
    Asked(CallId, Moment, Duration),
    /// The call was answered.
    Answered(CallId, Moment, Outcome),
    /// The call failed, and so.
    Error(CallId, String),
    /// The receipt of a call that was given up has its verdict.
    Settled(CallId, Moment, Outcome),
    /// This life of a caller ended in order: every call that it made was answered.
    Closed,
}

/// The file of one life.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    /// Begins one.
    pub(crate) fn create(path: &Path) -> io::Result<Journal> {
        OpenOptions::new().append(true).create_new(true).open(path).map(Journal)
    }

    /// Appends a line. A process that cannot note what it does must not go on.
    pub(crate) fn note(&self, note: &Note) {
        let written = serde_json::to_string(note).map_err(io::Error::other).and_then(|line| {
            // One write in append mode: lines of several threads do not mix.
            (&self.0).write_all(format!("{line}\n").as_bytes())
        });
        if let Err(error) = written {
            tracing::error!(%error, "cannot note what happens");
            std::process::abort();
        }
    }
}

/// All whole lines of a file. A last line without an end was torn by a kill.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Note>> {
    let text = std::fs::read_to_string(path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is noted is read back, and a torn last line is left out.
    #[test]
    fn notes_outlive_their_process() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("exporter-1.1.calls");
        let run = Run { exporter: 1, life: 1, ordinal: 7 };
        let call = CallId::new(2, 3, 4);
        let notes = [
            Note::Started(call, run, Moment(1)),
            Note::Ended(call, Moment(2)),
            Note::Answered(call, Moment(3), Outcome::Ok(call, run)),
            Note::Settled(call, Moment(4), Outcome::Unknown { may_still_run: false }),
            Note::Closed,
        ];
        let journal = Journal::create(&path).expect("a new file");
        notes.iter().for_each(|note| journal.note(note));
        (&journal.0).write_all(b"{\"Started\":[1").expect("room");
        assert_eq!(read(&path).expect("a file"), notes);
        assert_eq!(call.to_string(), "2.3/4");
    }
}
