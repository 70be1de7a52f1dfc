//! One run of a method on the callee's side: the implementation's future, from decoded arguments to an encoded
//! reply. The server stub makes it, the runtime polls it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use idl::{DecodeError, Field, Message, Reader, Writer};

use crate::context::{Context, note_error};
use crate::error::{CallError, RemoteError};
use crate::interface::Outcome;
use crate::protocol::control::{Fault, FaultKind};
use crate::protocol::frame::Status;
use crate::streaming::items::{Decoding, Encoding, Items};
use crate::streaming::{StreamArgument, StreamOutcome, Streaming};

/// A call on its way into a server stub, and what the stub makes of it.
pub struct Incoming<'a> {
    method: u32,
    arguments: &'a Bytes,
    /// A handler of the same method that has ended, and then the one that runs.
    handler: Option<Box<dyn Handler>>,
    /// What the caller sends, for a method that takes a stream.
    items: Option<Box<dyn Items>>,
    /// Why the arguments do not decode.
    error: Option<DecodeError>,
    runs: bool,
}

/// What a server stub has made of a call.
pub(crate) enum Dispatched {
    /// The implementation's future, not yet polled.
    Run(Box<dyn Handler>),
    /// The arguments do not decode: the implementation has seen nothing.
    Undecodable(DecodeError),
    /// There is no such method.
    UnknownMethod,
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(method: u32, arguments: &'a Bytes, spare: Option<Box<dyn Handler>>) -> Incoming<'a> {
        Incoming { method, arguments, handler: spare, items: None, error: None, runs: false }
    }

    /// With the stream that the method takes.
    pub(crate) fn with_items(mut self, items: Box<dyn Items>) -> Incoming<'a> {
        self.items = Some(items);
        self
    }

    #[inline]
    pub(crate) fn dispatched(self) -> Dispatched {
        match self.handler {
            Some(handler) if self.runs => Dispatched::Run(handler),
            _ => match self.error {
                Some(error) => Dispatched::Undecodable(error),
                None => Dispatched::UnknownMethod,
            },
        }
    }

    /// The method's number on the wire.
    pub fn method(&self) -> u32 {
        self.method
    }

    /// Reads the arguments, which are fields of the request. `Bytes` and `Text` are slices of the frame. If they do not decode,
    /// none is there.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn arguments(&mut self, fields: &mut [Field<'_>]) {
        if let Err(error) = Reader::of_frame(self.arguments).slots(fields) {
            self.error = Some(error);
        }
    }

    /// Reads the argument that is the request itself; none if it does not decode.
    pub fn request<T: Message>(&mut self) -> Option<T> {
        match idl::decode_message(&mut Reader::of_frame(self.arguments)) {
            Ok(request) => Some(request),
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }

    /// The stream that the method takes.
    pub fn items<S: StreamArgument>(&mut self) -> S {
        let stream = match self.items.take() {
            Some(items) => Decoding::streaming(items, None),
            // What carries the call sees to it that there is one.
            None => Streaming::from_iter([]),
        };
        S::from_streaming(stream)
    }

    /// The implementation's future is `future`.
    pub fn run<F, O>(&mut self, future: F)
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        // The spare is one of the same method, so its place fits; a generic interface may have several.
        match self.spare().downcast_mut::<Place<F>>() {
            Some(place) => {
                place.set(future);
                self.runs = true;
            }
            None => self.handle_by(Box::new(Box::pin(future))),
        }
    }

    /// The implementation's future is `future`, and opens a stream.
    pub fn open<F, O>(&mut self, future: F)
    where
        F: Future<Output = O> + Send + 'static,
        O: StreamOutcome,
    {
        self.handle_by(Box::new(Opens { future: Box::pin(future), items: None }));
    }

    /// Where what is to run goes, if a call before has left its place. Otherwise something of another type.
    #[cfg_attr(not(debug_assertions), inline)]
    fn spare(&mut self) -> &mut dyn Any {
        match &mut self.handler {
            Some(handler) => &mut **handler,
            none => none,
        }
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn handle_by(&mut self, handler: Box<dyn Handler>) {
        self.handler = Some(handler);
        self.runs = true;
    }
}

