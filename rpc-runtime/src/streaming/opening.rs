//! A call with streams as a stub makes it: its arguments are marshalled first, then it opens, and what it opened is
//! decoded as it is asked for.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use idl::Writer;

use super::carried::{Carried, Inbound};
use super::items::{Decoding, Encoding, Item, Items, Messages};
use super::{StreamArgument, StreamOutcome, Streaming};
use crate::binding::Binding;
use crate::call::{decode, decode_failure};
use crate::error::{CallError, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::interface::{Method, Outcome};
use crate::link::{CallKey, Link, Reply};
use crate::protocol::frame::Status;
use crate::spare;
use crate::sync::spawn;

/// A call with streams whose arguments are being marshalled.
pub struct Opening<'a> {
    binding: &'a Binding,
    method: &'static Method,
    request: Writer,
    items: Option<Box<dyn Items>>,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(binding: &'a Binding, method: &'static Method) -> Opening<'a> {
        Opening { binding, method, request: spare::writer(), items: None }
    }

    /// Where the request message goes, of a method that takes no stream.
    pub fn arguments(&mut self) -> &mut Writer {
        &mut self.request
    }

    /// The stream that the method takes.
    pub fn items(&mut self, stream: impl StreamArgument) {
        self.items = Some(Box::new(Encoding(stream.into_streaming())));
    }

    /// The stream that the method takes, as messages.
    pub(crate) fn messages(&mut self, stream: Streaming<Bytes>) {
        self.items = Some(Box::new(Messages(stream)));
    }

    /// The future of the outcome of a method that opens no stream.
    pub fn send<O: Outcome>(self) -> impl Future<Output = O> + Send + 'a {
        let method = self.method;
        async move {
            let opened = self.open_raw().await.and_then(|opened| match opened {
                Opened::Reply(reply) => Ok(reply),
                Opened::Items(_) => Err(confused("opened a stream")),
            });
            O::from_result(decode::<O>(method, &opened))
        }
    }

    /// The future of a method's stream, which is there when the method has opened it.
    pub fn open<O: StreamOutcome>(self) -> impl Future<Output = O> + Send + 'a {
        let method = self.method;
        async move {
            O::from_result(match self.open_raw().await {
                Ok(Opened::Items(items)) => Ok(Decoding::streaming(items, Some(method))),
                Ok(Opened::Reply(reply)) if reply.status != Status::Value => Err(decode_failure(method, &Ok(reply))),
                Ok(Opened::Reply(_)) => Err(confused("gave a value in place of a stream").of_method(method).into()),
                Err(error) => Err(error.of_method(method).into()),
            })
        }
    }

    /// Makes the call, whatever carries it: here the branches to other carriers belong.
    pub(crate) async fn open_raw(self) -> Result<Opened, CallError> {
        let Opening { binding, method, request, items } = self;
        request.check().map_err(|error| CallError::never(ErrorKind::TooDeep, error.to_string()))?;
        #[cfg(feature = "grpc")]
        if let Some((remote, timeout)) = binding.shared_link().remote(method) {
            let counters = &binding.shared_link().counters;
            counters.calls.add();
            // In a box, so that other calls need no room for it.
            let opened = Box::pin(remote.open(binding.clone(), method, (request, items), timeout)).await;
            if matches!(&opened, Err(error) if matches!(error.executed(), Executed::Unknown { .. })) {
                counters.unknown.add();
            }
            return opened;
        }
        let carried = Arc::new(Carried::of_caller(items.is_some(), method.server_streams));
        let mut call = OpenCall { binding: binding.clone(), carried, key: None };
        let mut unsent = Some((request, items));
        let reply = poll_fn(|cx| {
            if let Some((request, items)) = unsent.take() {
                call.submit(method, request, items, cx)?;
            }
            call.poll(cx)
        });
        let reply = reply.await?;
        Ok(match reply.status {
            Status::Opened => Opened::Items(Box::new(ResultItems { inbound: call.inbound(), call, has_ended: false })),
            _ => Opened::Reply(reply),
        })
    }
}

/// What a call with streams has come to.
pub(crate) enum Opened {
    /// Its answer.
    Reply(Reply),
    /// The stream that it opened. Dropping it cancels the call.
    Items(Box<dyn Items>),
}

pub(crate) fn confused(what: &str) -> CallError {
    let text = format!("the exporter {what}; this is a defect of its library");
    CallError::new(ErrorKind::ReplyUndecodable, MAY_STILL_RUN, text)
}

/// A call of a link's with its streams. Dropping it gives the call up, and its streams.
struct OpenCall {
    /// Keeps the link.
    binding: Binding,
    carried: Arc<Carried>,
    /// `None` before it was submitted, and when the link has forgotten it.
    key: Option<CallKey>,
}

impl OpenCall {
    fn submit(
        &mut self,
        method: &'static Method,
        request: Writer,
        items: Option<Box<dyn Items>>,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let link = self.binding.shared_link();
        let key = link.submit_streams(method, request, &self.carried, cx.waker())?;
        self.key = Some(key);
        if let Some(items) = items {
            // Ends with the stream, or with the call.
            spawn(feed(Arc::clone(link), key, Arc::clone(&self.carried), items));
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, CallError>> {
        let Some(key) = self.key else { return Poll::Pending };
        let reply = self.binding.shared_link().poll_call(key, cx);
        if !matches!(&reply, Poll::Pending | Poll::Ready(Ok(Reply { status: Status::Opened, .. }))) {
            self.key = None;
            self.carried.end(over());
        }
        reply
    }

    fn inbound(&self) -> Inbound {
        Inbound(Arc::clone(&self.carried))
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.binding.shared_link().give_up(key);
        }
        self.carried.end(over());
    }
}

/// What nobody asks for any more.
fn over() -> CallError {
    CallError::new(ErrorKind::Cancelled, Executed::Completed, "the call is over")
}

/// The stream that a method has opened.
struct ResultItems {
    inbound: Inbound,
    call: OpenCall,
    has_ended: bool,
}

impl Items for ResultItems {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        let next = self.inbound.poll_next(cx);
        self.has_ended |= matches!(next, Poll::Ready(Item::End(..) | Item::Lost(_)));
        next
    }
}

impl Drop for ResultItems {
    fn drop(&mut self) {
        if self.has_ended
            && let Some(key) = self.call.key.take()
        {
            // The callee's answer follows by itself.
            self.call.binding.shared_link().forget(key);
        }
    }
}

/// Sends what a stream argument gives.
async fn feed(link: Arc<Link>, key: CallKey, carried: Arc<Carried>, mut items: Box<dyn Items>) {
    // Whether it came to its end or was stopped: nothing more goes out.
    carried.produce(&mut *items, |items, cx| items.poll_next(cx)).await;
    link.has_sent_all(key, &carried);
}
