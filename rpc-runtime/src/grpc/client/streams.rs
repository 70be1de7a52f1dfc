//! A call with streams to a gRPC server.
//!
//! What it sends goes out from a task of its own, what comes back is pulled by whoever consumes it. gRPC says that a method has begun
//! with the first thing it sends back, which may wait for what it is sent: so a call with streams both ways is open when it was sent.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, SendStream};
use idl::Writer;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout_at};

use super::Remote;
use super::exchange::Exchange;
use super::response::{Next, Response, only, own_error};
use crate::binding::Binding;
use crate::context::{ReplyMetadata, inherited_deadline, outgoing};
use crate::error::{CallError, ErrorKind};
use crate::executed::MAY_STILL_RUN;
use crate::grpc::items::{Framing, send_items};
use crate::grpc::limits::PART_BYTES_MAX;
use crate::grpc::message::{HEAD_BYTES, framed_small};
use crate::interface::Method;
use crate::link::Reply;
use crate::protocol::control::Fault;
use crate::protocol::frame::Status as Verdict;
use crate::streaming::items::{Item, Items};
use crate::streaming::opening::Opened;
use crate::task::spawn;

/// What a call takes: one message, or a stream of them.
type Request = (Writer, Option<Box<dyn Items>>);

impl Remote {
    /// Makes a call with streams. `timeout` bounds the wait for a connection, and for the reply where that is no stream; a deadline that
    /// holds here bounds the whole call.
    pub(crate) async fn open(
        self: Arc<Self>,
        binding: Binding,
        method: &'static Method,
        (request, items): Request,
        timeout: Duration,
    ) -> Result<Opened, CallError> {
        self.check_size(&request)?;
        let permit = Arc::clone(&self.streams).try_acquire_owned().map_err(|_full| {
            let text = "this binding has as many calls with streams as it may (`session_streams_max`)";
            CallError::never(ErrorKind::Overload, text)
        })?;
        let (metadata, told) = (outgoing(), ReplyMetadata::begin());
        let (begun, until, is_sent) = (Instant::now(), inherited_deadline(), AtomicBool::new(false));
        let exchange = Exchange {
            remote: &self,
            method,
            metadata: metadata.as_deref(),
            told: told.clone(),
            until,
            is_sent: &is_sent,
        };
        let send_by = begun.checked_add(timeout).into_iter().chain(until).min();
        let sent = match send_by {
            Some(at) => timeout_at(at, exchange.send_head()).await.map_err(|_elapsed| self.unsent(at - begun))?,
            None => exchange.send_head().await,
        };
        let (response, sending) = sent?;
        let (feeding, fed) = feed(sending, request, items, self.limits.frame_bytes_max);
        let call = StreamCall {
            response: Some(Response::new(response, &self, told)),
            feeding,
            remote: self,
            method,
            late: until.map(|until| Box::pin(sleep_until(until))),
            _binding: binding,
            _permit: permit,
        };
        call.opened(timeout, fed).await
    }
}

/// A call with streams that was sent. Dropping it resets its stream.
struct StreamCall {
    /// Gone after the end.
    response: Option<Response>,
    feeding: Feeding,
    remote: Arc<Remote>,
    method: &'static Method,
    /// The deadline of the whole call.
    late: Option<Pin<Box<Sleep>>>,
    /// Keeps the connection.
    _binding: Binding,
    _permit: OwnedSemaphorePermit,
}

impl StreamCall {
    async fn opened(mut self, timeout: Duration, fed: oneshot::Receiver<()>) -> Result<Opened, CallError> {
        if !self.method.server_streams {
            return self.reply(timeout, fed).await.map(Opened::Reply);
        }
        if !self.method.client_streams {
            // The server has the whole request.
            poll_fn(|cx| self.poll_in_time(cx, Response::poll_begun)).await?;
            if let Some(status) = self.response.as_mut().and_then(Response::status_alone) {
                return self.remote.failed(self.method, &status).map(own_error).map(Opened::Reply);
            }
        }
        Ok(Opened::Items(Box::new(self)))
    }

