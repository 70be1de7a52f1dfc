//! What lookups were last answered with, for when the nameserver is away (R20).

use std::collections::HashMap;

use crate::directory::{Entry, Selector};

/// Lookups that are remembered; beyond that the one that was answered longest ago goes.
const CACHE_MAX: usize = 1_024;

/// The last answer to each lookup. An answer of "nothing" is remembered too: it was the truth then.
#[derive(Debug, Default)]
pub(super) struct Cache {
    answers: HashMap<(String, Selector), Answer>,
    clock: u64,
}

#[derive(Debug)]
struct Answer {
    entries: Vec<Entry>,
    at: u64,
}

impl Cache {
    pub(super) fn put(&mut self, interface: &str, selector: &Selector, entries: Vec<Entry>) {
        self.clock += 1;
        let key = (interface.to_owned(), selector.clone());
        self.answers.insert(key, Answer { entries, at: self.clock });
        if self.answers.len() > CACHE_MAX {
            let oldest = self.answers.iter().min_by_key(|(_, answer)| answer.at).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.answers.remove(&key));
        }
    }

    pub(super) fn get(&self, interface: &str, selector: &Selector) -> Option<Vec<Entry>> {
        let key = (interface.to_owned(), selector.clone());
        self.answers.get(&key).map(|answer| answer.entries.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::entry;

    /// R20: the last answer is kept, for so many lookups.
    #[test]
    fn the_last_answers_are_kept() {
        let mut cache = Cache::default();
        let selector = |n: usize| Selector::Instance(n.to_string());
        for n in 0..=CACHE_MAX {
            cache.put("Store", &selector(n), vec![entry("old", 1)]);
            cache.put("Store", &selector(n), vec![entry("new", 2)]);
        }
        assert_eq!(cache.get("Store", &selector(0)), None, "answered longest ago");
        assert_eq!(cache.get("Store", &selector(1)), Some(vec![entry("new", 2)]));
        assert_eq!(cache.get("Till", &selector(1)), None);
    }
}