/// A running method. When it is ready, its reply is in `reply`, and another future can be set in its place.
pub(crate) trait Handler: Any + Send {
    fn poll(&mut self, cx: &mut task::Context<'_>, reply: &mut Writer) -> Poll<Status>;

    /// The stream that it has opened, after [`Status::Opened`].
    fn items(&mut self) -> Option<Box<dyn Items>> {
        None
    }
}

/// A running method that opens a stream.
struct Opens<F> {
    future: Pin<Box<F>>,
    items: Option<Box<dyn Items>>,
}

impl<F, O> Handler for Opens<F>
where
    F: Future<Output = O> + Send + 'static,
    O: StreamOutcome,
{
    fn poll(&mut self, cx: &mut task::Context<'_>, reply: &mut Writer) -> Poll<Status> {
        let outcome = ready!(self.future.as_mut().poll(cx));
        Poll::Ready(match outcome.into_result() {
            Ok(stream) => {
                self.items = Some(Box::new(Encoding(stream)));
                Status::Opened
            }
            Err(error) => put_error(&error, reply),
        })
    }

    fn items(&mut self) -> Option<Box<dyn Items>> {
        self.items.take()
    }
}

/// Where a method's future lives. The next call of the method sets another in its place, so that a call allocates nothing.
type Place<F> = Pin<Box<F>>;

impl<F, O> Handler for Place<F>
where
    F: Future<Output = O> + Send + 'static,
    O: Outcome,
{
    fn poll(&mut self, cx: &mut task::Context<'_>, reply: &mut Writer) -> Poll<Status> {
        match self.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(outcome) => Poll::Ready(put_outcome(outcome, reply)),
        }
    }
}

/// Polls a handler as part of the call `context`. A panic is its end (R7): a fault, like any other reply.
pub(crate) fn poll_handler(
    handler: &mut Box<dyn Handler>,
    context: &mut Option<Context>,
    cx: &mut task::Context<'_>,
    reply: &mut Writer,
) -> Poll<Status> {
    // The handler is not polled again after a panic, so nobody sees what it left behind.
    match catch_unwind(AssertUnwindSafe(|| Context::enter(context, || handler.poll(cx, reply)))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(status)) => Poll::Ready(match reply.check() {
            Ok(()) => status,
            Err(error) => put_fault(reply, FaultKind::ReplyUndecodable, &format!("the reply cannot travel: {error}")),
        }),
        Err(_panic) => Poll::Ready(put_fault(reply, FaultKind::Aborted, "the implementation panicked")),
    }
}

// What follows is compiled for each type that an interface speaks of, so it is kept small.

fn put_outcome<O: Outcome>(outcome: O, reply: &mut Writer) -> Status {
    match outcome.into_result() {
        Ok(value) => {
            O::write(&value, reply);
            Status::Value
        }
        Err(error) => put_error(&error, reply),
    }
}

/// Writes an error as the application's own, or as a fault.
pub(crate) fn put_error<E: RemoteError>(error: &E, reply: &mut Writer) -> Status {
    note_error(&|| {
        let code = match error.call_error() {
            Some(call) => RemoteError::code(call),
            None => error.code(),
        };
        (code, error.to_string())
    });
    if let Some(call) = error.call_error() {
        return put_call_error(call, reply);
    }
    match error.text() {
        Some(text) => put_fault(reply, FaultKind::Failed, &text),
        None => {
            idl::encode_message(error, reply);
            Status::Error
        }
    }
}

fn put_call_error(error: &CallError, reply: &mut Writer) -> Status {
    idl::encode_message(&error.to_fault(), reply);
    Status::Fault
}

/// Replaces what is in `reply` by a fault.
pub(crate) fn put_fault(reply: &mut Writer, kind: FaultKind, text: &str) -> Status {
    reply.clear();
    idl::encode_message(&Fault { kind, text: text.to_owned(), nested: None }, reply);
    Status::Fault
}