    /// The reply, which has its time from when everything was sent.
    async fn reply(mut self, timeout: Duration, fed: oneshot::Receiver<()>) -> Result<Reply, CallError> {
        let late = async {
            // It is also over when nobody wants more.
            let _ = fed.await;
            sleep(timeout).await;
        };
        let (remote, method) = (Arc::clone(&self.remote), self.method);
        tokio::select! {
            biased;
            reply = only(|cx| self.poll_message(cx), &remote, method) => reply,
            () = late => Err(no_reply(&format!("within {timeout:?} of the end of what was sent"))),
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, CallError>> {
        self.poll_in_time(cx, Response::poll_next)
    }

    /// Polls the response, unless the deadline has passed. After an error it is gone.
    fn poll_in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Response, &mut Context<'_>) -> Poll<Result<T, CallError>>,
    ) -> Poll<Result<T, CallError>> {
        let Some(response) = &mut self.response else {
            return Poll::Ready(Err(no_reply("any more: the call is over")));
        };
        let polled = match poll(response, cx) {
            Poll::Pending => match self.late.as_mut().map(|late| late.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => Err(no_reply("before the deadline")),
                _ => return Poll::Pending,
            },
            Poll::Ready(polled) => polled,
        };
        Poll::Ready(polled.map_err(|error| {
            self.end();
            // What failed first was the producer, if it did.
            self.feeding.failed.get().cloned().unwrap_or(error)
        }))
    }

    /// Nothing more comes, and nothing more is sent.
    fn end(&mut self) {
        self.response = None;
        self.feeding.stop();
    }
}

impl Items for StreamCall {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        let next = ready!(self.poll_message(cx));
        Poll::Ready(match next {
            Ok(Next::Message(message)) => Item::Next(message),
            Ok(Next::End(status)) => {
                self.end();
                match status.map(|status| self.remote.failed(self.method, &status)) {
                    None => Item::End(Verdict::Value, Bytes::new()),
                    Some(Ok(own)) => Item::End(Verdict::Error, own),
                    Some(Err(error)) => Item::Lost(error),
                }
            }
            Err(error) => Item::Lost(error),
        })
    }
}

fn no_reply(when: &str) -> CallError {
    CallError::new(ErrorKind::DeadlineExceeded, MAY_STILL_RUN, format!("no reply {when}"))
}

/// What sends a call's stream. Dropping it drops the producer.
struct Feeding {
    task: Option<AbortHandle>,
    /// Why the producer failed.
    failed: Arc<OnceLock<CallError>>,
}

impl Feeding {
    fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends what the call takes; tells when everything was sent, or nobody wants more.
fn feed(
    mut sending: SendStream<Bytes>,
    request: Writer,
    items: Option<Box<dyn Items>>,
    bytes_max: usize,
) -> (Feeding, oneshot::Receiver<()>) {
    let failed = Arc::new(OnceLock::new());
    let (tell, fed) = oneshot::channel();
    let items = match items {
        Some(items) => items,
        None if HEAD_BYTES + request.len() <= PART_BYTES_MAX => {
            // What cannot be sent shows in the response.
            let _ = sending.send_data(framed_small(&request), true);
            crate::spare::keep(request);
            return (Feeding { task: None, failed }, fed);
        }
        None => Box::new(Single(Some(request.into_bytes()))),
    };
    let failure = Arc::clone(&failed);
    // Ends with what is sent, or with the call.
    let task = spawn(async move {
        send_all(sending, items, bytes_max, &failure).await;
        // Nobody may wait for it.
        let _ = tell.send(());
    });
    (Feeding { task: Some(task.abort_handle()), failed }, fed)
}

/// Sends a stream to its end. If its producer fails the call is cancelled, as gRPC has no word for that.
async fn send_all(
    mut sending: SendStream<Bytes>,
    mut items: Box<dyn Items>,
    bytes_max: usize,
    failed: &OnceLock<CallError>,
) {
    let framing = Framing { compression: None, bytes_max };
    match send_items(&mut sending, framing, |cx| items.poll_next(cx)).await {
        // What cannot be sent shows in the response.
        Some((Verdict::Value, _)) => drop(sending.send_data(Bytes::new(), true)),
        Some((_, body)) => {
            let error = idl::from_slice::<Fault>(&body).map(CallError::from_fault);
            let error = error.unwrap_or_else(|_| CallError::failed("an error that does not decode"));
            let text = format!("the call was cancelled, as the stream that it was to take failed: {}", error.text());
            let _ = failed.set(CallError::new(error.kind(), MAY_STILL_RUN, text));
            sending.send_reset(Reason::CANCEL);
        }
        None => {}
    }
}

/// A large request, as a stream of one.
struct Single(Option<Bytes>);

impl Items for Single {
    fn poll_next(&mut self, _cx: &mut Context<'_>) -> Poll<Item> {
        Poll::Ready(match self.0.take() {
            Some(message) => Item::Next(message),
            None => Item::End(Verdict::Value, Bytes::new()),
        })
    }
}
