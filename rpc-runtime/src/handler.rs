//! One run of a method on the callee's side: the implementation's future, from decoded arguments to an encoded
//! reply. The server stub makes it, the runtime polls it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use idl::{DecodeError, Reader, Writer};

use crate::context::{Context, note_error};
use crate::error::{CallError, RemoteError};
use crate::interface::Outcome;
use crate::protocol::control::{Fault, FaultKind};
use crate::protocol::frame::Status;
use crate::streaming::items::{Decoding, Encoding, Items};
use crate::streaming::{StreamArgument, StreamOutcome, Streaming};

/// A call on its way into a server stub.
pub struct Incoming<'a> {
    method: u32,
    arguments: &'a Bytes,
    spare: Option<Box<dyn Handler>>,
    /// What the caller sends, for a method that takes a stream.
    items: Option<Box<dyn Items>>,
}

/// What a server stub makes of a call.
pub struct Dispatch(pub(crate) Dispatched);

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
        Incoming { method, arguments, spare, items: None }
    }

    /// With the stream that the method takes.
    pub(crate) fn with_items(mut self, items: Box<dyn Items>) -> Incoming<'a> {
        self.items = Some(items);
        self
    }

    /// The method's number on the wire.
    pub fn method(&self) -> u32 {
        self.method
    }

    /// The request message. `Bytes` and `Text` that are read from it are slices of the frame.
    pub fn reader(&self) -> Reader<'a> {
        Reader::of_frame(self.arguments)
    }

    /// The implementation's future is `future`.
    pub fn run<F, O>(self, future: F) -> Dispatch
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        let mut handler: Box<dyn Handler> = match self.spare {
            Some(spare) => spare,
            None => Box::new(Slot::<F> { future: Box::pin(None) }),
        };
        // The spare is one of the same method, so its slot fits; a generic interface may have several.
        let slot: &mut dyn Any = &mut *handler;
        match slot.downcast_mut::<Slot<F>>() {
            Some(slot) => slot.future.set(Some(future)),
            None => handler = Box::new(Slot { future: Box::pin(Some(future)) }),
        }
        Dispatch(Dispatched::Run(handler))
    }

    /// The stream that the method takes.
    pub fn items<S: StreamArgument>(mut self) -> (Incoming<'a>, S) {
        let stream = match self.items.take() {
            Some(items) => Decoding::streaming(items, None),
            // What carries the call sees to it that there is one.
            None => Streaming::from_iter([]),
        };
        (self, S::from_streaming(stream))
    }

    /// The implementation's future is `future`, and opens a stream.
    pub fn open<F, O>(self, future: F) -> Dispatch
    where
        F: Future<Output = O> + Send + 'static,
        O: StreamOutcome,
    {
        Dispatch(Dispatched::Run(Box::new(Opens { future: Box::pin(future), items: None })))
    }

    /// The arguments do not decode.
    pub fn undecodable(self, error: DecodeError) -> Dispatch {
        Dispatch(Dispatched::Undecodable(error))
    }

    /// The interface has no such method.
    pub fn unknown_method(self) -> Dispatch {
        Dispatch(Dispatched::UnknownMethod)
    }
}

/// A running method. When it is ready, its reply is in `reply`, and it can be refilled.
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

/// Where a method's future lives. It is refilled by the next call of the method, so that a call allocates
/// nothing.
struct Slot<F> {
    future: Pin<Box<Option<F>>>,
}

impl<F, O> Handler for Slot<F>
where
    F: Future<Output = O> + Send + 'static,
    O: Outcome,
{
    fn poll(&mut self, cx: &mut task::Context<'_>, reply: &mut Writer) -> Poll<Status> {
        match self.future.as_mut().as_pin_mut() {
            None => Poll::Ready(put_fault(reply, FaultKind::Aborted, "the handler was polled after its end")),
            Some(future) => match future.poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(outcome) => {
                    self.future.set(None);
                    Poll::Ready(put_outcome(outcome, reply))
                }
            },
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
    note_error(|| (error.call_error().map_or_else(|| error.code(), RemoteError::code), error.to_string()));
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
