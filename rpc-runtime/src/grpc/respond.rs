//! The answering side of a stream.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use idl::Writer;
use tokio::time::timeout;

use super::compression::{ACCEPTED, Compression};
use super::flow::room;
use super::items::{Framing, send_items};
use super::limits::{COMPRESSED_BYTES_MIN, PART_BYTES_MAX};
use super::message::{HEAD_BYTES, framed, framed_bytes, framed_small};
use super::metadata;
use super::status::{STATUS, Status};
use crate::context::{BesideReply, Metadata};
use crate::protocol::frame::Status as Verdict;
use crate::streaming::items::Item;

pub(super) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(super) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Answers one request. Dropping it without an answer resets the stream.
pub(super) struct Respond {
    respond: SendResponse<Bytes>,
    /// How replies are compressed: as the request was, if the caller takes that.
    pub(super) compression: Option<Compression>,
    /// How long the caller may leave its window closed.
    write_timeout: Duration,
}

impl Respond {
    pub(super) fn new(respond: SendResponse<Bytes>, write_timeout: Duration) -> Respond {
        Respond { respond, compression: None, write_timeout }
    }

    /// Ready when the caller has reset the stream, or its connection is gone.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.respond.poll_reset(cx).map(|_reason| ())
    }

    /// Answers with an HTTP status: what came is no gRPC.
    pub(super) fn not_grpc(mut self, status: StatusCode) {
        let mut response = Response::new(());
        *response.status_mut() = status;
        // Whether it arrives is the peer's affair.
        let _ = self.respond.send_response(response, true);
    }

    /// Answers with a status alone.
    pub(super) fn fail(&mut self, status: &Status) {
        let mut headers = head();
        status.write(&mut headers);
        let _ = self.respond.send_response(response(headers), true);
    }

    /// Answers with a reply and success.
    pub(super) async fn reply(mut self, reply: &Writer, beside: &BesideReply) {
        let compression = self.compression.filter(|_| reply.len() >= COMPRESSED_BYTES_MIN);
        let Some(mut sending) = self.begin(compression, &beside.header) else {
            return;
        };
        if compression.is_none() && reply.len() <= PART_BYTES_MAX - HEAD_BYTES {
            if sending.send_small(framed_small(reply)) {
                sending.succeed(beside);
            }
            return;
        }
        // Rarely: what every call has room for is kept small.
        Box::pin(sending.send_large(reply, compression, beside)).await;
    }

    /// Answers with a stream of messages.
    pub(super) fn stream(mut self) -> Option<Sending> {
        self.begin(None, &Metadata::new())
    }

    /// Answers with what a method has opened.
    pub(super) fn open(mut self, header: &Metadata) -> Option<Sending> {
        self.begin(self.compression, header)
    }

    fn begin(&mut self, compression: Option<Compression>, header: &Metadata) -> Option<Sending> {
        let mut headers = head();
        if let Some(compression) = compression {
            headers.insert(ENCODING, HeaderValue::from_static(compression.name()));
        }
        metadata::write(header, &mut headers);
        let stream = self.respond.send_response(response(headers), false).ok()?;
        Some(Sending { stream, compression, write_timeout: self.write_timeout })
    }
}

/// The body of an answer, on its way. Dropping it before its end resets the stream.
pub(super) struct Sending {
    stream: SendStream<Bytes>,
    compression: Option<Compression>,
    write_timeout: Duration,
}

impl Sending {
    /// Hands over what needs no room in the caller's window yet; false if nobody takes it.
    fn send_small(&mut self, bytes: Bytes) -> bool {
        self.stream.send_data(bytes, false).is_ok()
    }

    /// Sends a reply, compressed or as it is, and the end.
    async fn send_large(mut self, reply: &Writer, compression: Option<Compression>, beside: &BesideReply) {
        let compressed = compression.and_then(|compression| compression.compress(&reply.to_vec()).ok());
        let parts = match compressed {
            Some(compressed) => vec![framed_bytes(&compressed, true)],
            None => framed(reply),
        };
        for part in parts {
            if !self.send(part).await {
                return;
            }
        }
        self.succeed(beside);
    }

    /// Sends bytes; false if nobody takes them. What is small is handed over at once, of what is large only as much as the
    /// caller's window has room for.
    pub(super) async fn send(&mut self, mut bytes: Bytes) -> bool {
        if bytes.len() <= PART_BYTES_MAX {
            return self.send_small(bytes);
        }
        while !bytes.is_empty() {
            let Some(room) = self.room(bytes.len().min(PART_BYTES_MAX)).await else {
                return false;
            };
            let part = bytes.split_to(room.min(bytes.len()));
            if self.stream.send_data(part, false).is_err() {
                return false;
            }
        }
        true
    }

    /// Sends one message of a stream, when there is room for it.
    pub(super) async fn send_message(&mut self, message: &[u8]) -> bool {
        self.room(1).await.is_some() && self.send(framed_bytes(message, false)).await
    }

    /// Sends what a method's stream gives, as the caller asks for it: it may take its time. Gives how the stream ended, or `None` if
    /// nobody takes it any more.
    pub(super) async fn send_items(
        &mut self,
        bytes_max: usize,
        poll: impl FnMut(&mut Context<'_>) -> Poll<Item>,
    ) -> Option<(Verdict, Bytes)> {
        send_items(&mut self.stream, Framing { compression: self.compression, bytes_max }, poll).await
    }

    /// Waits until the caller's window has room for some of `bytes`: for how many. A caller that leaves it closed for too long
    /// has its stream reset.
    async fn room(&mut self, bytes: usize) -> Option<usize> {
        match timeout(self.write_timeout, room(&mut self.stream, bytes)).await {
            Ok(room) => room,
            Err(_elapsed) => {
                self.stream.send_reset(Reason::CANCEL);
                None
            }
        }
    }

    /// Ready when the caller has reset the stream, or its connection is gone.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(cx).map(|_reason| ())
    }

    /// Ends the answer with success.
    pub(super) fn succeed(mut self, beside: &BesideReply) {
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert(STATUS, HeaderValue::from_static("0"));
        metadata::write(&beside.trailer, &mut trailers);
        let _ = self.stream.send_trailers(trailers);
    }

    /// Ends the answer with an error.
    pub(super) fn fail(mut self, status: &Status) {
        let mut trailers = HeaderMap::new();
        status.write(&mut trailers);
        let _ = self.stream.send_trailers(trailers);
    }
}

/// The headers of every answer.
fn head() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
    headers
}

fn response(headers: HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = headers;
    response
}
