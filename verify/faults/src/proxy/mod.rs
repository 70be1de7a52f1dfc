//! A TCP proxy that harms what passes through it: it cuts connections in the middle of frames, delays them, swallows
//! replies, and delivers what it held of an old connection after its session was attached to a new one.
//!
//! What happens to a connection is drawn from a seed. When it happens is counted in bytes, so that most cuts fall
//! within a frame.

mod fate;
mod handshake;
mod harm;
mod relay;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Failure;
use fate::Fate;
use handshake::Attached;
use harm::Harm;
use relay::Relay;

/// A proxy in front of one exporter. It lives as long as this.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What the connections of a proxy share.
#[derive(Debug)]
struct Shared {
    upstream: watch::Sender<Option<SocketAddr>>,
    is_calm: AtomicBool,
    harm: Harm,
    attached: Attached,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Begins to listen. It refuses connections until it knows where to [lead](Proxy::lead_to) them.
    pub(crate) async fn start(seed: u64) -> io::Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: watch::Sender::new(None),
            is_calm: AtomicBool::new(false),
            harm: Harm::default(),
            attached: Attached::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), Rng::with_seed(seed)));
        Ok(Proxy { address, shared, accepting })
    }

    /// Leads further connections to an exporter at `endpoint` (`tcp://…`).
    pub(crate) fn lead_to(&self, endpoint: &str) -> Result<(), Failure> {
        self.shared.upstream.send_replace(Some(endpoint.trim_start_matches("tcp://").parse()?));
        Ok(())
    }

    /// What callers dial.
    pub(crate) fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Harms no further connection.
    pub(crate) fn calm(&self) {
        self.shared.is_calm.store(true, Ordering::Relaxed);
    }

    /// What was done so far.
    pub(crate) fn harm(&self) -> &Harm {
        &self.shared.harm
    }
}

/// Accepts until the proxy is dropped.
async fn accept(listener: TcpListener, shared: Arc<Shared>, mut rng: Rng) {
    for number in 1.. {
        let Ok((caller, _)) = listener.accept().await else { return };
        let Some(upstream) = *shared.upstream.borrow() else { continue };
        let Ok(exporter) = TcpStream::connect(upstream).await else { continue };
        let fate = if shared.is_calm.load(Ordering::Relaxed) { Fate::Spared } else { Fate::draw(&mut rng) };
        // Ends with its connection, or when the connection that it held is closed.
        tokio::spawn(Relay::new(number, caller, exporter, Arc::clone(&shared)).run(fate));
    }
}
