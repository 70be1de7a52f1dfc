//! A stream that is filled from elsewhere.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::panicking;

use futures_core::Stream;
use tokio::sync::mpsc;

use super::Streaming;
use crate::error::CallError;
use crate::executed::Executed;

/// Items that wait in a channel for their stream to be asked for them.
const WAITING_MAX: usize = 1;

/// What fills a [`Streaming`]. Dropping it ends the stream, as complete; if its task panics, with an error.
pub struct Sender<T, E = CallError> {
    sender: mpsc::Sender<Result<T, E>>,
    /// Kept for the one word that a panic needs.
    panic: Option<mpsc::OwnedPermit<Result<T, E>>>,
    aborted: fn() -> E,
}

/// The stream's consumer is not interested any more, or the stream was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody consumes the stream any more")]
pub struct Closed;

pub(super) fn channel<T, E>() -> (Sender<T, E>, Streaming<T, E>)
where
    T: Send + 'static,
    E: From<CallError> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING_MAX + 1);
    // The channel is new: there is room.
    let panic = sender.clone().try_reserve_owned().ok();
    (Sender { sender, panic, aborted: aborted::<E> }, Streaming::new(Receiver(receiver)))
}

fn aborted<E: From<CallError>>() -> E {
    use crate::error::ErrorKind;
    CallError::new(ErrorKind::Aborted, Executed::Completed, "the stream's producer panicked").into()
}

impl<T, E> Sender<T, E> {
    /// Gives the stream an item; waits until it is asked for more. `Err`: nobody consumes it any more, and the item is
    /// dropped.
    pub async fn send(&self, item: T) -> Result<(), Closed> {
        self.sender.send(Ok(item)).await.map_err(|_closed| Closed)
    }

    /// Ends the stream with an error.
    pub async fn end_with(self, error: E) -> Result<(), Closed> {
        self.sender.send(Err(error)).await.map_err(|_closed| Closed)
    }

    /// Waits until nobody consumes the stream any more.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }
}

impl<T, E> Drop for Sender<T, E> {
    fn drop(&mut self) {
        if let Some(permit) = self.panic.take().filter(|_| panicking()) {
            permit.send(Err((self.aborted)()));
        }
    }
}

impl<T, E> fmt::Debug for Sender<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.sender.is_closed()).finish_non_exhaustive()
    }
}

struct Receiver<T, E>(mpsc::Receiver<Result<T, E>>);

impl<T, E> Stream for Receiver<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T, E>>> {
        self.0.poll_recv(cx)
    }
}
