//! How often each harm was done.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one proxy.
#[derive(Debug, Default)]
pub(crate) struct Harm {
    pub(super) cut: AtomicU64,
    pub(super) delayed: AtomicU64,
    pub(super) swallowed: AtomicU64,
    /// Connections whose bytes reached the other side after their session had gone on.
    pub(super) late_to_exporter: AtomicU64,
    pub(super) late_to_caller: AtomicU64,
}

impl Harm {
    /// Each by its name.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 5] {
        [
            ("connections cut", &self.cut),
            ("connections delayed", &self.delayed),
            ("connections with replies swallowed", &self.swallowed),
            ("old connections' bytes delivered late to exporters", &self.late_to_exporter),
            ("old connections' bytes delivered late to callers", &self.late_to_caller),
        ]
        .map(|(what, count)| (what, count.load(Ordering::Relaxed)))
    }
}
