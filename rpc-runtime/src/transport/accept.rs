//! Listening: the accept loop with its limits. It survives everything that a peer or a full descriptor table
//! can do to it, and ends only with its node.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::time::sleep;

use super::Stream;
use super::endpoint::Endpoint;
use super::memory::MemoryListener;
use super::net::TcpListener;
#[cfg(unix)]
use super::unix::UnixSocket;

/// How long to wait after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening endpoint.
#[derive(Debug)]
pub(crate) enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket, removed when the listener is dropped.
    #[cfg(unix)]
    Unix(UnixListener, #[expect(dead_code, reason = "kept to be dropped")] RemoveOnDrop),
    /// In memory.
    Memory(MemoryListener),
}

/// A socket's file, removed with its listener.
#[derive(Debug)]
pub(crate) struct RemoveOnDrop(std::path::PathBuf);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        // Nothing is lost if the file is gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Listens at `endpoint`; gives the endpoint as it can be dialled, with the port that was chosen for 0.
    pub(crate) async fn bind(endpoint: &Endpoint) -> io::Result<(Listener, Endpoint)> {
        match endpoint {
            Endpoint::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                let local = Endpoint::Tcp(listener.local_addr()?.to_string());
                Ok((Listener::Tcp(listener), local))
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => {
                remove_stale_socket(path).await;
                let listener = UnixListener::bind(path)?;
                Ok((Listener::Unix(listener, RemoveOnDrop(path.clone())), endpoint.clone()))
            }
            #[cfg(not(unix))]
            Endpoint::Unix(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
            Endpoint::Memory(name) => Ok((Listener::Memory(MemoryListener::bind(name)?), endpoint.clone())),
        }
    }

    /// The next connection, and the address that it comes from. Errors of one connection are passed over; errors of the machine are waited out.
    pub(crate) async fn accept(&mut self) -> (Stream, Option<IpAddr>) {
        loop {
            match self.accept_once().await {
                Ok(accepted) => return accepted,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection; trying again");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn accept_once(&mut self) -> io::Result<(Stream, Option<IpAddr>)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Some(peer.ip())))
            }
            #[cfg(unix)]
            Listener::Unix(listener, _) => Ok((Stream::Unix(UnixSocket::new(listener.accept().await?.0)?), None)),
            Listener::Memory(listener) => Ok((Stream::Memory(listener.accept().await?), None)),
        }
    }
}

/// The peer was gone before it was accepted: nothing to wait for.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput)
}

/// A socket's file that a killed process left behind would keep its successor from listening: it is removed,
/// if nobody listens there.
#[cfg(unix)]
async fn remove_stale_socket(path: &std::path::Path) {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if is_socket {
        let answer = tokio::net::UnixStream::connect(path).await;
        if answer.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            // If it cannot be removed, binding says why.
            let _ = std::fs::remove_file(path);
        }
    }
}
