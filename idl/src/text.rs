//! Text that lies in the frame it came in.

use bytes::Bytes;
use std::fmt;
use std::ops::Deref;

/// Text as a slice of the frame that it came in: what a callee holds for a `&str` argument, without a
/// copy. Cloning it is cheap. It keeps the whole frame alive; for long keeping, make it a `String`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Bytes);

impl Text {
    /// Text of bytes that are known to be UTF-8.
    pub(crate) fn from_checked(utf8: Bytes) -> Self {
        Self(utf8)
    }

    /// The text. It is checked once more, which is cheap beside having been received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every constructor has checked it, or started from a `str`.
        std::str::from_utf8(&self.0).expect("was checked to be UTF-8")
    }

    /// The text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

// As `str` hashes, so that a map keyed by one can be asked with the other.
impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
