//! A floor: what the socket itself allows. Threads, one for each core, which read, handle everything in place, and write;
//! epoll where a thread has several connections to look after, and no tasks anywhere.

mod client;
mod epoll;
mod server;

use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use self::client::Connection;
use crate::contender::{Address, Client, Contender, Error, Incoming, Message, Runtime};
use crate::load::{self, Load, Measured, Workload};

/// Sockets, threads and epoll.
pub(crate) struct RawBlocking;

impl Contender for RawBlocking {
    type Client = Alone;
    const NAME: &'static str = "raw blocking";
    const RUNTIMES: &'static [Runtime] = &[Runtime::PerCore];
    const UNIX: bool = true;

    async fn serve(_: Incoming) -> Result<(), Error> {
        Err("threads serve, not tasks".into())
    }

    async fn connect(address: &Address) -> Result<Alone, Error> {
        Ok(Alone(Arc::new(Mutex::new(Connection::new(connect(address)?)))))
    }

    fn serve_process(address: &Address, _: Runtime) -> Result<(), Error> {
        server::process(address)
    }

    fn load_process(load: &Load) -> Result<Measured, Error> {
        match load.workload {
            Workload::Idle => load::process::<RawBlocking>(load),
            _ => client::process(load),
        }
    }
}

/// A caller without others beside it, for the workload in which connections are idle: a call blocks the thread.
#[derive(Clone)]
pub(crate) struct Alone(Arc<Mutex<Connection>>);

impl Client for Alone {
    async fn echo(&self, message: Message) -> Result<Message, Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).call(&message)
    }
}

/// A connection that blocks.
fn connect(address: &Address) -> Result<OwnedFd, Error> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            Ok(stream.into())
        }
        Address::Unix(path) => Ok(UnixStream::connect(path)?.into()),
    }
}
