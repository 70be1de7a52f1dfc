//! What a directory knows about one exporter, and how an importer says which one it wants.

use std::collections::BTreeMap;

use crate::Message;
use crate::protocol::id::{Epoch, Incarnation};

/// One registered instance of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub struct Entry {
    /// The interface's full name: `library.v1.Store`.
    pub interface: String,
    /// The exporter's name among those of its interface.
    pub instance: String,
    /// The life of the process that exports it; the handshake refuses any other (so a stale entry does no harm).
    pub incarnation: Incarnation,
    /// The number of this registration: a later one of the same name has a higher number.
    pub epoch: Epoch,
    /// Where to reach it, best first: `tcp://10.0.0.7:4711`, `unix:/run/store.sock`.
    pub endpoints: Vec<String>,
    /// What the exporter says about itself.
    pub labels: BTreeMap<String, String>,
    /// The groups whose calls it takes a share of.
    pub groups: Vec<String>,
    /// Whether calls should go there.
    pub state: EntryState,
}

/// Whether calls should go to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Message)]
#[rpc(crate = "crate")]
pub enum EntryState {
    /// Its lease is being renewed.
    #[default]
    Live,
    /// Its lease has ended together with so many others that the fault may lie with the directory: it is kept,
    /// and worth a try when nothing better is there (R24).
    Suspect,
    /// It finishes what it has and refuses new calls.
    Draining,
}

/// Which instances of an interface are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
#[rpc(crate = "crate")]
pub enum Selector {
    /// The one of this name.
    Instance(String),
    /// Those that carry this label with this value.
    Label {
        /// The label's name.
        key: String,
        /// The value it must have.
        value: String,
    },
    /// The members of this group.
    Group(String),
    /// All of them.
    Any,
}

impl Selector {
    /// Whether `entry` is one of those that are meant.
    pub fn matches(&self, entry: &Entry) -> bool {
        match self {
            Self::Instance(instance) => entry.instance == *instance,
            Self::Label { key, value } => entry.labels.get(key) == Some(value),
            Self::Group(group) => entry.groups.contains(group),
            Self::Any => true,
        }
    }
}

impl From<&str> for Selector {
    fn from(instance: &str) -> Self {
        Self::Instance(instance.to_owned())
    }
}

impl From<String> for Selector {
    fn from(instance: String) -> Self {
        Self::Instance(instance)
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Instance(instance) => write!(f, "instance `{instance}`"),
            Self::Label { key, value } => write!(f, "label {key}={value}"),
            Self::Group(group) => write!(f, "group `{group}`"),
            Self::Any => write!(f, "any instance"),
        }
    }
}

/// What a lookup found: possibly nothing, which is not an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The matching entries.
    pub entries: Vec<Entry>,
    /// Whether they were answered from the cache, because the directory is away (R20).
    pub stale: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::entry;

    /// Each selector finds what it names, and nothing else.
    #[test]
    fn selectors_match_what_they_name() {
        let mut store = entry("a-m", 1);
        store.labels.insert("zone".into(), "b".into());
        store.groups.push("east".into());
        let label = |value: &str| Selector::Label { key: "zone".into(), value: value.into() };

        assert!(Selector::from("a-m").matches(&store));
        assert!(!Selector::from("n-z").matches(&store));
        assert!(label("b").matches(&store));
        assert!(!label("c").matches(&store));
        assert!(Selector::Group("east".into()).matches(&store));
        assert!(!Selector::Group("west".into()).matches(&store));
        assert!(Selector::Any.matches(&store));
    }
}
