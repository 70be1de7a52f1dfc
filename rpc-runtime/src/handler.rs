//! One run of a method on the callee's side: the implementation's future, from decoded arguments to an encoded
//! reply. The server stub makes it, the runtime polls it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};

use bytes::Bytes;
use idl::{DecodeError, Message, Reader, Writer};

use crate::context::Context;
use crate::error::{CallError, RemoteError};
use crate::interface::Outcome;
use crate::protocol::control::{Fault, FaultKind};
use crate::protocol::frame::Status;

/// A call on its way into a server stub.
pub struct Incoming<'a> {
    method: u32,
    arguments: &'a Bytes,
    spare: Option<Box<dyn Handler>>,
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
        Incoming { method, arguments, spare }
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
                    Poll::Ready(put_outcome(outcome.into_result(), reply))
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

fn put_outcome<T: Message, E: RemoteError>(outcome: Result<T, E>, reply: &mut Writer) -> Status {
    match outcome {
        Ok(value) => {
            value.encode(1, reply);
            Status::Value
        }
        Err(error) => put_error(&error, reply),
    }
}

fn put_error<E: RemoteError>(error: &E, reply: &mut Writer) -> Status {
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
