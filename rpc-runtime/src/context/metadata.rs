//! Metadata: named values beside the arguments and the result of a call. They travel over gRPC only; native calls carry
//! none.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Context;
use crate::error::Code;

/// Entries that one [`Metadata`] holds.
const ENTRIES_MAX: usize = 128;

tokio::task_local! {
    static OUTGOING: Arc<Metadata>;
}

static NONE: Metadata = Metadata::new();

/// Named values that travel beside a call, over gRPC. A name may stand several times.
///
/// Names are of `a`–`z`, `0`–`9`, `_`, `-` and `.`. The value of a name that ends in `-bin` may be any bytes, that of another
/// one printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    entries: Vec<(String, Bytes)>,
}

/// Why an entry cannot be metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The name has other letters than it may, or belongs to gRPC.
    #[error(
        "`{0}` is no name of metadata: write it in small letters, digits, `_`, `-` and `.`, not beginning with `grpc-`"
    )]
    Name(String),
    /// The value cannot travel under this name.
    #[error("the value of `{0}` is not printable ASCII: give it a name that ends in `-bin`")]
    Value(String),
    /// There are too many entries.
    #[error("more than {ENTRIES_MAX} entries of metadata")]
    TooMany,
}

impl Metadata {
    /// No entries.
    pub const fn new() -> Metadata {
        Metadata { entries: Vec::new() }
    }

    /// Adds an entry; others of the same name stay.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Result<(), MetadataError> {
        let (name, value) = (name.into(), value.into());
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
        if name.is_empty() || !name.bytes().all(letter) || is_reserved(&name) {
            return Err(MetadataError::Name(name));
        }
        if !name.ends_with("-bin") && !value.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            return Err(MetadataError::Value(name));
        }
        if self.entries.len() >= ENTRIES_MAX {
            return Err(MetadataError::TooMany);
        }
        self.entries.push((name, value));
        Ok(())
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The first value of this name, if it is text.
    pub fn get_text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every value of this name, in their order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> + 'a {
        self.entries.iter().filter(move |(key, _)| key == name).map(|(_, value)| value)
    }

    /// Every entry, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Whether a name is gRPC's own, or HTTP's.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("grpc-")
        || matches!(
            name,
            "content-type" | "te" | "user-agent" | "host" | "connection" | "content-length" | "transfer-encoding"
        )
}

/// What travels beside a call that came over gRPC.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    request: Metadata,
    reply: Mutex<BesideReply>,
}

/// What goes back beside a reply.
#[derive(Debug, Clone, Default)]
pub(crate) struct BesideReply {
    pub(crate) header: Metadata,
    pub(crate) trailer: Metadata,
    /// What gRPC's caller is told of the implementation's error.
    pub(crate) error: Option<(Code, String)>,
}

impl Beside {
    #[cfg_attr(not(feature = "grpc"), expect(dead_code, reason = "only gRPC has metadata"))]
    pub(crate) fn new(request: Metadata) -> Beside {
        Beside { request, reply: Mutex::default() }
    }

    fn reply(&self) -> MutexGuard<'_, BesideReply> {
        // What it guards is consistent at every step.
        self.reply.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    /// What the caller sent beside its arguments. Empty for a native call.
    pub fn metadata(&self) -> &Metadata {
        self.0.beside.get().map_or(&NONE, |beside| &beside.request)
    }

    /// Adds an entry to what goes back ahead of the reply. Dropped where the call is a native one.
    pub fn add_header(&self, name: impl Into<String>, value: impl Into<Bytes>) -> Result<(), MetadataError> {
        self.add(|reply| &mut reply.header, name.into(), value.into())
    }

    /// Adds an entry to what goes back after the reply. Dropped where the call is a native one.
    pub fn add_trailer(&self, name: impl Into<String>, value: impl Into<Bytes>) -> Result<(), MetadataError> {
        self.add(|reply| &mut reply.trailer, name.into(), value.into())
    }

    fn add(
        &self,
        part: impl FnOnce(&mut BesideReply) -> &mut Metadata,
        name: String,
        value: Bytes,
    ) -> Result<(), MetadataError> {
        match self.0.beside.get() {
            Some(beside) => part(&mut beside.reply()).add(name, value),
            None => Metadata::new().add(name, value),
        }
    }

    /// What goes back ahead of the reply; it is taken away.
    #[cfg(feature = "grpc")]
    pub(crate) fn take_header(&self) -> Metadata {
        self.0.beside.get().map(|beside| std::mem::take(&mut beside.reply().header)).unwrap_or_default()
    }

    /// What goes back beside the reply.
    #[cfg(feature = "grpc")]
    pub(crate) fn beside_reply(&self) -> BesideReply {
        self.0.beside.get().map(|beside| beside.reply().clone()).unwrap_or_default()
    }

    /// The same; it is taken away.
    #[cfg(feature = "grpc")]
    pub(crate) fn take_beside_reply(&self) -> BesideReply {
        self.0.beside.get().map(|beside| std::mem::take(&mut *beside.reply())).unwrap_or_default()
    }
}

/// Notes how gRPC's caller is told of the current call's error. For a native call nothing is asked.
pub(crate) fn note_error(error: &dyn Fn() -> (Code, String)) {
    // Outside of a call there is nobody to be told.
    let Some(context) = Context::current() else { return };
    if let Some(beside) = context.0.beside.get() {
        beside.reply().error = Some(error());
    }
}

/// Runs `future`, with `metadata` beside each call that it makes over gRPC, in place of what holds here already. Native calls
/// carry none.
pub async fn with_metadata<F: Future>(metadata: Metadata, future: F) -> F::Output {
    OUTGOING.scope(Arc::new(metadata), future).await
}

/// What calls made here carry.
#[cfg(feature = "grpc")]
pub(crate) fn outgoing() -> Option<Arc<Metadata>> {
    OUTGOING.try_with(Arc::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cannot travel says so, with what to do.
    #[test]
    fn what_cannot_travel_is_refused() {
        let mut metadata = Metadata::new();
        for name in ["", "Trace", "grpc-timeout", "te", "a b", ":path"] {
            assert_eq!(metadata.add(name, "x"), Err(MetadataError::Name(name.to_owned())));
        }
        assert_eq!(metadata.add("trace", "\n"), Err(MetadataError::Value("trace".to_owned())));
        assert_eq!(metadata.add("trace-bin", "\n"), Ok(()));
        assert_eq!(metadata.add("trace", "1"), Ok(()));
        assert_eq!(metadata.add("trace", "2"), Ok(()));
        assert_eq!(metadata.get_text("trace"), Some("1"));
        assert_eq!(metadata.get_all("trace").count(), 2);
        let added = (0..ENTRIES_MAX).filter(|_| metadata.add("more", "1").is_ok()).count();
        assert_eq!(added, ENTRIES_MAX - 3);
    }
}
