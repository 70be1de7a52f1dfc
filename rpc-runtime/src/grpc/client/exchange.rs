//! One call: a request, and the response to it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};
use idl::Writer;
use tokio::time::Instant;

use super::{Connection, Remote};
use crate::context::Metadata;
use crate::error::{CallError, Code, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::grpc::compression::{ACCEPTED, Compression};
use crate::grpc::flow::room;
use crate::grpc::limits::PART_BYTES_MAX;
use crate::grpc::message::{Messages, NoMessage, framed};
use crate::grpc::metadata;
use crate::grpc::respond::{ACCEPT_ENCODING, ENCODING};
use crate::grpc::status::Status;
use crate::interface::Method;
use crate::link::{Body, Reply};
use crate::protocol::frame::Status as Verdict;

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A call that is being made.
pub(super) struct Exchange<'a> {
    pub(super) remote: &'a Remote,
    pub(super) method: &'static Method,
    pub(super) metadata: Option<&'a Metadata>,
    pub(super) until: Option<Instant>,
    /// Set when the request is handed over: from then on it may have run.
    pub(super) is_sent: &'a AtomicBool,
}

impl Exchange<'_> {
    /// Sends the request, once, and reads what comes back.
    pub(super) async fn run(&self, arguments: &Writer) -> Result<Reply, CallError> {
        let (mut response, mut sending) = self.send_head().await?;
        let parts = framed(arguments);
        let response = tokio::select! {
            biased;
            // A server may answer before it has read everything.
            response = &mut response => response,
            () = send_parts(&mut sending, parts) => response.await,
        };
        self.read(response.map_err(|error| lost(&error))?).await
    }

    /// Waits for a connection with room for a request, and hands the request over.
    async fn send_head(&self) -> Result<(ResponseFuture, SendStream<Bytes>), CallError> {
        let mut connection = self.remote.connection.subscribe();
        loop {
            let requests = match &*connection.borrow_and_update() {
                Connection::Closed => return Err(CallError::never(ErrorKind::Shutdown, "this node has shut down")),
                Connection::Up(requests) => Some(Arc::clone(requests)),
                Connection::Down(_) => None,
            };
            if let Some(requests) = requests {
                let mut requests = requests.lock().await;
                if poll_fn(|cx| requests.poll_ready(cx)).await.is_ok() {
                    self.is_sent.store(true, Ordering::Relaxed);
                    let sent = requests.send_request(self.request()?, false);
                    match sent {
                        Ok(sent) => return Ok(sent),
                        // It was not taken: the connection ends, or has no more numbers for streams.
                        Err(_unsent) => self.is_sent.store(false, Ordering::Relaxed),
                    }
                }
            }
            // The sender lives in the remote.
            let _ = connection.changed().await;
        }
    }

    fn request(&self) -> Result<Request<()>, CallError> {
        let invalid = |error: http::Error| CallError::never(ErrorKind::InvalidAddress, error.to_string());
        let path = format!("/{}/{}", self.remote.interface, self.method.name);
        let path = PathAndQuery::from_maybe_shared(path).map_err(|error| invalid(error.into()))?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.remote.authority.clone()).path_and_query(path);
        let mut request = Request::post(uri.build().map_err(invalid)?).body(()).map_err(invalid)?;
        let headers = request.headers_mut();
        headers.reserve(5 + self.remote.headers.len());
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        if let Some(until) = self.until
            && let Ok(timeout) = HeaderValue::try_from(timeout_text(until.saturating_duration_since(Instant::now())))
        {
            headers.insert(TIMEOUT, timeout);
        }
        for (name, value) in &self.remote.headers {
            headers.append(name.clone(), value.clone());
        }
        if let Some(metadata) = self.metadata {
            metadata::write(metadata, headers);
        }
        Ok(request)
    }

    /// Reads the response: a reply and a status, or a status alone.
    async fn read(&self, response: Response<RecvStream>) -> Result<Reply, CallError> {
        let (head, body) = response.into_parts();
        if let Some(status) = Status::read(&head.headers) {
            return self.end(status, None);
        }
        let is_grpc =
            head.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
        if head.status != StatusCode::OK || !is_grpc {
            return Err(not_grpc(head.status));
        }
        let compression = head.headers.get(ENCODING).and_then(|name| Compression::named(name.to_str().ok()?));
        let (bytes_max, parts) = (self.remote.limits.frame_bytes_max, Arc::clone(&self.remote.parts));
        let mut messages = Messages::new(body, compression, bytes_max, parts);
        let message = messages.only().await.map_err(unreadable)?;
        let trailers = messages.trailers().await.map_err(unreadable)?.unwrap_or_default();
        match Status::read(&trailers) {
            Some(status) => self.end(status, message),
            None => Err(without_status(&trailers)),
        }
    }

    fn end(&self, status: Option<Status>, message: Option<Bytes>) -> Result<Reply, CallError> {
        match (status, message) {
            (Some(status), _) => self.remote.failed(self.method, &status),
            (None, Some(message)) => Ok(Reply { status: Verdict::Value, body: Body::Shared(message) }),
            (None, None) => {
                let text = "the server says that the call succeeded, but sent no reply";
                Err(CallError::new(ErrorKind::ReplyLost, Executed::Completed, text))
            }
        }
    }
}

