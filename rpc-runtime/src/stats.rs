//! What a node and a binding count. Counters only rise; reading them costs nothing on the road of a call.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that many tasks add to.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// One more. Relaxed: a count, which orders nothing else.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One more, where all who add to it hold one lock: without an instruction that cores agree upon.
    #[inline]
    pub(crate) fn add_locked(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// So many more.
    pub(crate) fn add_many(&self, count: u64) {
        if count > 0 {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a node has done as a callee. See [`Node::stats`](crate::Node::stats).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NodeStats {
    /// Calls that an implementation was started for.
    pub calls_executed: u64,
    /// Repeated calls that were answered from the record, or joined to the run in progress, and not run again.
    pub duplicates_answered: u64,
    /// Calls that were refused.
    pub calls_refused: u64,
    /// Sessions opened.
    pub sessions_opened: u64,
    /// Sessions taken to a new connection.
    pub sessions_attached: u64,
    /// Connections accepted.
    pub connections_accepted: u64,
    /// Connections closed because of what came on them.
    pub connections_rejected: u64,
}

#[derive(Debug, Default)]
pub(crate) struct NodeCounters {
    pub(crate) calls_executed: Counter,
    pub(crate) duplicates_answered: Counter,
    pub(crate) calls_refused: Counter,
    pub(crate) sessions_opened: Counter,
    pub(crate) sessions_attached: Counter,
    pub(crate) connections_accepted: Counter,
    pub(crate) connections_rejected: Counter,
}

impl NodeCounters {
    pub(crate) fn read(&self) -> NodeStats {
        NodeStats {
            calls_executed: self.calls_executed.read(),
            duplicates_answered: self.duplicates_answered.read(),
            calls_refused: self.calls_refused.read(),
            sessions_opened: self.sessions_opened.read(),
            sessions_attached: self.sessions_attached.read(),
            connections_accepted: self.connections_accepted.read(),
            connections_rejected: self.connections_rejected.read(),
        }
    }
}

/// What a binding has done. See [`Binding::stats`](crate::Binding::stats).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BindingStats {
    /// Calls made.
    pub calls: u64,
    /// Calls sent again after a lost connection.
    pub resent: u64,
    /// Calls that ended `Unknown`: they may have run.
    pub unknown: u64,
    /// Connections made.
    pub connects: u64,
    /// Sessions opened: one, and one more for each restart of the exporter.
    pub sessions: u64,
}

#[derive(Debug, Default)]
pub(crate) struct BindingCounters {
    pub(crate) calls: Counter,
    pub(crate) resent: Counter,
    pub(crate) unknown: Counter,
    pub(crate) connects: Counter,
    pub(crate) sessions: Counter,
}

impl BindingCounters {
    pub(crate) fn read(&self) -> BindingStats {
        BindingStats {
            calls: self.calls.read(),
            resent: self.resent.read(),
            unknown: self.unknown.read(),
            connects: self.connects.read(),
            sessions: self.sessions.read(),
        }
    }
}
