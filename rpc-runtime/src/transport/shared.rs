//! TCP connections that callers write to by themselves, beside the task that drives them.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use super::Writing;

/// A TCP connection as its task has it: it reads and writes, and one descriptor is enough for it and the callers.
#[derive(Debug)]
pub(crate) struct SharedTcp(OwnedReadHalf);

impl SharedTcp {
    /// The connection for its task, and what callers write by: until that is dropped, the connection is open.
    pub(crate) fn new(stream: TcpStream) -> (SharedTcp, Arc<Writing>) {
        let (ours, theirs) = stream.into_split();
        (SharedTcp(ours), Arc::new(move |slices| try_write(theirs.as_ref(), slices)))
    }

    fn stream(&self) -> &TcpStream {
        self.0.as_ref()
    }
}

/// Writes what the socket takes at once.
fn try_write(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match slices {
        // As a rule; and the system has less to look at.
        [slice] => stream.try_write(slice),
        slices => stream.try_write_vectored(slices),
    }
}

impl AsyncRead for SharedTcp {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for SharedTcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream().poll_write_ready(cx))?;
            match try_write(self.stream(), slices) {
                // Which is no longer ready then.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(self.stream()).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What the task and a caller write arrives, also more than the socket's buffer holds, and the end is seen.
    #[tokio::test]
    async fn a_task_and_a_caller_write_to_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let connected = TcpStream::connect(listener.local_addr().expect("its address")).await.expect("it listens");
        let (mut theirs, _) = listener.accept().await.expect("a connection");
        let (mut ours, writer) = SharedTcp::new(connected);
        let sent: Vec<u8> = (0..4_u32 << 20).map(|n| n.to_le_bytes()[1]).collect();
        let (written, read) = tokio::join!(
            async {
                ours.write_all(&sent).await?;
                while !matches!(writer(&[IoSlice::new(b"last")]), Ok(4)) {
                    ours.stream().writable().await?;
                }
                ours.shutdown().await
            },
            async {
                let mut all = Vec::new();
                theirs.read_to_end(&mut all).await.map(|_| all)
            }
        );
        written.expect("the peer reads");
        let (all, last) = (read.expect("the peer writes"), b"last");
        assert!(all.strip_suffix(last) == Some(&sent[..]), "what arrived is something else");
        theirs.write_all(b"reply").await.expect("only one direction is closed");
        drop(theirs);
        let mut reply = String::new();
        ours.read_to_string(&mut reply).await.expect("the reply");
        assert_eq!(reply, "reply");
    }
}