/// Sends the request message, as the server makes room for it. What cannot be sent shows in the response.
async fn send_parts(sending: &mut SendStream<Bytes>, parts: Vec<Bytes>) {
    let last = parts.len().saturating_sub(1);
    for (place, mut part) in parts.into_iter().enumerate() {
        while part.len() > PART_BYTES_MAX {
            let Some(room) = room(sending, PART_BYTES_MAX).await else { return };
            if sending.send_data(part.split_to(room.min(PART_BYTES_MAX)), false).is_err() {
                return;
            }
        }
        if sending.send_data(part, place == last).is_err() {
            return;
        }
    }
}

/// The error of a call whose stream ended without a response. A server that refuses a stream promises that it did nothing.
fn lost(error: &h2::Error) -> CallError {
    let is_refused = error.is_reset() && error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM);
    if is_refused {
        return CallError::never(ErrorKind::Overload, "the server refused the stream")
            .with_source(Ended(error.to_string()));
    }
    let text = format!("the connection or the stream was lost while the call was on its way: {error}");
    CallError::new(ErrorKind::Unreachable, MAY_STILL_RUN, text)
}

/// What HTTP/2 says, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Ended(String);

fn unreadable(error: NoMessage) -> CallError {
    match error {
        NoMessage::Gone(error) => lost(&error),
        error => {
            let text = format!("the reply cannot be read: {error}");
            CallError::new(ErrorKind::ReplyUndecodable, MAY_STILL_RUN, text)
        }
    }
}

/// What gRPC makes of an answer that is none of its own: of a proxy, as a rule.
fn not_grpc(status: StatusCode) -> CallError {
    let (kind, code) = match status {
        StatusCode::UNAUTHORIZED => (ErrorKind::Failed, Code::Unauthenticated),
        StatusCode::FORBIDDEN => (ErrorKind::Failed, Code::PermissionDenied),
        StatusCode::NOT_FOUND => (ErrorKind::UnknownMethod, Code::Unimplemented),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => (ErrorKind::Unreachable, Code::Unavailable),
        _ => (ErrorKind::NotThisProtocol, Code::Unknown),
    };
    let text = format!("what answered is no gRPC: HTTP status {status}");
    CallError::new(kind, MAY_STILL_RUN, text).with_code(code)
}

fn without_status(_trailers: &HeaderMap) -> CallError {
    CallError::new(ErrorKind::ReplyUndecodable, MAY_STILL_RUN, "the server's answer ends without a status")
}

/// A timeout as gRPC writes it: eight digits at most, and a unit.
fn timeout_text(timeout: Duration) -> String {
    const DIGITS_MAX: u128 = 99_999_999;
    match timeout {
        _ if timeout.as_micros() <= DIGITS_MAX => format!("{}u", timeout.as_micros()),
        _ if timeout.as_millis() <= DIGITS_MAX => format!("{}m", timeout.as_millis()),
        _ => format!("{}S", u128::from(timeout.as_secs()).min(DIGITS_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timeout is written in as fine a unit as it fits in.
    #[test]
    fn timeouts_are_written() {
        assert_eq!(timeout_text(Duration::ZERO), "0u");
        assert_eq!(timeout_text(Duration::from_secs(30)), "30000000u");
        assert_eq!(timeout_text(Duration::from_secs(3000)), "3000000m");
        assert_eq!(timeout_text(Duration::MAX), "99999999S");
    }
}
