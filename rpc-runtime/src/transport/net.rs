//! The network under TCP connections: the system's or, under `--cfg verify`, a simulated one.

#[cfg(not(verify))]
pub(crate) use system::{Unregistered, connect, lookup_host, register, unregister};
#[cfg(not(verify))]
pub(crate) use tokio::net::{TcpListener, TcpStream};

#[cfg(verify)]
pub(crate) use simulated::{TcpListener, Unregistered, connect, lookup_host, register, unregister};
#[cfg(verify)]
pub(crate) use turmoil::net::TcpStream;

#[cfg(not(verify))]
mod system {
    use std::io;
    use std::net::SocketAddr;

    use tokio::net::TcpStream;

    /// A stream that no runtime drives.
    pub(crate) type Unregistered = std::net::TcpStream;

    /// Takes a stream away from the runtime that drives it.
    pub(crate) fn unregister(stream: TcpStream) -> io::Result<Unregistered> {
        stream.into_std()
    }

    /// Gives a stream to the current runtime to drive.
    pub(crate) fn register(stream: Unregistered) -> io::Result<TcpStream> {
        TcpStream::from_std(stream)
    }

    /// The addresses behind `host:port`.
    pub(crate) async fn lookup_host(address: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host(address).await?.collect())
    }

    /// Connects to the first of `addresses` that answers.
    pub(crate) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
        TcpStream::connect(addresses).await
    }
}

#[cfg(verify)]
mod simulated {
    use std::fmt;
    use std::io;
    use std::net::SocketAddr;

    use turmoil::net::TcpStream;

    /// A simulated network is in no runtime's care.
    pub(crate) type Unregistered = TcpStream;

    pub(crate) fn unregister(stream: TcpStream) -> io::Result<Unregistered> {
        Ok(stream)
    }

    pub(crate) fn register(stream: Unregistered) -> io::Result<TcpStream> {
        Ok(stream)
    }

    /// The addresses behind `host:port`: a simulated host has one.
    pub(crate) async fn lookup_host(address: &str) -> io::Result<Vec<SocketAddr>> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let (host, port) = address.rsplit_once(':').ok_or_else(invalid)?;
        let port: u16 = port.parse().map_err(|_| invalid())?;
        Ok(vec![SocketAddr::new(turmoil::lookup(host), port)])
    }

    /// Connects to the one address that a simulated host has.
    pub(crate) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
        let address = addresses.first().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        TcpStream::connect(*address).await
    }

    /// A simulated listener. It can listen at `0.0.0.0` and at the host's own loopback only.
    pub(crate) struct TcpListener(turmoil::net::TcpListener);

    impl TcpListener {
        pub(crate) async fn bind(address: &str) -> io::Result<TcpListener> {
            turmoil::net::TcpListener::bind(address).await.map(TcpListener)
        }

        pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
            self.0.accept().await
        }

        pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
            self.0.local_addr()
        }
    }

    impl fmt::Debug for TcpListener {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("TcpListener").field(&self.0.local_addr().ok()).finish()
        }
    }
}
