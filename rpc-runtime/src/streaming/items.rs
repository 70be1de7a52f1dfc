//! A stream as bytes: what lies between [`Streaming`] and whatever carries it, a session or HTTP/2. It is pulled, so that
//! who does not ask for more gets no more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use idl::{DecodeError, Message, Reader, Writer};

use super::Streaming;
use crate::error::{CallError, ErrorKind, RemoteError};
use crate::executed::MAY_STILL_RUN;
use crate::handler::{put_error, put_fault};
use crate::interface::Method;
use crate::protocol::control::{Fault, FaultKind};
use crate::protocol::frame::Status;
use crate::spare;

/// Items up to this size are copied: into no more bytes than they have, and out of the buffer that they came in.
pub(crate) const COPIED_BYTES_MAX: usize = 4 * 1024;

/// What a stream gives next.
#[derive(Debug)]
pub(crate) enum Item {
    /// An item: a whole message.
    Next(Bytes),
    /// It has ended: complete ([`Status::Value`] and nothing), or by the application's error ([`Status::Error`]), or a fault
    /// ([`Status::Fault`]).
    End(Status, Bytes),
    /// What carries it has failed. Said to a consumer only.
    Lost(CallError),
}

/// A stream as bytes. It is not polled again after `End` or `Lost`. Dropping it says that nobody is interested any more.
pub(crate) trait Items: Send {
    /// The next item, or the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item>;
}

/// Items of a stream that this side produces. A panic of the stream's is its end.
pub(crate) struct Encoding<T, E>(pub(crate) Streaming<T, E>);

impl<T: Message, E: RemoteError> Items for Encoding<T, E> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        let next = match ready!(produced(&mut self.0, cx)) {
            Ok(next) => next,
            Err(panicked) => return Poll::Ready(panicked),
        };
        let mut out = spare::writer();
        let end = match next {
            Some(Ok(item)) => {
                idl::encode_message(&item, &mut out);
                None
            }
            Some(Err(error)) => Some(put_error(&error, &mut out)),
            None => Some(Status::Value),
        };
        Poll::Ready(match (out.check(), end) {
            (Err(error), _) => fault(FaultKind::ReplyUndecodable, &format!("an item cannot travel: {error}")),
            (Ok(()), None) => Item::Next(into_bytes(out)),
            (Ok(()), Some(status)) => Item::End(status, into_bytes(out)),
        })
    }
}

/// Items that are bytes already: whole messages. A panic of the stream's is its end.
pub(crate) struct Messages(pub(crate) Streaming<Bytes>);

impl Items for Messages {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        Poll::Ready(match ready!(produced(&mut self.0, cx)) {
            Ok(Some(Ok(message))) => Item::Next(message),
            Ok(Some(Err(error))) => {
                let mut out = Writer::new();
                let status = put_error(&error, &mut out);
                Item::End(status, out.into_bytes())
            }
            Ok(None) => Item::End(Status::Value, Bytes::new()),
            Err(panicked) => panicked,
        })
    }
}

/// What a stream of this side's gives next, or its end by a panic.
fn produced<T, E>(stream: &mut Streaming<T, E>, cx: &mut Context<'_>) -> Poll<Result<Option<Result<T, E>>, Item>> {
    // The stream is not polled again after a panic, so nobody sees what it left behind.
    match catch_unwind(AssertUnwindSafe(|| Pin::new(stream).poll_next(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_panic) => Poll::Ready(Err(fault(FaultKind::Aborted, "the stream's producer panicked"))),
    }
}

/// The end of a stream by a fault.
pub(crate) fn fault(kind: FaultKind, text: &str) -> Item {
    let mut out = Writer::new();
    let status = put_fault(&mut out, kind, text);
    Item::End(status, out.into_bytes())
}

fn into_bytes(out: Writer) -> Bytes {
    if out.len() > COPIED_BYTES_MAX {
        return out.into_bytes();
    }
    let bytes = out.to_vec().into();
    spare::keep(out);
    bytes
}

/// A stream that this side consumes, from its items.
pub(crate) struct Decoding {
    /// Gone after the end.
    items: Option<Box<dyn Items>>,
    /// The method whose result it is; `None` for one that a caller sends.
    method: Option<&'static Method>,
}

impl Decoding {
    /// The stream that `method` gives, or that a caller sends.
    pub(crate) fn streaming<T, E>(items: Box<dyn Items>, method: Option<&'static Method>) -> Streaming<T, E>
    where
        T: Message,
        E: RemoteError,
    {
        Streaming::new(Decoded { decoding: Decoding { items: Some(items), method }, item: std::marker::PhantomData })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        match &mut self.items {
            Some(items) => items.poll_next(cx),
            None => Poll::Ready(Item::End(Status::Value, Bytes::new())),
        }
    }

    fn undecodable(&self, error: DecodeError) -> CallError {
        let (kind, whose) = match self.method {
            Some(_) => (ErrorKind::ReplyUndecodable, "an item"),
            None => (ErrorKind::Undecodable, "an item of the caller's"),
        };
        let text = format!("{whose} cannot be decoded: {error}; compare the versions of the interface");
        CallError::new(kind, MAY_STILL_RUN, text).with_source(error)
    }

    fn named(&self, error: CallError) -> CallError {
        match self.method {
            Some(method) => error.of_method(method),
            None => error,
        }
    }
}

/// The typed side of a [`Decoding`].
struct Decoded<T, E> {
    decoding: Decoding,
    item: std::marker::PhantomData<fn() -> (T, E)>,
}

impl<T: Message, E: RemoteError> Stream for Decoded<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T, E>>> {
        let decoding = &mut self.decoding;
        let failed = match ready!(decoding.poll(cx)) {
            Item::Next(bytes) => match idl::decode_message(&mut Reader::of_frame(&bytes)) {
                Ok(item) => return Poll::Ready(Some(Ok(item))),
                Err(error) => decoding.undecodable(error),
            },
            Item::End(Status::Value, _) => return Poll::Ready(None),
            Item::End(Status::Error, body) => match idl::decode_message(&mut Reader::of_frame(&body)) {
                Ok(error) => return Poll::Ready(Some(Err(error))),
                Err(error) => decoding.undecodable(error),
            },
            Item::End(_, body) => match idl::from_slice::<Fault>(&body) {
                Ok(fault) => CallError::from_fault(fault),
                Err(error) => decoding.undecodable(error),
            },
            Item::Lost(error) => error,
        };
        decoding.items = None;
        Poll::Ready(Some(Err(decoding.named(failed).into())))
    }
}
