//! The verdict on a call: the one thing that says what its caller may do next.

use std::fmt;

/// Whether a call ran. What a caller may do next depends on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executed {
    /// It did not run, and it never will.
    Never,
    /// It ran and ended; that does not mean that it did all its work.
    Completed,
    /// It may have run.
    Unknown {
        /// Whether it may be running now, or start yet.
        may_still_run: bool,
    },
}

/// Nothing is known of the call, and it may yet start: what is said when in doubt.
pub(crate) const MAY_STILL_RUN: Executed = Executed::Unknown { may_still_run: true };

impl fmt::Display for Executed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Executed::Never => "never ran",
            Executed::Completed => "ran",
            Executed::Unknown { may_still_run: true } => "may have run and may still run",
            Executed::Unknown { may_still_run: false } => "may have run, and does not run any more",
        })
    }
}
