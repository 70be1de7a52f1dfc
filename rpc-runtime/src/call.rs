//! One call as a stub makes it: the arguments are marshalled first, then the future is made; it sends at its
//! first poll, and dropping it cancels.

use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use idl::{DecodeError, Writer};

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

    /// What the call comes to, as it came.
    pub(crate) async fn answer(self) -> Answer {
        let mut call = self.begin();
        poll_fn(|cx| call.poll(cx)).await
    }

    #[cfg_attr(not(debug_assertions), inline)]
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

/// What a call has come to.
pub(crate) type Answer = Result<Reply, CallError>;

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
    /// On its way to a gRPC server.
    #[cfg(feature = "grpc")]
    Grpc(crate::grpc::Calling),
    Ended,
}

impl<O: Outcome> Future for Call<'_, O> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let call = &mut self.get_mut().call;
        match call.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(answer) => Poll::Ready(O::from_result(decode::<O>(call.method, &answer))),
        }
    }
}

impl AnyCall<'_> {
    #[cfg_attr(not(debug_assertions), inline)]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        match self.state {
            CallState::Waiting(key) => return self.poll_answer(key, cx),
            #[cfg(feature = "grpc")]
            CallState::Grpc(_) => return self.poll_grpc(cx),
            _ => {}
        }
        match std::mem::replace(&mut self.state, CallState::Ended) {
            CallState::Unsent(request) => self.submit(request, cx),
            CallState::Unsendable(error) => Poll::Ready(Err(error)),
            // A future must not be polled after it was ready.
            _ => Poll::Pending,
        }
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn submit(&mut self, request: Writer, cx: &mut Context<'_>) -> Poll<Answer> {
        #[cfg(feature = "grpc")]
        let request = match self.link.call_grpc(self.method, request) {
            Ok(calling) => {
                self.state = CallState::Grpc(calling);
                return self.poll_grpc(cx);
            }
            Err(request) => request,
        };
        match self.link.submit(self.method, request, cx.waker()) {
            Ok((key, ended)) => {
                self.state = CallState::Waiting(key);
                match ended {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => self.poll_answer(key, cx),
                }
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn poll_answer(&mut self, key: CallKey, cx: &mut Context<'_>) -> Poll<Answer> {
        let answer = self.link.poll_call(key, cx);
        if answer.is_ready() {
            self.state = CallState::Ended;
        }
        answer
    }
}

#[cfg(feature = "grpc")]
impl AnyCall<'_> {
    fn poll_grpc(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        let CallState::Grpc(calling) = &mut self.state else { return Poll::Pending };
        let answer = std::task::ready!(calling.as_mut().poll(cx));
        self.state = CallState::Ended;
        if matches!(&answer, Err(error) if matches!(error.executed(), Executed::Unknown { .. })) {
            self.link.counters.unknown.add();
        }
        Poll::Ready(answer)
    }
}

impl Drop for AnyCall<'_> {
    #[cfg_attr(not(debug_assertions), inline)]
    fn drop(&mut self) {
        if let CallState::Waiting(key) = self.state {
            self.link.give_up(key);
        }
    }
}

/// The outcome in the method's own types.
pub(crate) fn decode<O: Outcome>(method: &Method, answer: &Answer) -> Result<O::Value, O::Error> {
    match answer {
        // A one-way call's reply is empty, as is one whose value is its type's default.
        Ok(Reply { status: Status::Value, body }) => match O::read(&mut body.reader()) {
            Ok(value) => Ok(value),
            Err(error) => Err(undecodable(error).of_method(method).into()),
        },
        failed => Err(decode_failure(method, failed)),
    }
}

/// What an answer that is no value means, in the method's own error.
pub(crate) fn decode_failure<E: RemoteError>(method: &Method, answer: &Answer) -> E {
    let failed = match answer {
        Ok(Reply { status: Status::Error, body }) => match idl::decode_message::<E>(&mut body.reader()) {
            Ok(error) => return error,
            Err(error) => undecodable(error),
        },
        failed => failure(failed),
    };
    failed.of_method(method).into()
}

/// What an answer means that has neither a value nor an error of the method's own.
#[cold]
pub(crate) fn failure(answer: &Answer) -> CallError {
    match answer {
        Err(error) => error.clone(),
        Ok(Reply { status: Status::Fault, body }) => match idl::decode_message::<Fault>(&mut body.reader()) {
            Ok(fault) => CallError::from_fault(fault),
            Err(error) => undecodable(error),
        },
        Ok(_) => CallError::new(
            ErrorKind::ReplyLost,
            Executed::Completed,
            "the call ran, but its reply was not kept and is lost",
        ),
    }
}

#[cold]
fn undecodable(error: DecodeError) -> CallError {
    let text = format!("the reply cannot be decoded: {error}; compare the versions of the interface");
    CallError::new(ErrorKind::ReplyUndecodable, Executed::Completed, text).with_source(error)
}
