//! When registrations end that nobody renews, and when it would be wrong to believe that they have (R22, R24).
//!
//! A few leases that end are exporters that died. Many that end together are more likely a fault on the way to the
//! nameserver, or in it: then the entries are kept as suspect, because a list of exporters that may be gone is
//! better than none. What counts as failing is not only what has ended but also what has missed a renewal, so that
//! the first of a mass of leases to end is already protected.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// More leases than this share ending within one ttl are suspected of being alive (R24).
pub const SUSPECT_PERCENT: usize = 15;
/// A single lease that ends is no mass, however few there are.
pub const SUSPECT_MIN: usize = 2;
/// A suspect entry goes in the end, after so many of its ttl: if it lives it will register again.
pub const SUSPECT_TTLS_MAX: u32 = 40;
/// Between two sweeps lies less than this, unless the nameserver itself stood still: then nobody is to blame, and every
/// lease is lengthened by the time that was lost.
pub const STANDSTILL: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
struct Lease {
    ttl: Duration,
    /// When it ends; for a suspect one, when it ended.
    end: Duration,
    suspect: bool,
}

/// The leases of all registrations, by number. Time is the length of time since an origin that the driver chooses.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    leases: HashMap<u64, Lease>,
    /// Those that are not suspect, by their end.
    ends: BTreeSet<(Duration, u64)>,
    suspects: BTreeSet<u64>,
    /// Those that expired lately: when, and when the ttl after that is over.
    expired: VecDeque<(Duration, Duration)>,
    /// Since when there has been no mass of failing leases.
    calm_since: Option<Duration>,
    swept: Option<Duration>,
}

/// What a sweep found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// These are over.
    pub(crate) expired: Vec<u64>,
    /// These have ended, but are kept.
    pub(crate) suspected: Vec<u64>,
    /// The time for which the nameserver stood still, if it did.
    pub(crate) stood_still: Option<Duration>,
}

impl Leases {
    /// Gives `epoch` a full ttl from `now`; says whether it had been suspect.
    pub(crate) fn renew(&mut self, epoch: u64, ttl: Duration, now: Duration) -> bool {
        let was_suspect = self.end(epoch);
        let end = now + ttl;
        self.leases.insert(epoch, Lease { ttl, end, suspect: false });
        self.ends.insert((end, epoch));
        was_suspect
    }

    /// Forgets `epoch`; says whether it was suspect.
    pub(crate) fn end(&mut self, epoch: u64) -> bool {
        let Some(lease) = self.leases.remove(&epoch) else { return false };
        if lease.suspect {
            self.suspects.remove(&epoch);
        } else {
            self.ends.remove(&(lease.end, epoch));
        }
        lease.suspect
    }

    pub(crate) fn is_suspect(&self, epoch: u64) -> bool {
        self.suspects.contains(&epoch)
    }

    pub(crate) fn suspects(&self) -> usize {
        self.suspects.len()
    }

    /// Finds what has ended by `now`. Forgets what it calls expired.
    pub(crate) fn sweep(&mut self, now: Duration) -> Swept {
        let since = now.saturating_sub(self.swept.replace(now).unwrap_or(now));
        if since > STANDSTILL {
            self.lengthen(since);
            return Swept { stood_still: Some(since), ..Swept::default() };
        }
        let due: Vec<u64> = self.ends.range(..=(now, u64::MAX)).map(|(_, epoch)| *epoch).collect();
        if due.is_empty() && self.suspects.is_empty() {
            return Swept::default();
        }

        let mut swept = Swept::default();
        if self.is_mass(due.len(), now) {
            self.calm_since = None;
            due.iter().for_each(|epoch| self.suspect(*epoch));
            swept.suspected = due;
        } else {
            self.calm_since.get_or_insert(now);
            swept.expired = due;
        }
        swept.expired.extend(self.suspects.iter().copied().filter(|epoch| self.is_overdue(*epoch, now)));
        for epoch in &swept.expired {
            self.expire(*epoch, now);
        }
        swept
    }

    /// R24: whether the leases that fail are too many to be believed.
    fn is_mass(&mut self, due: usize, now: Duration) -> bool {
        while self.expired.front().is_some_and(|(_, until)| *until <= now) {
            self.expired.pop_front();
        }
        // Renewals come at a third of the ttl: with less than half of it left, one is missing.
        let late =
            self.ends.iter().skip(due).filter(|(end, epoch)| {
                self.leases.get(epoch).is_some_and(|lease| end.saturating_sub(now) < lease.ttl / 2)
            });
        let failing = due + late.count() + self.suspects.len() + self.expired.len();
        let all = self.leases.len() + self.expired.len();
        failing >= SUSPECT_MIN && failing * 100 > all * SUSPECT_PERCENT
    }

    fn suspect(&mut self, epoch: u64) {
        if let Some(lease) = self.leases.get_mut(&epoch) {
            lease.suspect = true;
            self.ends.remove(&(lease.end, epoch));
            self.suspects.insert(epoch);
        }
    }

    /// Whether a suspect is to be given up: all else has been well for one ttl, or it has been suspect for too long.
    fn is_overdue(&self, epoch: u64, now: Duration) -> bool {
        let Some(lease) = self.leases.get(&epoch) else { return false };
        let calm = self.calm_since.is_some_and(|since| now.saturating_sub(since) >= lease.ttl);
        calm || now.saturating_sub(lease.end) >= lease.ttl * SUSPECT_TTLS_MAX
    }

