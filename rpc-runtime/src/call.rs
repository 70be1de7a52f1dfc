//! One call as a stub makes it: the arguments are marshalled first, then the future is made; it sends at its
//! first poll, and dropping it cancels.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use idl::Writer;

use crate::error::{CallError, ErrorKind, RemoteError};
use crate::executed::Executed;
use crate::interface::{Method, Outcome};
use crate::link::{CallKey, Link, Reply};
use crate::protocol::control::Fault;
use crate::protocol::frame::Status;
use crate::spare;

/// A call whose arguments are being marshalled.
pub struct Outgoing<'a> {
    link: &'a Link,
    method: &'static Method,
    request: Writer,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn new(link: &'a Link, method: &'static Method) -> Outgoing<'a> {
        Outgoing { link, method, request: spare::writer() }
    }

    /// Where the request message goes.
    pub fn arguments(&mut self) -> &mut Writer {
        &mut self.request
    }

    /// The future of the call's outcome.
    pub fn send<O: Outcome>(self) -> Call<'a, O> {
        let state = match self.request.check() {
            Ok(()) => CallState::Unsent(self.request),
            Err(error) => CallState::Unsendable(CallError::never(ErrorKind::TooDeep, error.to_string())),
        };
        Call { link: self.link, method: self.method, state, outcome: PhantomData }
    }
}

/// The future of a call's outcome.
///
/// Nothing is sent before it is first polled. Dropping it cancels the call: what was not sent never runs, what
/// was sent is cancelled in the background and may have run. Past its deadline it ends with
/// [`ErrorKind::DeadlineExceeded`].
#[must_use = "a call is made when its future is awaited"]
pub struct Call<'a, O> {
    link: &'a Link,
    method: &'static Method,
    state: CallState,
    outcome: PhantomData<fn() -> O>,
}

enum CallState {
    Unsent(Writer),
    Unsendable(CallError),
    Waiting(CallKey),
    /// On its way to a gRPC server.
    #[cfg(feature = "grpc")]
    Grpc(crate::grpc::Calling),
    Ended,
}

impl<O: Outcome> Future for Call<'_, O> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let call = self.get_mut();
        loop {
            let failed = match std::mem::replace(&mut call.state, CallState::Ended) {
                #[cfg(feature = "grpc")]
                CallState::Grpc(mut calling) => match calling.as_mut().poll(cx) {
                    Poll::Pending => {
                        call.state = CallState::Grpc(calling);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(reply)) => {
                        return Poll::Ready(O::from_result(decode::<O>(call.method, &reply)));
                    }
                    Poll::Ready(Err(error)) => {
                        if matches!(error.executed(), Executed::Unknown { .. }) {
                            call.link.counters.unknown.add();
                        }
                        error
                    }
                },
                CallState::Unsent(request) => {
                    #[cfg(feature = "grpc")]
                    let request = match call.link.call_grpc(call.method, request) {
                        Ok(calling) => {
                            call.state = CallState::Grpc(calling);
                            continue;
                        }
                        Err(request) => request,
                    };
                    match call.link.submit(call.method, request, cx.waker()) {
                        Ok((key, ended)) => {
                            call.state = CallState::Waiting(key);
                            match ended {
                                Poll::Pending => return Poll::Pending,
                                Poll::Ready(()) => continue,
                            }
                        }
                        Err(error) => error,
                    }
                }
                CallState::Unsendable(error) => error,
                CallState::Waiting(key) => match call.link.poll_call(key, cx) {
                    Poll::Pending => {
                        call.state = CallState::Waiting(key);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(reply)) => {
                        return Poll::Ready(O::from_result(decode::<O>(call.method, &reply)));
                    }
                    Poll::Ready(Err(error)) => error,
                },
                // A future must not be polled after it was ready.
                CallState::Ended => return Poll::Pending,
            };
            return Poll::Ready(O::from_result(Err(failed.of_method(call.method).into())));
        }
    }
}

impl<O> Drop for Call<'_, O> {
    fn drop(&mut self) {
        if let CallState::Waiting(key) = self.state {
            self.link.give_up(key);
        }
    }
}

/// What a final answer means to the caller.
pub(crate) fn decode<O: Outcome>(method: &Method, reply: &Reply) -> Result<O::Value, O::Error> {
    if reply.status != Status::Value {
        return Err(decode_failure(method, reply));
    }
    // A one-way call's reply is empty, as is one whose value is its type's default.
    O::read(&mut reply.body.reader()).map_err(|error| undecodable(error).of_method(method).into())
}

fn undecodable(error: idl::DecodeError) -> CallError {
    let text = format!("the reply cannot be decoded: {error}; compare the versions of the interface");
    CallError::new(ErrorKind::ReplyUndecodable, Executed::Completed, text).with_source(error)
}

/// What a final answer that is no value means to the caller.
pub(crate) fn decode_failure<E: RemoteError>(method: &Method, reply: &Reply) -> E {
    let mut reader = reply.body.reader();
    let failed = match reply.status {
        Status::Error => match idl::decode_message::<E>(&mut reader) {
            Ok(error) => return error,
            Err(error) => undecodable(error),
        },
        Status::Fault => match idl::decode_message::<Fault>(&mut reader) {
            Ok(fault) => CallError::from_fault(fault),
            Err(error) => undecodable(error),
        },
        _ => CallError::new(
            ErrorKind::ReplyLost,
            Executed::Completed,
            "the call ran, but its reply was not kept and is lost",
        ),
    };
    failed.of_method(method).into()
}
