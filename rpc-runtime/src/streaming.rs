//! Streams as an application has them: [`Streaming`], which a method takes as its argument or gives as its result.
//!
//! Below it a stream is bytes ([`items`]), whatever carries it; [`carried`] carries it within a session, [`opening`] is the
//! call that opens it.

pub(crate) mod carried;
mod channel;
pub(crate) mod items;
pub(crate) mod opening;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use idl::Message;

pub use self::channel::{Closed, Sender};
use crate::error::{CallError, RemoteError};

/// A stream of items that travels: the argument of a method, or its result.
///
/// It is a [`Stream`] of `Result<T, E>`, with [`next`](Streaming::next) for who needs no more. After its first error it is
/// over. Both sides see the same items, each once and in order, also where the connection between them is lost meanwhile; a
/// stream that cannot be completed ends with an error, never as if it were complete: of the producer's, if that failed or
/// panicked, otherwise one that says why (a session that was lost, a node that shut down).
///
/// Nothing is produced ahead but what is on its way, 256 KiB and one item: a producer is asked for its next item while less
/// than that is not consumed. Dropping a stream tells its producer, which is dropped too; with a result's stream its call
/// is cancelled. A call's deadline holds until its streams are open, and not for them; where the result is no stream, it holds
/// again from the end of the argument's. What a method takes is sent by a task of its own, so such a call is to be made within
/// a tokio runtime.
///
/// ```
/// # use rpc_runtime::{CallError, Streaming};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut numbers: Streaming<u32> = Streaming::from_iter([1, 2]);
/// assert_eq!(numbers.next().await, Some(Ok(1)));
///
/// let (sender, mut numbers) = Streaming::<u32>::channel();
/// tokio::spawn(async move {
///     sender.send(1).await?;
///     sender.end_with(CallError::failed("no more numbers")).await
/// });
/// assert_eq!(numbers.next().await, Some(Ok(1)));
/// assert!(numbers.next().await.unwrap().is_err());
/// assert_eq!(numbers.next().await, None);
/// # });
/// ```
pub struct Streaming<T, E = CallError> {
    /// Gone after the end.
    stream: Option<Boxed<T, E>>,
}

type Boxed<T, E> = Pin<Box<dyn Stream<Item = Result<T, E>> + Send>>;

impl<T, E> Streaming<T, E> {
    /// What `stream` gives, until its end or its first error.
    pub fn new(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> Streaming<T, E> {
        Streaming { stream: Some(Box::pin(stream)) }
    }

    /// What an iterator gives, item by item as they are asked for. It must not block.
    #[expect(clippy::should_implement_trait, reason = "`collect` takes all at once; this takes what is asked for")]
    pub fn from_iter<I>(items: I) -> Streaming<T, E>
    where
        I: IntoIterator<Item = T, IntoIter: Send + 'static>,
        T: 'static,
        E: 'static,
    {
        Streaming::new(Iter(items.into_iter(), std::marker::PhantomData))
    }

    /// A stream and what fills it: see [`Sender`].
    pub fn channel() -> (Sender<T, E>, Streaming<T, E>)
    where
        T: Send + 'static,
        E: From<CallError> + Send + 'static,
    {
        channel::channel()
    }

    /// The next item; `None` after the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<T, E>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T, E> Stream for Streaming<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T, E>>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        let next = stream.as_mut().poll_next(cx);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.stream = None;
        }
        next
    }
}

/// The items are behind a pointer.
impl<T, E> Unpin for Streaming<T, E> {}

impl<T, E> fmt::Debug for Streaming<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("is_over", &self.stream.is_none()).finish_non_exhaustive()
    }
}

/// An iterator as a stream.
struct Iter<I, E>(I, std::marker::PhantomData<fn() -> E>);

/// It is never pinned itself.
impl<I, E> Unpin for Iter<I, E> {}

impl<I: Iterator, E> Stream for Iter<I, E> {
    type Item = Result<I::Item, E>;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// The stream that a method takes: `Streaming<T>`.
#[diagnostic::on_unimplemented(
    message = "a method cannot take `{Self}`",
    label = "not a stream that a method can take",
    note = "write `Streaming<T>`: a caller's stream fails with `CallError`, for which there is `CallError::failed`"
)]
pub trait StreamArgument: Sized + Send + 'static {
    /// What it is a stream of.
    type Item: Message;
    /// The stream itself.
    fn into_streaming(self) -> Streaming<Self::Item>;
    /// Back again.
    fn from_streaming(stream: Streaming<Self::Item>) -> Self;
}

impl<T: Message> StreamArgument for Streaming<T> {
    type Item = T;

    fn into_streaming(self) -> Streaming<T> {
        self
    }

    fn from_streaming(stream: Streaming<T>) -> Streaming<T> {
        stream
    }
}

/// What a method returns that opens a stream: `Result<Streaming<T, E>, E>`.
#[diagnostic::on_unimplemented(
    message = "a method that opens a stream cannot return `{Self}`",
    label = "not the result of an opening",
    note = "an opening and its stream fail with one error: write `Result<Streaming<T, E>, E>`, or `Result<Streaming<T>, CallError>`"
)]
pub trait StreamOutcome: Sized + Send + 'static {
    /// What it is a stream of.
    type Item: Message;
    /// The error of the opening and of the stream.
    type Error: RemoteError;
    /// As a plain `Result`.
    fn into_result(self) -> Result<Streaming<Self::Item, Self::Error>, Self::Error>;
    /// From a plain `Result`.
    fn from_result(result: Result<Streaming<Self::Item, Self::Error>, Self::Error>) -> Self;
}

impl<T: Message, E: RemoteError> StreamOutcome for Result<Streaming<T, E>, E> {
    type Item = T;
    type Error = E;

    fn into_result(self) -> Result<Streaming<T, E>, E> {
        self
    }

    fn from_result(result: Result<Streaming<T, E>, E>) -> Self {
        result
    }
}
