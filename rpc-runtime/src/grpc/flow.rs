//! Room in the other side's window, which HTTP/2 gives out.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::SendStream;

/// Waits until there is room for some of `bytes` on a stream: for how many. `None` if the stream has ended.
pub(super) async fn room(stream: &mut SendStream<Bytes>, bytes: usize) -> Option<usize> {
    poll_fn(|cx| poll_room(stream, bytes, cx)).await
}

/// The same.
pub(super) fn poll_room(stream: &mut SendStream<Bytes>, bytes: usize, cx: &mut Context<'_>) -> Poll<Option<usize>> {
    stream.reserve_capacity(bytes);
    loop {
        match (stream.capacity(), stream.poll_capacity(cx)) {
            (1.., _) => return Poll::Ready(Some(stream.capacity())),
            // It says so also when there is none any more.
            (0, Poll::Ready(Some(Ok(_)))) => {}
            (0, Poll::Ready(_gone)) => return Poll::Ready(None),
            (0, Poll::Pending) => return Poll::Pending,
        }
    }
}
