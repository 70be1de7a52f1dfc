//! How often each fault was done: a scenario that did none has shown nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Counts by what was done, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Faults(BTreeMap<String, u64>);

impl Faults {
    /// One more.
    pub(crate) fn add(&mut self, what: impl Into<String>) {
        self.add_many(what, 1);
    }

    /// So many more; none is worth telling too.
    pub(crate) fn add_many(&mut self, what: impl Into<String>, count: u64) {
        *self.0.entry(what.into()).or_default() += count;
    }

    /// The faults that were meant to be done, and were not.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, count)| **count == 0).map(|(what, _)| what.as_str())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (what, count)) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{count} {what}")?;
        }
        Ok(())
    }
}
