//! Addresses: how they are written, and how they are dialled.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::timeout;

#[cfg(unix)]
use super::unix::UnixSocket;
use super::{Stream, memory, net};
use crate::error::{CallError, ErrorKind};

/// Where a node listens: `tcp://host:port` (or just `host:port`), `unix:/path`, `memory://name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// Host and port.
    Tcp(String),
    /// A path.
    Unix(PathBuf),
    /// A name within the process.
    Memory(String),
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        let invalid = |what: &str| {
            Err(format!(
                "`{text}` is no address: {what}; write `host:port`, `tcp://host:port`, `unix:/path` or `memory://name`"
            ))
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { invalid("the path is missing") } else { Ok(Endpoint::Unix(path.into())) };
        }
        if let Some(name) = text.strip_prefix("memory://") {
            return if name.is_empty() { invalid("the name is missing") } else { Ok(Endpoint::Memory(name.into())) };
        }
        let address = text.strip_prefix("tcp://").unwrap_or(text);
        if address.contains("://") {
            return invalid("its scheme is unknown");
        }
        match address.rsplit_once(':') {
            Some(("", _)) => invalid("the host is missing"),
            Some((_, port)) if port.parse::<u16>().is_ok() => Ok(Endpoint::Tcp(address.into())),
            Some((_, port)) => invalid(&format!("`{port}` is no port")),
            None => invalid("the port is missing"),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(address) => write!(f, "tcp://{address}"),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
            Endpoint::Memory(name) => write!(f, "memory://{name}"),
        }
    }
}

impl Endpoint {
    /// The endpoint that `text` names, or the error of a call that needs it.
    pub(crate) fn parse(text: &str) -> Result<Endpoint, CallError> {
        text.parse().map_err(|what: String| CallError::never(ErrorKind::InvalidAddress, what))
    }

    /// Connects. Each way to fail has a kind of its own.
    pub(crate) async fn dial(&self, dial_timeout: Duration) -> Result<Stream, CallError> {
        match timeout(dial_timeout, self.connect()).await {
            Ok(connected) => connected,
            Err(_elapsed) => Err(CallError::never(
                ErrorKind::Unreachable,
                format!("{self} did not answer within {dial_timeout:?}; is a firewall in between?"),
            )),
        }
    }

    async fn connect(&self) -> Result<Stream, CallError> {
        let connected = match self {
            Endpoint::Tcp(address) => {
                let addresses = match net::lookup_host(address).await {
                    Ok(addresses) => addresses,
                    Err(error) => return Err(self.host_not_found(error)),
                };
                match net::connect(&addresses).await {
                    Ok(stream) => stream.set_nodelay(true).map(|()| Stream::Tcp(stream)),
                    Err(error) => Err(error),
                }
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => {
                tokio::net::UnixStream::connect(path).await.and_then(UnixSocket::new).map(Stream::Unix)
            }
            #[cfg(not(unix))]
            Endpoint::Unix(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
            Endpoint::Memory(name) => memory::connect(name).await.map(Stream::Memory),
        };
        connected.map_err(|error| self.failed(error))
    }

    fn host_not_found(&self, error: io::Error) -> CallError {
        let text = format!("the host of {self} is not found: {error}; check its spelling and the name service");
        CallError::never(ErrorKind::HostNotFound, text).with_source(error)
    }

    fn failed(&self, error: io::Error) -> CallError {
        let (kind, text) = match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => (
                ErrorKind::ConnectionRefused,
                format!("nothing listens at {self}; is the exporter running, and is this its address?"),
            ),
            _ => (ErrorKind::Unreachable, format!("{self} cannot be reached: {error}")),
        };
        CallError::never(kind, text).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every form is read, and written so that it is read again.
    #[test]
    fn endpoints_are_read_and_written() {
        for text in ["tcp://127.0.0.1:5000", "tcp://[::1]:5000", "unix:/run/store.sock", "memory://a"] {
            let endpoint: Endpoint = text.parse().expect("an endpoint");
            assert_eq!(endpoint.to_string(), text);
        }
        assert_eq!("localhost:80".parse(), Ok(Endpoint::Tcp("localhost:80".into())));
        assert_eq!("unix:///tmp/x".parse(), Ok(Endpoint::Unix("/tmp/x".into())));
    }

    /// What cannot be dialled says what to write.
    #[test]
    fn mistakes_say_what_to_write() {
        for text in ["localhost", ":80", "localhost:http", "udp://localhost:80", "unix:", "memory://"] {
            let error = text.parse::<Endpoint>().expect_err(text);
            assert!(error.contains("write `host:port`"), "{error}");
        }
    }
}
