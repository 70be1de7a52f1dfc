//! Lists in the order of their numbers or names, and two of them beside each other.
//!
//! All sorting and matching of descriptions is here, and over one type of key: a map or a sort for each type of thing would be compiled
//! anew each time.

/// What a thing is ordered by: its number, or its name.
type Key<'a> = (i64, &'a str);

pub(super) fn number<'a>(number: impl Into<i64>) -> Key<'a> {
    (number.into(), "")
}

pub(super) const fn name(name: &str) -> Key<'_> {
    (0, name)
}

/// The things in order; of one key, in the order in which they came.
pub(super) fn ordered<'a, T>(things: &'a [T], key: fn(&'a T) -> Key<'a>) -> Vec<&'a T> {
    let places = places(&keys(things, key));
    places.iter().map(|place| &things[*place]).collect()
}

/// Things of one key beside each other, in order. Of several on one side, the last counts.
pub(super) fn beside<'a, T>(old: &'a [T], new: &'a [T], key: fn(&'a T) -> Key<'a>) -> Vec<[Option<&'a T>; 2]> {
    let mut all = keys(old, key);
    all.append(&mut keys(new, key));
    let pairs = pairs(&all, old.len());
    pairs.iter().map(|[one, other]| [at(old, *one), at(new, *other)]).collect()
}

/// The places of each name, name by name.
pub(super) fn groups<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Vec<usize>> {
    let names: Vec<_> = names.map(name).collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in places(&names) {
        match groups.last_mut() {
            Some(group) if names[group[0]] == names[place] => group.push(place),
            _ => groups.push(vec![place]),
        }
    }
    groups
}

fn at<T>(things: &[T], place: Option<usize>) -> Option<&T> {
    match place {
        Some(place) => Some(&things[place]),
        None => None,
    }
}

fn keys<'a, T>(things: &'a [T], key: fn(&'a T) -> Key<'a>) -> Vec<Key<'a>> {
    things.iter().map(key).collect()
}

/// The places of the keys in their order; of equal ones, in the order in which they came.
fn places(keys: &[Key<'_>]) -> Vec<usize> {
    let mut sorted: Vec<_> = keys.iter().enumerate().map(|(place, key)| (*key, place)).collect();
    sorted.sort_unstable();
    sorted.iter().map(|(_, place)| *place).collect()
}

/// The places of equal keys on both sides; the first `old` keys are one side.
fn pairs(keys: &[Key<'_>], old: usize) -> Vec<[Option<usize>; 2]> {
    let mut pairs: Vec<[Option<usize>; 2]> = Vec::new();
    let mut last = None;
    for place in places(keys) {
        let key = Some(keys[place]);
        if last != key {
            pairs.push([None, None]);
            last = key;
        }
        if let Some([one, other]) = pairs.last_mut() {
            match place.checked_sub(old) {
                None => *one = Some(place),
                Some(place) => *other = Some(place),
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_ordered_by_their_keys() {
        let things = [(2, "b"), (1, "c"), (2, "a")];
        assert_eq!(ordered(&things, |thing| number(thing.0)), [&(1, "c"), &(2, "b"), &(2, "a")]);
        assert_eq!(ordered(&things, |thing| name(thing.1)), [&(2, "a"), &(2, "b"), &(1, "c")]);
    }

    /// Each key comes once; of several on one side, the last counts.
    #[test]
    fn two_lists_stand_beside_each_other() {
        let (old, new) = ([(3, 'a'), (1, 'b'), (3, 'c')], [(2, 'd'), (3, 'e')]);
        let found = beside(&old, &new, |thing| number(thing.0));
        assert_eq!(found, [[Some(&(1, 'b')), None], [None, Some(&(2, 'd'))], [Some(&(3, 'c')), Some(&(3, 'e'))]]);
    }

    #[test]
    fn names_are_grouped() {
        assert_eq!(groups(["b", "a", "c", "b", "a", "b"].into_iter()), [vec![1, 4], vec![0, 3, 5], vec![2]]);
    }
}
