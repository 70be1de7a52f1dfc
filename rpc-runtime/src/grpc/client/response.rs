//! The response to a call, as far as it has come: headers, messages, a status.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason;
use h2::client::ResponseFuture;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};

use super::Remote;
use crate::context::ReplyMetadata;
use crate::error::{CallError, Code, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::grpc::compression::Compression;
use crate::grpc::message::{Messages, NoMessage, Parts};
use crate::grpc::metadata;
use crate::grpc::respond::ENCODING;
use crate::grpc::status::Status;
use crate::interface::Method;
use crate::link::{Body, Reply};
use crate::protocol::frame::Status as Verdict;

/// A response. Dropping it before its end, with the request, resets the stream.
pub(super) struct Response {
    stage: Stage,
    bytes_max: usize,
    parts: Arc<Parts>,
    told: Option<ReplyMetadata>,
}

enum Stage {
    /// Nothing has come.
    Coming(ResponseFuture),
    Reading(Messages),
    /// The messages are over.
    Trailing(Messages),
    Ended(Option<Status>),
}

/// What a response gives next.
pub(super) enum Next {
    Message(Bytes),
    /// It was the last: success, or a status.
    End(Option<Status>),
}

impl Response {
    pub(super) fn new(response: ResponseFuture, remote: &Remote, told: Option<ReplyMetadata>) -> Response {
        let (bytes_max, parts) = (remote.limits.frame_bytes_max, Arc::clone(&remote.parts));
        Response { stage: Stage::Coming(response), bytes_max, parts, told }
    }

    /// Waits for the headers.
    pub(super) async fn begun(&mut self) -> Result<(), CallError> {
        poll_fn(|cx| self.poll_begun(cx)).await
    }

    /// The same.
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        if let Stage::Coming(response) = &mut self.stage {
            let response = ready!(Pin::new(response).poll(cx)).map_err(|error| unanswered(&error))?;
            let (head, body) = response.into_parts();
            self.stage = match Status::read(&head.headers) {
                Some(status) => self.ended(&head.headers, status),
                None => {
                    let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
                    if head.status != StatusCode::OK || !content_type.starts_with(b"application/grpc") {
                        return Poll::Ready(Err(not_grpc(head.status)));
                    }
                    if let Some(told) = &self.told {
                        told.set_header(metadata::read(&head.headers));
                    }
                    let compression =
                        head.headers.get(ENCODING).and_then(|name| Compression::named(name.to_str().ok()?));
                    Stage::Reading(Messages::new(body, compression, self.bytes_max, Arc::clone(&self.parts)))
                }
            };
        }
        Poll::Ready(Ok(()))
    }

    /// The status, if that is all that has come.
    pub(super) fn status_alone(&mut self) -> Option<Status> {
        match &mut self.stage {
            Stage::Ended(status) => status.take(),
            _ => None,
        }
    }

    /// The next message, or the end. It is not polled again after that, nor after an error.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, CallError>> {
        ready!(self.poll_begun(cx))?;
        loop {
            match &mut self.stage {
                Stage::Coming(_) => return Poll::Pending,
                Stage::Reading(messages) => match ready!(messages.poll_next(cx)).map_err(unreadable)? {
                    Some(message) => return Poll::Ready(Ok(Next::Message(message))),
                    None => match std::mem::replace(&mut self.stage, Stage::Ended(None)) {
                        Stage::Reading(messages) => self.stage = Stage::Trailing(messages),
                        other => self.stage = other,
                    },
                },
                Stage::Trailing(messages) => {
                    let trailers = ready!(messages.poll_trailers(cx)).map_err(unreadable)?.unwrap_or_default();
                    match Status::read(&trailers) {
                        Some(status) => self.stage = self.ended(&trailers, status),
                        None => return Poll::Ready(Err(without_status())),
                    }
                }
                Stage::Ended(status) => return Poll::Ready(Ok(Next::End(status.take()))),
            }
        }
    }

    fn ended(&self, trailers: &HeaderMap, status: Option<Status>) -> Stage {
        if let Some(told) = &self.told {
            told.set_trailer(metadata::read(trailers));
        }
        Stage::Ended(status)
    }
}

/// The reply of a method that gives no stream: all that comes until the end.
pub(super) async fn only(
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Result<Next, CallError>>,
    remote: &Remote,
    method: &Method,
) -> Result<Reply, CallError> {
    let mut reply = None;
    loop {
        match (poll_fn(&mut poll).await?, reply.take()) {
            (Next::Message(message), None) => reply = Some(message),
            (Next::Message(_), Some(_)) => {
                return Err(unreadable(NoMessage::Malformed("a second message came, where there can be one only")));
            }
            (Next::End(Some(status)), _) => return remote.failed(method, &status).map(own_error),
            (Next::End(None), Some(message)) => {
                return Ok(Reply { status: Verdict::Value, body: Body::Shared(message) });
            }
            (Next::End(None), None) => {
                let text = "the server says that the call succeeded, but sent no reply";
                return Err(CallError::new(ErrorKind::ReplyLost, Executed::Completed, text));
            }
        }
    }
}

/// The method's own error as a reply.
pub(super) fn own_error(detail: Bytes) -> Reply {
    Reply { status: Verdict::Error, body: Body::Shared(detail) }
}

/// The error of a call to which nothing was answered. A server that refuses a stream promises that it did nothing, and so does one that
/// goes away, of the streams beyond the last that it names.
fn unanswered(error: &h2::Error) -> CallError {
    let (kind, text) = match error.reason() {
        // HTTP/2's library ends no other streams with the server's word.
        _ if error.is_go_away() && error.is_remote() => {
            (ErrorKind::Draining, "the server is going away, and did not look at the call")
        }
        Some(Reason::REFUSED_STREAM) if error.is_remote() => (ErrorKind::Overload, "the server refused the stream"),
        _ => return lost(error),
    };
    CallError::never(kind, text).with_source(Ended(error.to_string()))
}

/// The error of a call that was lost on its way.
fn lost(error: &h2::Error) -> CallError {
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

fn without_status() -> CallError {
    CallError::new(ErrorKind::ReplyUndecodable, MAY_STILL_RUN, "the server's answer ends without a status")
}
