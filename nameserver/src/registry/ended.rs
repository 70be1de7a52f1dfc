//! The registrations that were replaced or unregistered: they must not come back (R22), so their end is remembered.
//!
//! Those that merely expired are not entered; a registration that is neither held nor here has expired. The table is
//! bounded: of what lies below the highest number that was pushed out, nothing certain can be said.

use std::collections::BTreeMap;

use rpc_runtime::directory::Ended;

use super::bounds::ENDED_MAX;

/// Ends by the number of the registration.
#[derive(Debug, Default)]
pub(crate) struct EndedTable {
    ends: BTreeMap<u64, Ended>,
    /// The highest number that was pushed out.
    floor: u64,
}

impl EndedTable {
    pub(crate) fn restore(ends: BTreeMap<u64, Ended>, floor: u64) -> Self {
        Self { ends, floor }
    }

    /// Remembers an end that is no expiry; gives the number that had to go for it, if any.
    pub(crate) fn enter(&mut self, epoch: u64, why: Ended) -> Option<u64> {
        self.ends.insert(epoch, why);
        if self.ends.len() <= ENDED_MAX {
            return None;
        }
        let (oldest, _) = self.ends.pop_first()?;
        self.floor = self.floor.max(oldest);
        Some(oldest)
    }

    /// Why a registration that is not held is over.
    pub(crate) fn why(&self, epoch: u64) -> Ended {
        match self.ends.get(&epoch) {
            Some(why) => *why,
            None if epoch <= self.floor => Ended::Forgotten,
            None => Ended::Expired,
        }
    }

    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R22: what was pushed out at the bound is not taken for expired, so that it cannot come back.
    #[test]
    fn at_the_bound_the_oldest_is_forgotten_but_does_not_return() {
        let mut ended = EndedTable::default();
        for epoch in 10..10 + ENDED_MAX as u64 {
            assert_eq!(ended.enter(epoch, Ended::Replaced), None);
        }
        assert_eq!(ended.why(5), Ended::Expired);
        assert_eq!(ended.enter(1_000_000, Ended::Unregistered), Some(10));

        assert_eq!(ended.why(10), Ended::Forgotten);
        assert_eq!(ended.why(5), Ended::Forgotten, "nothing certain can be said below the floor");
        assert!(!ended.why(10).may_return());
        assert_eq!(ended.why(11), Ended::Replaced);
        assert_eq!(ended.why(1_000_000), Ended::Unregistered);
        assert_eq!(ended.why(999_999), Ended::Expired);
    }
}
