//! One call: its request on its way, and the reply of a call without streams.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use h2::client::ResponseFuture;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Uri};
use idl::Writer;
use tokio::time::Instant;

use super::response::{Response, only};
use super::{Connection, Remote};
use crate::context::{Metadata, ReplyMetadata};
use crate::error::{CallError, ErrorKind};
use crate::grpc::compression::ACCEPTED;
use crate::grpc::flow::room;
use crate::grpc::limits::PART_BYTES_MAX;
use crate::grpc::message::framed;
use crate::grpc::metadata;
use crate::grpc::respond::ACCEPT_ENCODING;
use crate::interface::Method;
use crate::link::Reply;

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A call that is being made.
pub(super) struct Exchange<'a> {
    pub(super) remote: &'a Remote,
    pub(super) method: &'static Method,
    pub(super) metadata: Option<&'a Metadata>,
    /// Who wants to know what comes beside the reply.
    pub(super) told: Option<ReplyMetadata>,
    pub(super) until: Option<Instant>,
    /// Set when the request is handed over: from then on it may have run.
    pub(super) is_sent: &'a AtomicBool,
}

impl Exchange<'_> {
    /// Sends the request, once, and reads what comes back.
    pub(super) async fn run(&self, arguments: &Writer) -> Result<Reply, CallError> {
        let (response, mut sending) = self.send_head().await?;
        let mut response = Response::new(response, self.remote, self.told.clone());
        let parts = framed(arguments);
        tokio::select! {
            biased;
            // A server may answer before it has read everything.
            begun = response.begun() => begun?,
            () = send_parts(&mut sending, parts) => {}
        }
        only(|cx| response.poll_next(cx), self.remote, self.method).await
    }

    /// Waits for a connection with room for a request, and hands the request over.
    pub(super) async fn send_head(&self) -> Result<(ResponseFuture, SendStream<Bytes>), CallError> {
        let mut connection = self.remote.connection.subscribe();
        loop {
            let requests = match &*connection.borrow_and_update() {
                Connection::Closed => return Err(CallError::never(ErrorKind::Shutdown, "this node has shut down")),
                Connection::Up(requests) => Some(Arc::clone(requests)),
                Connection::Down(_) => None,
            };
            if let Some(shared) = requests {
                let mut requests = shared.lock().await;
                if poll_fn(|cx| requests.poll_ready(cx)).await.is_ok() {
                    self.is_sent.store(true, Ordering::Relaxed);
                    let sent = requests.send_request(self.request()?, false);
                    match sent {
                        Ok(sent) => return Ok(sent),
                        // It was not taken: the connection ends, or has no more numbers for streams.
                        Err(_unsent) => self.is_sent.store(false, Ordering::Relaxed),
                    }
                }
                self.remote.takes_no_more(&shared);
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
