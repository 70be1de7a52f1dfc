//! A contender's server process: it accepts, deals connections out to its runtimes, and ends with whoever started it.
#![expect(clippy::print_stderr, reason = "a server that fails says why")]

use std::io::{Read, Write, stdin, stdout};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::exit;
use std::thread;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;

use crate::contender::{Address, Contender, Error, Incoming, Runtime, Socket};
use crate::contenders::{Visitor, visit};
use crate::process;

/// What a server process is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Who serves.
    #[arg(long)]
    contender: String,
    /// On what.
    #[arg(long, value_enum)]
    runtime: Runtime,
    /// Where.
    #[arg(long)]
    address: Address,
    /// The one CPU that it may use.
    #[arg(long)]
    cpu: Option<usize>,
}

/// Serves until standard input ends.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    process::prepare(args.cpu)?;
    // Ends with the process, which it ends.
    thread::spawn(|| {
        let _ended = stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
    visit(&args.contender, Serve { args })?
}

struct Serve<'a> {
    args: &'a Args,
}

impl Visitor for Serve<'_> {
    type Output = Result<(), Error>;

    fn visit<C: Contender>(self) -> Result<(), Error> {
        C::serve_process(&self.args.address, self.args.runtime)
    }
}

/// Says where the process listens, to the one that started it.
pub(crate) fn ready(address: &Address) -> Result<(), Error> {
    let mut stdout = stdout().lock();
    writeln!(stdout, "ready {address}")?;
    Ok(stdout.flush()?)
}

/// A server process whose connections are accepted here.
pub(crate) fn process<C: Contender>(address: &Address, runtime: Runtime) -> Result<(), Error> {
    let listener = Listener::bind(address)?;
    let threads = process::threads(runtime);
    let mut deal = Vec::new();
    for _ in 0..threads {
        let (sender, receiver) = mpsc::unbounded_channel();
        deal.push(sender);
        // Ends with the process.
        thread::spawn(move || {
            let served = match runtime {
                Runtime::Multi => multi_thread().and_then(|tokio| tokio.block_on(C::serve(Incoming::new(receiver)))),
                Runtime::PerCore => one_thread().and_then(|tokio| tokio.block_on(C::serve(Incoming::new(receiver)))),
            };
            if let Err(error) = served {
                eprintln!("{}: {error}", C::NAME);
                exit(1);
            }
        });
    }
    ready(&listener.address()?)?;
    for thread in (0..threads).cycle() {
        deal[thread].send(listener.accept()?)?;
    }
    Ok(())
}

/// tokio's default runtime.
pub(crate) fn multi_thread() -> Result<tokio::runtime::Runtime, Error> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// A runtime of this thread, which can `spawn_local`.
pub(crate) fn one_thread() -> Result<tokio::runtime::LocalRuntime, Error> {
    Ok(Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?)
}

/// A bound socket; accepting blocks.
pub(crate) enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// Unix.
    Unix(UnixListener, Address),
}

impl Listener {
    /// Binds a socket.
    pub(crate) fn bind(address: &Address) -> Result<Listener, Error> {
        match address {
            Address::Tcp(tcp) => Ok(Listener::Tcp(TcpListener::bind(tcp)?)),
            Address::Unix(path) => Ok(Listener::Unix(UnixListener::bind(path)?, address.clone())),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<Address, Error> {
        match self {
            Listener::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?)),
            Listener::Unix(_, address) => Ok(address.clone()),
        }
    }

    /// The next connection.
    pub(crate) fn accept(&self) -> Result<Socket, Error> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _): (TcpStream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                Ok(Socket::Tcp(stream))
            }
            Listener::Unix(listener, _) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(Socket::Unix(stream))
            }
        }
    }
}
