//! Which of several entries gets the next call.
//!
//! Two are drawn at random and the less loaded one is taken. That is nearly as even as always taking the least loaded
//! one, and callers that see the same stale figures do not all run to the same place.

use super::{Entry, EntryState};

/// Picks one of `entries`, or `None` of none. `load` says how busy the caller believes an entry to be, typically
/// its own unfinished calls there. Live entries come before suspect ones, and those before draining ones, whatever
/// their load.
pub fn pick(entries: &[Entry], load: impl Fn(&Entry) -> usize) -> Option<&Entry> {
    let best = entries.iter().map(|entry| rank(entry.state)).min()?;
    let of_best = || entries.iter().filter(|entry| rank(entry.state) == best);
    let count = of_best().count();
    let first = fastrand::usize(..count);
    if count == 1 {
        return of_best().next();
    }
    // The second is drawn from the others, so that the two always differ.
    let second = (first + fastrand::usize(1..count)) % count;
    let (first, second) = (of_best().nth(first)?, of_best().nth(second)?);
    Some(if load(second) < load(first) { second } else { first })
}

fn rank(state: EntryState) -> u8 {
    match state {
        EntryState::Live => 0,
        EntryState::Suspect => 1,
        EntryState::Draining => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::entry;

    /// Nothing comes of nothing, and one of one.
    #[test]
    fn of_none_and_of_one() {
        assert_eq!(pick(&[], |_| 0), None);
        let one = [entry("a", 1)];
        assert_eq!(pick(&one, |_| 0), Some(&one[0]));
    }

    /// The busier of two never gets the call.
    #[test]
    fn of_two_the_less_loaded() {
        let two = [entry("busy", 1), entry("idle", 2)];
        for _ in 0..100 {
            let picked = pick(&two, |entry| if entry.instance == "busy" { 7 } else { 3 });
            assert_eq!(picked.map(|entry| entry.instance.as_str()), Some("idle"));
        }
    }

    /// A draining entry is taken only when there is no other, and a suspect one only when none is live.
    #[test]
    fn live_before_suspect_before_draining() {
        let mut entries = [entry("draining", 1), entry("suspect", 2), entry("live", 3)];
        entries[0].state = EntryState::Draining;
        entries[1].state = EntryState::Suspect;
        for (until, expected) in [(3, "live"), (2, "suspect"), (1, "draining")] {
            for _ in 0..20 {
                let picked = pick(&entries[..until], |entry| usize::from(entry.instance == "live") * 9);
                assert_eq!(picked.map(|entry| entry.instance.as_str()), Some(expected));
            }
        }
    }

    /// Calls that are counted as they are handed out spread evenly: no member gets far more than its share.
    #[test]
    fn load_evens_out() {
        let members: Vec<Entry> = (0..10).map(|n| entry(&format!("m{n}"), n + 1)).collect();
        let mut calls = std::collections::HashMap::<String, usize>::new();
        for _ in 0..10_000 {
            let picked = pick(&members, |entry| calls.get(&entry.instance).copied().unwrap_or(0)).expect("ten members");
            *calls.entry(picked.instance.clone()).or_default() += 1;
        }
        // Two choices keep the largest load within a few of the mean; one choice would miss this bound often.
        assert!(calls.values().all(|count| (990..=1010).contains(count)), "{calls:?}");
    }
}
