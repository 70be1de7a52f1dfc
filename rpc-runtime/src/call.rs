//! One call as a stub makes it: the arguments are marshalled first, then the future is made; it sends at its
//! first poll, and dropping it cancels.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use idl::{DecodeError, Message, Reader, Writer};

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
        Call { call: self.begin(), outcome: PhantomData }
    }

    fn begin(self) -> AnyCall<'a> {
        let state = match self.request.check() {
            Ok(()) => CallState::Unsent(self.request),
            Err(error) => CallState::Unsendable(CallError::never(ErrorKind::TooDeep, error.to_string())),
        };
        AnyCall { link: self.link, method: self.method, state }
    }
}

/// The future of a call's outcome.
///
/// Nothing is sent before it is first polled. Dropping it cancels the call: what was not sent never runs, what
/// was sent is cancelled in the background and may have run. Past its deadline it ends with
/// [`ErrorKind::DeadlineExceeded`].
#[must_use = "a call is made when its future is awaited"]
pub struct Call<'a, O> {
    call: AnyCall<'a>,
    outcome: PhantomData<fn() -> O>,
}

/// A call, whatever its outcome's type: what is compiled once, and not for each method.
struct AnyCall<'a> {
    link: &'a Link,
    method: &'static Method,
    state: CallState,
}

enum CallState {
    Unsent(Writer),
    Unsendable(CallError),
    Waiting(CallKey),
    Ended,
}

/// What a call has come to.
enum Answer {
    /// The message of the method's result.
    Value(Reply),
    /// The message of the method's own error.
    Error(Reply),
    Failed(CallError),
}

impl<O: Outcome> Future for Call<'_, O> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let call = &mut self.get_mut().call;
        match call.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(answer) => Poll::Ready(O::from_result(decode(call.method, answer))),
        }
    }
}

impl AnyCall<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        loop {
            let failed = match std::mem::replace(&mut self.state, CallState::Ended) {
                CallState::Unsent(request) => match self.link.submit(self.method, request, cx.waker()) {
                    Ok((key, ended)) => {
                        self.state = CallState::Waiting(key);
                        match ended {
                            Poll::Pending => return Poll::Pending,
                            Poll::Ready(()) => continue,
                        }
                    }
                    Err(error) => error,
                },
                CallState::Unsendable(error) => error,
                CallState::Waiting(key) => match self.link.poll_call(key, cx) {
                    Poll::Pending => {
                        self.state = CallState::Waiting(key);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(reply)) => return Poll::Ready(self.answered(reply)),
                    Poll::Ready(Err(error)) => error,
                },
                // A future must not be polled after it was ready.
                CallState::Ended => return Poll::Pending,
            };
            return Poll::Ready(Answer::Failed(failed.of_method(self.method)));
        }
    }

    /// What a final answer means.
    fn answered(&self, reply: Reply) -> Answer {
        match reply.status {
            Status::Value => Answer::Value(reply),
            Status::Error => Answer::Error(reply),
            Status::Fault => Answer::Failed(match idl::decode_message::<Fault>(&mut reply.body.reader()) {
                Ok(fault) => CallError::from_fault(fault).of_method(self.method),
                Err(error) => undecodable(self.method, error),
            }),
            _ => {
                let text = "the call ran, but its reply was not kept and is lost";
                let lost = CallError::new(ErrorKind::ReplyLost, Executed::Completed, text);
                Answer::Failed(lost.of_method(self.method))
            }
        }
    }
}

impl Drop for AnyCall<'_> {
    fn drop(&mut self) {
        if let CallState::Waiting(key) = self.state {
            self.link.give_up(key);
        }
    }
}

/// The outcome in the method's own types.
fn decode<T: Message, E: RemoteError>(method: &Method, answer: Answer) -> Result<T, E> {
    match answer {
        // A one-way call's reply is empty, as is one whose value is its type's default.
        Answer::Value(reply) => match decode_value(&mut reply.body.reader()) {
            Ok(value) => Ok(value),
            Err(error) => Err(undecodable(method, error).into()),
        },
        Answer::Error(reply) => Err(decode_error(method, &reply)),
        Answer::Failed(error) => Err(error.into()),
    }
}

/// The response message's one field.
fn decode_value<T: Message>(reader: &mut Reader<'_>) -> Result<T, DecodeError> {
    let mut value = None;
    while let Some(wire) = reader.next_of(1)? {
        reader.merge(&mut value, wire, "value")?;
    }
    idl::present(value, "value")
}

fn decode_error<E: RemoteError>(method: &Method, reply: &Reply) -> E {
    match idl::decode_message(&mut reply.body.reader()) {
        Ok(error) => error,
        Err(error) => undecodable(method, error).into(),
    }
}

#[cold]
fn undecodable(method: &Method, error: DecodeError) -> CallError {
    let text = format!("the reply cannot be decoded: {error}; compare the versions of the interface");
    CallError::new(ErrorKind::ReplyUndecodable, Executed::Completed, text).with_source(error).of_method(method)
}