    fn expire(&mut self, epoch: u64, now: Duration) {
        let Some(lease) = self.leases.get(&epoch).copied() else { return };
        self.end(epoch);
        // What was suspect for long does not count as having ended now.
        if !lease.suspect {
            self.expired.push_back((now, now + lease.ttl));
        }
    }

    fn lengthen(&mut self, by: Duration) {
        self.ends.clear();
        for (epoch, lease) in &mut self.leases {
            lease.end += by;
            if !lease.suspect {
                self.ends.insert((lease.end, *epoch));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(15);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// `count` leases from number 1 on, renewed at zero.
    fn leases(count: u64) -> Leases {
        let mut leases = Leases::default();
        (1..=count).for_each(|epoch| _ = leases.renew(epoch, TTL, Duration::ZERO));
        leases
    }

    /// Renews `epochs` every five seconds and sweeps ten times a second, from `from` up to `until`; what the sweeps
    /// found.
    fn pass(leases: &mut Leases, from: u64, until: u64, epochs: impl Iterator<Item = u64> + Clone) -> Swept {
        let mut all = Swept::default();
        for tenth in from * 10..until * 10 {
            let now = Duration::from_millis(tenth * 100);
            if tenth % 50 == 0 {
                epochs.clone().for_each(|epoch| _ = leases.renew(epoch, TTL, now));
            }
            let swept = leases.sweep(now);
            all.expired.extend(swept.expired);
            all.suspected.extend(swept.suspected);
            assert_eq!(swept.stood_still, None);
        }
        all
    }

    /// R22: what is renewed stays, what is not ends after its ttl and not before.
    #[test]
    fn ends_after_its_ttl() {
        let mut leases = leases(20);
        assert_eq!(pass(&mut leases, 0, 15, 2..=20), Swept::default());
        let swept = pass(&mut leases, 15, 16, 2..=20);
        assert_eq!((swept.expired, swept.suspected), (vec![1], vec![]));
    }

    /// R24: 3 of 20 (15 %) that end are believed; 4 of 20 are kept as suspects, the first of them too.
    #[test]
    fn more_than_the_share_are_kept_as_suspect() {
        let swept = pass(&mut leases(20), 0, 20, 4..=20);
        assert_eq!((swept.expired.len(), swept.suspected.len()), (3, 0));

        let swept = pass(&mut leases(20), 0, 20, 5..=20);
        assert_eq!((swept.expired.len(), swept.suspected.len()), (0, 4));
    }

    /// R24: leases that end one after another within one ttl count together.
    #[test]
    fn one_after_another_count_together() {
        let mut leases = Leases::default();
        // 20 leases that are renewed, and four that end at 15, 17, 19 and 21 seconds.
        (1..=20).for_each(|epoch| _ = leases.renew(epoch, TTL, Duration::ZERO));
        for n in 0..4 {
            leases.renew(21 + n, TTL, seconds(2 * n));
        }
        let swept = pass(&mut leases, 7, 30, 1..=20);
        assert_eq!((swept.expired, swept.suspected), (vec![], vec![21, 22, 23, 24]));
    }

    /// R24: one of few that dies is believed: a single lease is no mass.
    #[test]
    fn a_single_one_is_believed() {
        let swept = pass(&mut leases(3), 0, 20, 2..=3);
        assert_eq!((swept.expired, swept.suspected), (vec![1], vec![]));
    }

    /// R24: a suspect that is renewed is live again; the others go when all has been well for one ttl.
    #[test]
    fn suspects_recover_or_go() {
        let mut leases = leases(20);
        assert_eq!(pass(&mut leases, 0, 20, 11..=20).suspected.len(), 10);
        assert!(leases.renew(1, TTL, seconds(20)), "it was suspect");
        assert!(!leases.is_suspect(1));

        // 8 more return, so that only one of 20 is still suspect: it is kept for another ttl.
        assert_eq!(pass(&mut leases, 20, 35, 2..=20).expired, vec![] as Vec<u64>);
        let mut leases = self::leases(20);
        pass(&mut leases, 0, 20, 11..=20);
        let swept = pass(&mut leases, 20, 34, 2..=20);
        assert_eq!(swept.expired, vec![] as Vec<u64>);
        let swept = pass(&mut leases, 34, 37, 2..=20);
        assert_eq!(swept.expired, vec![1]);
        assert_eq!(leases.suspects(), 0);
    }

    /// R24: while most remain away their entries are kept, but not for ever.
    #[test]
    fn suspects_are_not_kept_for_ever() {
        let mut leases = leases(4);
        let suspected = pass(&mut leases, 0, 20, 0..0).suspected;
        assert_eq!(suspected.len(), 4);
        let last = 15 * u64::from(SUSPECT_TTLS_MAX + 1);
        assert_eq!(pass(&mut leases, 20, last, 0..0).expired, vec![] as Vec<u64>);
        assert_eq!(pass(&mut leases, last, last + 1, 0..0).expired.len(), 4);
    }

    /// A nameserver that stood still blames nobody: every lease is lengthened by the time that was lost.
    #[test]
    fn standing_still_ends_nothing() {
        let mut leases = leases(3);
        assert_eq!(leases.sweep(seconds(1)), Swept::default());
        assert_eq!(leases.sweep(seconds(100)).stood_still, Some(seconds(99)));
        assert_eq!(pass(&mut leases, 100, 114, 0..0), Swept::default());
        assert_eq!(pass(&mut leases, 114, 115, 0..0).suspected.len(), 3);
    }
}
