//! What is measured, as every contender carries it out: one unary call that echoes a message.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use bytes::Bytes;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::load::{self, Load, Measured, Workload};
use crate::serve;

/// Whatever went wrong; a benchmark stops at it.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// What is echoed. Each contender turns it into its own type and back, within the time that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// A number, another one in each call.
    pub(crate) id: u64,
    /// A short text.
    pub(crate) key: String,
    /// 64 bytes, or 1 MiB.
    pub(crate) value: Bytes,
}

/// Where a server listens: `127.0.0.1:0` or `unix:/path`.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// `127.0.0.1` and a port.
    Tcp(SocketAddr),
    /// A socket's path.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Address, Error> {
        match text.strip_prefix("unix:") {
            Some(path) => Ok(Address::Unix(path.into())),
            None => Ok(Address::Tcp(text.strip_prefix("tcp://").unwrap_or(text).parse()?)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What drives the tasks of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    /// tokio's default: one runtime, one worker for each core.
    Multi,
    /// A thread for each core with a current-thread runtime of its own; connections are dealt out to them in turn.
    PerCore,
}

/// One connection of a contender's client. A clone is another caller on the same connection.
pub(crate) trait Client: Clone + Send + 'static {
    /// One call. What cannot leave its thread is wrapped (`send_wrapper`) and measured in per-core runtimes only.
    fn echo(&self, message: Message) -> impl Future<Output = Result<Message, Error>> + Send;
}

/// A framework, or a floor, at its best reasonable settings.
pub(crate) trait Contender: Send + Sync + 'static {
    /// Its client.
    type Client: Client;
    /// The name in the tables.
    const NAME: &'static str;
    /// The runtimes that it can be driven by. Where a connection is bound to one thread, only current-thread ones.
    const RUNTIMES: &'static [Runtime] = &[Runtime::Multi, Runtime::PerCore];
    /// What it is measured in.
    const WORKLOADS: &'static [Workload] = Workload::ALL;
    /// Whether it is measured over Unix sockets too.
    const UNIX: bool = false;

    /// Serves the connections that come `incoming` for ever, on the runtime that it is called on: the one runtime of the
    /// process, or each core's current-thread runtime.
    fn serve(incoming: Incoming) -> impl Future<Output = Result<(), Error>>;

    /// One connection, driven by the runtime that it is called on.
    fn connect(address: &Address) -> impl Future<Output = Result<Self::Client, Error>>;

    /// The whole server process; calls [`serve::ready`] once it listens. For those that accept by themselves.
    fn serve_process(address: &Address, runtime: Runtime) -> Result<(), Error>
    where
        Self: Sized,
    {
        serve::process::<Self>(address, runtime)
    }

    /// The whole client process. For those that are not driven by tokio.
    fn load_process(load: &Load) -> Result<Measured, Error>
    where
        Self: Sized,
    {
        load::process::<Self>(load)
    }
}

/// An accepted connection: non-blocking, with `TCP_NODELAY`.
#[derive(Debug)]
pub(crate) enum Socket {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// Unix.
    Unix(std::os::unix::net::UnixStream),
}

/// The accepted connections that one runtime of a server is to serve. One thread accepts for all runtimes and deals
/// connections out in turn, as `SO_REUSEPORT` would leave cores without work where connections are few.
#[derive(Debug)]
pub(crate) struct Incoming(mpsc::UnboundedReceiver<Socket>);

impl Incoming {
    /// Connections, in the order in which they are sent.
    pub(crate) fn new(sockets: mpsc::UnboundedReceiver<Socket>) -> Incoming {
        Incoming(sockets)
    }

    /// The next connection; `None` if there will be no more.
    pub(crate) async fn accept(&mut self) -> Option<Socket> {
        self.0.recv().await
    }

    /// The next connection of a contender that is measured over TCP only.
    #[cfg(feature = "peers")]
    pub(crate) async fn accept_tcp(&mut self) -> Result<Option<tokio::net::TcpStream>, Error> {
        match self.accept().await {
            Some(Socket::Tcp(stream)) => Ok(Some(tokio::net::TcpStream::from_std(stream)?)),
            Some(Socket::Unix(_)) => Err("this contender is measured over TCP only".into()),
            None => Ok(None),
        }
    }
}
