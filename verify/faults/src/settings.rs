//! What the processes of a run are told: one JSON text on their command line.

use std::path::PathBuf;
use std::time::Duration;

use rpc_runtime::{Limits, Selector};
use serde::{Deserialize, Serialize};

/// The group that all exporters are members of.
pub(crate) const GROUP: &str = "ledgers";

/// The name of an exporter.
pub(crate) fn instance(exporter: u32) -> String {
    format!("ledger-{exporter}")
}

/// How long things take in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timing {
    /// The lease of sessions.
    pub(crate) lease: Duration,
    /// The lease of registrations.
    pub(crate) ttl: Duration,
    /// How often a caller asks whether its callee is there.
    pub(crate) ping: Duration,
    /// How long reaching an address may take.
    pub(crate) dial: Duration,
    /// Calls have deadlines between these two.
    pub(crate) timeout_min: Duration,
    pub(crate) timeout_max: Duration,
}

impl Timing {
    /// The limits of a node that keeps to this.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.session_lease = self.lease;
        limits.ping_after = self.ping;
        limits.dial_timeout = self.dial;
        limits.handshake_timeout = self.dial;
        limits
    }
}

/// Whom a binding of a caller leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Target {
    /// One exporter, whichever life it is in.
    Exporter(u32),
    Group,
    Any,
}

impl Target {
    pub(crate) fn selector(self) -> Selector {
        match self {
            Target::Exporter(exporter) => Selector::Instance(instance(exporter)),
            Target::Group => Selector::Group(GROUP.to_owned()),
            Target::Any => Selector::Any,
        }
    }
}

/// What a process is, and what it needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Nameserver(NameserverSettings),
    Exporter(ExporterSettings),
    Caller(CallerSettings),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NameserverSettings {
    pub(crate) listen: String,
    pub(crate) data: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExporterSettings {
    pub(crate) number: u32,
    pub(crate) life: u32,
    pub(crate) nameserver: String,
    pub(crate) listen: String,
    /// Registered in place of where it listens.
    pub(crate) advertise: Option<String>,
    pub(crate) timing: Timing,
    /// Keeps little of each session's replies, so that some large ones are lost with their connection.
    pub(crate) is_forgetful: bool,
    pub(crate) journal: PathBuf,
    pub(crate) tally: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallerSettings {
    pub(crate) number: u32,
    pub(crate) life: u32,
    pub(crate) nameserver: String,
    /// One binding for each.
    pub(crate) targets: Vec<Target>,
    /// So many tasks make calls, one after another, on each binding.
    pub(crate) tasks: u32,
    /// The longest rest of a task between two calls.
    pub(crate) rest_max: Duration,
    pub(crate) timing: Timing,
    /// Makes a call again if it may have run: what callers must not do.
    pub(crate) is_naive: bool,
    pub(crate) seed: u64,
    pub(crate) journal: PathBuf,
    pub(crate) tally: PathBuf,
}
