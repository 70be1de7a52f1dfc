//! Byte streams: TCP, Unix sockets, and in memory. What is above sees one type, [`Stream`].

pub(crate) mod accept;
pub(crate) mod endpoint;
pub(crate) mod memory;
mod net;
#[cfg(unix)]
pub(crate) mod unix;

use std::io;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use net::TcpStream;
#[cfg(unix)]
use unix::UnixSocket;

/// A connected byte stream.
#[derive(Debug)]
pub(crate) enum Stream {
    /// TCP, with Nagle's delay off.
    Tcp(TcpStream),
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
    /// Another descriptor of its socket, if it has one: for writes that do not wait.
    #[cfg(unix)]
    pub(crate) fn descriptor(&self) -> io::Result<Option<OwnedFd>> {
        match self {
            Stream::Tcp(stream) => net::descriptor(stream),
            Stream::Unix(socket) => socket.descriptor().map(Some),
            Stream::Memory(_) => Ok(None),
        }
    }

    /// Takes it away from the runtime that drives it.
    pub(crate) fn unregister(self) -> io::Result<Unregistered> {
        Ok(match self {
            Stream::Tcp(stream) => Unregistered::Tcp(net::unregister(stream)?),
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
        each!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
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
