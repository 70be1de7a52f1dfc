//! A map as a vector in the order of its keys: for few entries, or for ones that come in order.
//!
//! What `std` compiles for each type of map is ten times as much, most of it for trees that are far larger than these.

/// A map in the order of its keys. Finding takes the logarithm of its length; an entry that does not come last moves those after it.
#[derive(Debug, Clone)]
pub(crate) struct SmallMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    /// Where it is, or belongs.
    fn place(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        match self.place(key) {
            Ok(place) => Some(&self.0[place].1),
            Err(_) => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self.place(key) {
            Ok(place) => Some(&mut self.0[place].1),
            Err(_) => None,
        }
    }

    /// Puts it in, and gives what was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(place) => Some(std::mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    /// What is there, or its default, which is put in.
    pub(crate) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.0.insert(place, (key, V::default()));
                place
            }
        };
        &mut self.0[place].1
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        match self.place(key) {
            Ok(place) => Some(self.0.remove(place).1),
            Err(_) => None,
        }
    }

    /// Keeps the entries of which this is true.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(key, value)| keeps(key, value));
    }

    /// The entries, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It does what a tree does, whatever the order.
    #[test]
    fn it_is_a_map_in_order() {
        let mut map = SmallMap::default();
        for key in [3, 1, 2] {
            assert_eq!(map.insert(key, key * 10), None);
        }
        assert_eq!(map.insert(2, 21), Some(20));
        *map.get_or_default(5) += 1;
        assert_eq!((map.get(&3), map.get(&4)), (Some(&30), None));
        assert_eq!(map.get_mut(&5), Some(&mut 1));
        assert_eq!((map.remove(&1), map.remove(&1)), (Some(10), None));
        map.retain(|key, _| *key != 3);
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&2, &21), (&5, &1)]);
        assert!(!map.is_empty());
    }
}
