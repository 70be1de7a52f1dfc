//! Calls without a stub of methods that stream: messages as bytes, both ways.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::{AnyBinding, AnyError, message};
use crate::error::{CallError, ErrorKind};
use crate::interface::Method;
use crate::link::{Body, Reply};
use crate::protocol::frame::Status;
use crate::streaming::Streaming;
use crate::streaming::items::{Item, Items};
use crate::streaming::opening::{Opened, confused};

impl AnyBinding {
    /// Calls any method by its name on the wire with a stream of request messages, and gives the stream of its reply messages.
    ///
    /// A method that takes one message wants exactly one: `requests` is read to its end before anything is sent, and none or two of them
    /// fail with [`ErrorKind::Undecodable`], `Never`. One that gives one message is open when that is there, and it is the only item.
    ///
    /// Streams are as with a stub ([`Streaming`]): items of `requests` are asked for as the method consumes them, 256 KiB and one
    /// item ahead; items of replies are produced as they are asked for; none is lost or repeated when the connection is. If `requests` ends with
    /// an error the method is told so natively, and the call is cancelled over gRPC. Dropping the future, or the stream that it
    /// gave, cancels the call and drops `requests`.
    ///
    /// A deadline (the import's, or that of [`within`](crate::within)) holds until the streams are open, and where one message comes back,
    /// again from the end of `requests`. Over gRPC that of `within` bounds the whole call.
    ///
    /// Errors are those of [`call`](AnyBinding::call), of the opening or as the last item of the stream; the call ran if items came.
    ///
    /// ```
    /// use rpc_runtime::{Bytes, CallError, Node, Streaming, interface};
    ///
    /// #[interface(package = "demo.v1")]
    /// trait Doubler {
    ///     async fn double(&self, numbers: Streaming<u32>) -> Result<Streaming<u32>, CallError>;
    /// }
    /// # struct Twice;
    /// # impl Doubler for Twice {
    /// #     async fn double(&self, mut numbers: Streaming<u32>) -> Result<Streaming<u32>, CallError> {
    /// #         let (sender, doubled) = Streaming::channel();
    /// #         tokio::spawn(async move {
    /// #             while let Some(Ok(number)) = numbers.next().await {
    /// #                 let _ = sender.send(2 * number).await;
    /// #             }
    /// #         });
    /// #         Ok(doubled)
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = Node::builder().listen("127.0.0.1:0").start().await?;
    /// # let _export = node.export("a", DoublerServer::new(Twice)).await?;
    ///
    /// let any = node.import_any_at(&node.local_endpoints()[0], "demo.v1.Doubler", "a").await?;
    /// // Field 1 of each item is a number.
    /// let numbers = Streaming::from_iter([Bytes::from_static(&[0x08, 1]), Bytes::from_static(&[0x08, 21])]);
    /// let mut doubled = any.open("Double", numbers).await?;
    /// assert_eq!(&doubled.next().await.expect("an item")?[..], [0x08, 2]);
    /// assert_eq!(&doubled.next().await.expect("an item")?[..], [0x08, 42]);
    /// assert!(doubled.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(&self, method: &str, requests: Streaming<Bytes>) -> Result<Streaming<Bytes, AnyError>, AnyError> {
        let method = self.method(method)?;
        if !method.has_streams() {
            let request = only(method, requests).await?;
            return self.call_method(method, &request).await.map(once);
        }
        let mut opening = self.binding.open(method);
        match method.client_streams {
            true => opening.messages(requests),
            false => opening.arguments().put_bytes(&only(method, requests).await?),
        }
        match opening.open_raw().await {
            Ok(Opened::Items(items)) => Ok(Streaming::new(Replies { items: Some(items), method })),
            Ok(Opened::Reply(Reply { status: Status::Value, .. })) if method.server_streams => {
                Err(confused("gave a value in place of a stream").of_method(method).into())
            }
            Ok(Opened::Reply(reply)) => message(method, Ok(reply)).map(once),
            Err(error) => message(method, Err(error)).map(once),
        }
    }
}

fn once(reply: Bytes) -> Streaming<Bytes, AnyError> {
    Streaming::from_iter([reply])
}

/// The request of a method that takes one.
async fn only(method: &Method, mut requests: Streaming<Bytes>) -> Result<Bytes, CallError> {
    let wrong = |given: &str| {
        let text = format!("it takes one request, and was given {given}");
        CallError::never(ErrorKind::Undecodable, text).of_method(method)
    };
    let request = requests.next().await.ok_or_else(|| wrong("none"))??;
    match requests.next().await {
        None => Ok(request),
        Some(Ok(_)) => Err(wrong("more")),
        Some(Err(error)) => Err(error),
    }
}

/// What a method gives, as messages.
struct Replies {
    /// Gone after the end.
    items: Option<Box<dyn Items>>,
    method: &'static Method,
}

impl Stream for Replies {
    type Item = Result<Bytes, AnyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(items) = &mut self.items else { return Poll::Ready(None) };
        let ended = match ready!(items.poll_next(cx)) {
            Item::Next(message) => return Poll::Ready(Some(Ok(message))),
            Item::End(Status::Value, _) => None,
            Item::End(status, body) => Some(message(self.method, Ok(Reply { status, body: Body::Shared(body) }))),
            Item::Lost(error) => Some(message(self.method, Err(error))),
        };
        self.items = None;
        Poll::Ready(ended)
    }
}
