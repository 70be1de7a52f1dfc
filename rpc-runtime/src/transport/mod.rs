//! Byte streams: TCP, Unix sockets, and in memory. What is above sees one type, [`Stream`].

pub(crate) mod accept;
pub(crate) mod endpoint;
pub(crate) mod memory;
mod net;
#[cfg(not(verify))]
mod shared;
#[cfg(unix)]
pub(crate) mod unix;

use std::io;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use net::TcpStream;
#[cfg(not(verify))]
use shared::SharedTcp;
#[cfg(unix)]
use unix::UnixSocket;

/// Writes to a connection's socket without waiting: gives how many bytes it took.
pub(crate) type Writing = dyn Fn(&[io::IoSlice<'_>]) -> io::Result<usize> + Send + Sync;

/// A connected byte stream.
#[derive(Debug)]
pub(crate) enum Stream {
    /// TCP, with Nagle's delay off.
    Tcp(TcpStream),
    /// The same, while callers write to it too.
    #[cfg(not(verify))]
    SharedTcp(SharedTcp),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixSocket),
    /// In memory, within one process.
    Memory(DuplexStream),
}

/// A connected byte stream that no runtime drives.
#[derive(Debug)]
pub(crate) enum Unregistered {
    /// TCP.
    Tcp(net::Unregistered),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(OwnedFd),
    /// In memory: needs no driving.
    Memory(DuplexStream),
}

impl Stream {
    /// The stream for a task, and what others write to it by, without waiting; none if it is no socket.
    pub(crate) fn shared(self) -> (Stream, Option<Arc<Writing>>) {
        match self {
            #[cfg(not(verify))]
            Stream::Tcp(stream) => {
                let (stream, writer) = SharedTcp::new(stream);
                (Stream::SharedTcp(stream), Some(writer))
            }
            #[cfg(unix)]
            Stream::Unix(socket) => {
                let writer = socket.writer().ok();
                (Stream::Unix(socket), writer)
            }
            other => (other, None),
        }
    }

    /// Takes it away from the runtime that drives it; not when it is shared.
    pub(crate) fn unregister(self) -> io::Result<Unregistered> {
        Ok(match self {
            Stream::Tcp(stream) => Unregistered::Tcp(net::unregister(stream)?),
            #[cfg(not(verify))]
            Stream::SharedTcp(_) => return Err(io::ErrorKind::ResourceBusy.into()),
            #[cfg(unix)]
            Stream::Unix(socket) => Unregistered::Unix(socket.unregister()?),
            Stream::Memory(stream) => Unregistered::Memory(stream),
        })
    }
}

impl Unregistered {
    /// Gives it to the current runtime to drive.
    pub(crate) fn register(self) -> io::Result<Stream> {
        Ok(match self {
            Unregistered::Tcp(stream) => Stream::Tcp(net::register(stream)?),
            #[cfg(unix)]
            Unregistered::Unix(socket) => Stream::Unix(UnixSocket::register(socket)?),
            Unregistered::Memory(stream) => Stream::Memory(stream),
        })
    }
}

/// Calls the same function of whichever stream it is.
macro_rules! each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($inner) => $call,
            #[cfg(not(verify))]
            Stream::SharedTcp($inner) => $call,
            #[cfg(unix)]
            Stream::Unix($inner) => $call,
            Stream::Memory($inner) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            // As a rule; and the system has less to look at.
            [slice] => self.poll_write(cx, slice),
            slices => each!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, slices)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}
