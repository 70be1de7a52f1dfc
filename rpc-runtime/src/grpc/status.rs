//! How a call ended, as gRPC writes it: a code, a text, details, and our own word on whether the call ran.

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, general_purpose};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::codes::code_of;
use super::limits::{DETAILS_BYTES_MAX, TEXT_BYTES_MAX};
use super::metadata;
use crate::Message;
use crate::context::Metadata;
use crate::error::{CallError, Code};
use crate::executed::Executed;

/// Says of a failed call whether it ran: `never`, `completed` or `unknown`.
pub(super) const EXECUTED: HeaderName = HeaderName::from_static("rpc-executed");
pub(super) const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const TEXT: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Writes without padding, reads both.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    general_purpose::NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a failed call ended.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub(super) code: Code,
    pub(super) text: String,
    /// A [`Details`], encoded; empty for none.
    pub(super) details: Bytes,
    pub(super) executed: Option<Executed>,
    pub(super) trailer: Metadata,
}

/// A `google.rpc.Status`.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub(super) struct Details {
    #[rpc(as = "int32")]
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) details: Vec<Any>,
}

/// A `google.protobuf.Any`: a message with its type.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub(super) struct Any {
    pub(super) type_url: String,
    pub(super) value: Bytes,
}

/// What stands before the full name of a message in [`Any::type_url`].
const TYPE_URL: &str = "type.googleapis.com/";

impl Any {
    /// A message of this full name.
    pub(super) fn new(name: &str, value: Bytes) -> Any {
        Any { type_url: format!("{TYPE_URL}{}", name.trim_start_matches('.')), value }
    }

    /// The full name of the message.
    pub(super) fn name(&self) -> &str {
        self.type_url.rsplit_once('/').map_or(&*self.type_url, |(_, name)| name)
    }
}

impl Status {
    pub(super) fn new(code: Code, executed: Executed, text: impl Into<String>) -> Status {
        let executed = Some(executed);
        Status { code, text: text.into(), details: Bytes::new(), executed, trailer: Metadata::new() }
    }

    /// The status of a call that was not run.
    pub(super) fn never(code: Code, text: impl Into<String>) -> Status {
        Status::new(code, Executed::Never, text)
    }

    /// The same with one message as its detail.
    pub(super) fn with_detail(mut self, detail: Any) -> Status {
        let details = Details { code: self.code.number() as i32, message: self.text.clone(), details: vec![detail] };
        self.details = idl::to_vec(&details).unwrap_or_default().into();
        self
    }

    /// As headers: of a response that is nothing but a status, or as its trailers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        metadata::write(&self.trailer, headers);
        headers.insert(STATUS, number(self.code));
        if !self.text.is_empty() {
            headers.insert(TEXT, percent_encoded(&self.text));
        }
        if let Some(executed) = self.executed {
            headers.insert(EXECUTED, HeaderValue::from_static(executed_name(executed)));
        }
        if !self.details.is_empty() && self.details.len() <= DETAILS_BYTES_MAX {
            // Base64 is text.
            if let Ok(details) = HeaderValue::try_from(BASE64.encode(&self.details)) {
                headers.insert(DETAILS, details);
            }
        }
    }

    /// From headers or trailers: `None` without a status, `Some(None)` for success.
    pub(super) fn read(headers: &HeaderMap) -> Option<Option<Status>> {
        let number = headers.get(STATUS)?.to_str().ok().and_then(|number| number.parse().ok());
        if number == Some(0) {
            return Some(None);
        }
        let executed = headers.get(EXECUTED).and_then(|name| name.to_str().ok()).and_then(executed_named);
        let details = headers.get(DETAILS).and_then(|details| BASE64.decode(details).ok()).unwrap_or_default();
        Some(Some(Status {
            code: number.map_or(Code::Unknown, Code::from_number),
            text: headers.get(TEXT).map(percent_decoded).unwrap_or_default(),
            details: details.into(),
            executed,
            trailer: metadata::read(headers),
        }))
    }

    /// The details, if they are what they should be.
    pub(super) fn read_details(&self) -> Vec<Any> {
        idl::from_slice::<Details>(&self.details).map_or_else(|_| Vec::new(), |details| details.details)
    }
}

impl From<&CallError> for Status {
    fn from(error: &CallError) -> Status {
        let code = error.code().unwrap_or_else(|| code_of(error.kind()));
        Status::new(code, error.executed(), error.text())
    }
}

fn executed_name(executed: Executed) -> &'static str {
    match executed {
        Executed::Never => "never",
        Executed::Completed => "completed",
        Executed::Unknown { .. } => "unknown",
    }
}

fn executed_named(name: &str) -> Option<Executed> {
    match name {
        "never" => Some(Executed::Never),
        "completed" => Some(Executed::Completed),
        "unknown" => Some(Executed::Unknown { may_still_run: true }),
        _ => None,
    }
}

fn number(code: Code) -> HeaderValue {
    HeaderValue::from(code.number())
}

/// Text as `grpc-message` has it, cut to its bound.
fn percent_encoded(text: &str) -> HeaderValue {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = String::with_capacity(end);
    for byte in text[..end].bytes() {
        match byte {
            b'%' => out.push_str("%25"),
            0x20..0x7f => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // What is left is printable ASCII.
    HeaderValue::try_from(out).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The text of a `grpc-message`; what is no escape stays as it is.
fn percent_decoded(text: &HeaderValue) -> String {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.first_chunk::<2>()).flatten();
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A status is read as it was written, whatever its text.
    #[test]
    fn a_status_comes_back() {
        for text in ["", "no such title: dine", "100 %\t\nMünchen ☺ %zz"] {
            let status = Status::new(Code::NotFound, Executed::Completed, text);
            let status = status.with_detail(Any::new(".library.v1.StoreError", Bytes::from_static(b"\x0a\x00")));
            let mut headers = HeaderMap::new();
            status.write(&mut headers);
            let read = Status::read(&headers).flatten().expect("a status");
            assert_eq!((read.code, &*read.text, read.executed), (Code::NotFound, text, status.executed));
            let details = read.read_details();
            assert_eq!(details[0].name(), "library.v1.StoreError");
            assert_eq!(&details[0].value[..], b"\x0a\x00");
        }
    }

    /// What a stranger writes is read as far as it goes.
    #[test]
    fn nonsense_is_a_status_too() {
        let mut headers = HeaderMap::new();
        assert!(Status::read(&headers).is_none());
        headers.insert(STATUS, HeaderValue::from_static("many"));
        headers.insert(TEXT, HeaderValue::from_bytes(b"%f\xff%").expect("a value"));
        headers.insert(DETAILS, HeaderValue::from_static("!!!"));
        let read = Status::read(&headers).flatten().expect("a status");
        assert_eq!((read.code, read.details.len()), (Code::Unknown, 0));
        headers.insert(STATUS, HeaderValue::from_static("0"));
        assert!(Status::read(&headers).expect("a status").is_none());
    }
}
