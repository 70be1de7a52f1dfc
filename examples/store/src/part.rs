//! Which part of the name space a store covers: `a-m`.
//!
//! A title is filed under its first letter, in lower case. One that does not begin with a letter from a to z (`1984`, `Ümlaut`, the
//! empty title) is filed under `a`, so every title has its letter and, if the parts leave no gap, its store.

use std::fmt;
use std::str::FromStr;

/// The letter under which `title` is filed.
pub fn letter_of(title: &str) -> char {
    let first = title.chars().next().map_or('a', |first| first.to_ascii_lowercase());
    if first.is_ascii_lowercase() { first } else { 'a' }
}

/// A range of letters, both ends included. Its text, `a-m`, is the name of the store's instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    from: char,
    to: char,
}

impl Part {
    /// The first letter.
    pub fn from(self) -> char {
        self.from
    }

    /// The last letter.
    pub fn to(self) -> char {
        self.to
    }

    /// Whether `title` belongs here.
    pub fn covers(self, title: &str) -> bool {
        (self.from..=self.to).contains(&letter_of(title))
    }

    /// The part that two labels speak of, as a nameserver gives them back.
    pub fn of_labels(from: &str, to: &str) -> Option<Self> {
        format!("{from}-{to}").parse().ok()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// A text that does not name a part.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no part of the name space: write two letters in order, as in `a-m`")]
pub struct NotAPart(String);

impl FromStr for Part {
    type Err = NotAPart;

    fn from_str(text: &str) -> Result<Self, NotAPart> {
        let letters: Vec<char> = text.to_ascii_lowercase().chars().collect();
        match letters[..] {
            [from @ 'a'..='z', '-', to @ 'a'..='z'] if from <= to => Ok(Self { from, to }),
            _ => Err(NotAPart(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Part {
        text.parse().expect("a part")
    }

    /// Titles go by their first letter, whatever its case; what begins with none goes to `a`.
    #[test]
    fn every_title_has_a_letter() {
        for (title, letter) in [("dune.txt", 'd'), ("Zebra", 'z'), ("1984.txt", 'a'), ("Émile", 'a'), ("", 'a')] {
            assert_eq!(letter_of(title), letter, "{title}");
        }
    }

    /// Every title is covered by exactly one of two parts that meet.
    #[test]
    fn parts_that_meet_leave_no_gap() {
        for title in ["a", "Mole", "night", "zoo", "42", "_"] {
            assert_ne!(part("a-m").covers(title), part("n-z").covers(title), "{title}");
        }
    }

    /// The text of a part is read back; what is no part is refused with its text.
    #[test]
    fn parts_are_written_and_read() {
        assert_eq!(part("A-M").to_string(), "a-m");
        assert_eq!(Part::of_labels("n", "z"), Some(part("n-z")));
        for wrong in ["", "a", "m-a", "a-", "am", "a--m", "1-9", "aa-m"] {
            assert_eq!(Part::from_str(wrong), Err(NotAPart(wrong.into())));
        }
    }
}
