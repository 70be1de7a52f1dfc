//! Metadata as HTTP/2 headers.

use base64::Engine;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::status::{BASE64, EXECUTED};
use crate::context::{Metadata, is_reserved};

/// Chooses among several exported instances of one interface.
pub(super) const INSTANCE: &str = "rpc-instance";
/// Names a session: `incarnation/session/token`.
pub(super) const SESSION: &str = "rpc-session";
/// Names a call within its session: `slot/sequence`.
pub(super) const CALL: &str = "rpc-call";

/// The entries that are not gRPC's own. What does not decode is left out.
pub(super) fn read(headers: &HeaderMap) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, value) in headers {
        let name = name.as_str();
        if is_reserved(name) || name == EXECUTED.as_str() {
            continue;
        }
        if !name.ends_with("-bin") {
            let _ = metadata.add(name, value.as_bytes().to_vec());
            continue;
        }
        // Several values may have been joined to one.
        for part in value.as_bytes().split(|byte| *byte == b',') {
            if let Ok(bytes) = BASE64.decode(part.trim_ascii()) {
                let _ = metadata.add(name, bytes);
            }
        }
    }
    metadata
}

/// Appends the entries to `headers`.
pub(super) fn write(metadata: &Metadata, headers: &mut HeaderMap) {
    for (name, value) in metadata.iter() {
        let encoded = match name.ends_with("-bin") {
            true => HeaderValue::try_from(BASE64.encode(value)),
            false => HeaderValue::from_maybe_shared(value.clone()),
        };
        // What is metadata is a header.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), encoded) {
            let _ = headers.try_append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries come back, those of gRPC do not count as such.
    #[test]
    fn entries_come_back() {
        let mut metadata = Metadata::new();
        metadata.add("trace", "a").expect("an entry");
        metadata.add("trace", "b").expect("an entry");
        metadata.add("trace-bin", vec![0, 255]).expect("an entry");
        let mut headers = HeaderMap::new();
        write(&metadata, &mut headers);
        headers.insert("grpc-timeout", HeaderValue::from_static("1S"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        assert_eq!(read(&headers), metadata);
        let joined = HeaderMap::from_iter([(HeaderName::from_static("x-bin"), HeaderValue::from_static("AA==,/w,!"))]);
        assert_eq!(read(&joined).get_all("x-bin").map(|value| value.to_vec()).collect::<Vec<_>>(), [[0], [255]]);
    }
}
