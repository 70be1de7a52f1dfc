//! Unix sockets, which are registered for what is waited for and nothing else.
//!
//! A Unix socket reports that it can be written to again whenever its peer has read something. Registered for both
//! directions, as tokio registers its own, it wakes its task twice for every message.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

use super::Writing;

/// A connected Unix socket. What tokio registers for one direction only is a pipe's end; it reads and waits alike.
#[derive(Debug)]
pub(crate) struct UnixSocket {
    /// The socket, registered for reading.
    socket: pipe::Receiver,
    /// Another descriptor of it, registered for writing, while a write has to wait.
    blocked: Option<pipe::Sender>,
}

impl UnixSocket {
    /// A socket of tokio's, registered anew.
    pub(crate) fn new(socket: UnixStream) -> io::Result<UnixSocket> {
        UnixSocket::register(socket.into_std()?.into())
    }

    /// A socket that does not block, driven by the current runtime.
    pub(crate) fn register(socket: OwnedFd) -> io::Result<UnixSocket> {
        Ok(UnixSocket { socket: pipe::Receiver::from_owned_fd_unchecked(socket)?, blocked: None })
    }

    /// What callers write by, beside the task: another descriptor of the socket.
    pub(crate) fn writer(&self) -> io::Result<Arc<Writing>> {
        let socket = self.descriptor()?;
        Ok(Arc::new(move |slices| Ok(write(&socket, slices)?)))
    }

    fn descriptor(&self) -> io::Result<OwnedFd> {
        self.socket.as_fd().try_clone_to_owned()
    }

    /// The socket alone.
    pub(crate) fn unregister(self) -> io::Result<OwnedFd> {
        self.socket.into_nonblocking_fd()
    }
}

/// Writes what the socket takes at once.
fn write(socket: impl AsFd, slices: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
    match slices {
        // As a rule; and the system has less to look at.
        [slice] => rustix::io::write(socket, slice),
        slices => rustix::io::writev(socket, slices),
    }
}

impl AsyncRead for UnixSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for UnixSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            if let Some(blocked) = &self.blocked {
                ready!(blocked.poll_write_ready(cx))?;
                self.blocked = None;
            }
            match write(&self.socket, bufs) {
                Err(rustix::io::Errno::AGAIN) => {
                    self.blocked = Some(pipe::Sender::from_owned_fd_unchecked(self.descriptor()?)?);
                }
                Err(rustix::io::Errno::INTR) => {}
                sent => return Poll::Ready(sent.map_err(io::Error::from)),
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
        Poll::Ready(SockRef::from(&self.socket).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// More than fits into the socket's buffer arrives whole, and the end is seen.
    #[tokio::test]
    async fn a_write_that_has_to_wait_goes_on() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let (mut ours, mut theirs) =
            (UnixSocket::new(ours).expect("registered"), UnixSocket::new(theirs).expect("registered"));
        let sent: Vec<u8> = (0..4_u32 << 20).map(|n| n.to_le_bytes()[1]).collect();
        let (written, read) = tokio::join!(
            async {
                ours.write_all(&sent).await?;
                ours.shutdown().await
            },
            async {
                let mut all = Vec::new();
                theirs.read_to_end(&mut all).await.map(|_| all)
            }
        );
        written.expect("the peer reads");
        assert!(read.expect("the peer writes") == sent, "what arrived is something else");
        assert!(ours.blocked.is_none(), "it waits for nothing any more");
    }

    /// Writing to a peer that is gone is an error.
    #[tokio::test]
    async fn a_peer_that_is_gone_is_an_error() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let mut ours = UnixSocket::new(ours).expect("registered");
        drop(theirs);
        let error = ours.write_all(&[7]).await.expect_err("nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(ours.read(&mut [0]).await.expect("the end"), 0);
    }
}
