//! A TCP proxy that harms what passes through it: it cuts connections in the middle of frames, swallows
//! replies, and delivers an old connection's bytes after its caller has gone on by another one.
//!
//! What happens to a connection is drawn from a seed. When it happens is counted in bytes, so that most cuts
//! fall within a frame.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long replies are swallowed, and requests held, before the connection is cut.
const HARM_TIME: Duration = Duration::from_millis(3);
/// How long a held connection waits for its caller's next one, and then for the exporter to close.
const LATE_TIMEOUT: Duration = Duration::from_secs(20);

/// What happens to one connection.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It is cut after so many bytes of the caller, or so many of the exporter.
    Cut { up: usize, down: usize },
    /// After so many bytes of the exporter, further ones are swallowed while the caller's still get through;
    /// then it is cut.
    Swallow { down: usize },
    /// After so many bytes of the caller, further ones are held and the caller is cut off; the exporter gets
    /// what was held once a later connection has come so far.
    Late { up: usize, until: Progress },
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// Its caller has said something.
    Begun,
    /// Its exporter has answered: the session is attached to it.
    Answered,
}

/// How often each harm was done.
#[derive(Debug, Default)]
pub(crate) struct Harm {
    pub(crate) connections: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) swallowed: AtomicU64,
    /// Connections whose late bytes reached the exporter.
    pub(crate) late: AtomicU64,
}

/// A proxy between one caller's binding and an exporter. It lives as long as this.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    harm: Arc<Harm>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// Begins between whoever dials [`address`](Proxy::address) and the exporter at `upstream` (`tcp://…`).
    /// Connections live for `bytes` on average.
    pub(crate) async fn start(upstream: &str, bytes: usize, seed: u64) -> io::Result<Proxy> {
        let upstream: SocketAddr = upstream.trim_start_matches("tcp://").parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let harm = Arc::new(Harm::default());
        let accepting = tokio::spawn(accept(listener, upstream, bytes, Rng::with_seed(seed), Arc::clone(&harm)));
        Ok(Proxy { address, harm, accepting })
    }

    /// What a caller dials.
    pub(crate) fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// What was done so far.
    pub(crate) fn harm(&self) -> &Harm {
        &self.harm
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, bytes: usize, mut rng: Rng, harm: Arc<Harm>) {
    // The furthest that any connection has come, by its number.
    let progress = watch::Sender::new((0, Progress::Begun));
    for number in 1.. {
        let Ok((caller, _)) = listener.accept().await else { return };
        let Ok(exporter) = TcpStream::connect(upstream).await else { continue };
        let (caller_reads, caller_writes) = caller.into_split();
        let (exporter_reads, exporter_writes) = exporter.into_split();
        let relay = Relay {
            number,
            harm: Arc::clone(&harm),
            progress: progress.clone(),
            caller_reads,
            caller_writes,
            exporter_reads,
            exporter_writes,
        };
        harm.connections.fetch_add(1, Ordering::Relaxed);
        // Ends with its connection, or when the connection that it held is closed.
        tokio::spawn(relay.run(fate(&mut rng, bytes)));
    }
}

fn fate(rng: &mut Rng, bytes: usize) -> Fate {
    let length = rng.usize(0..2 * bytes);
    match rng.u8(0..8) {
        0..4 => Fate::Cut { up: length, down: rng.usize(0..2 * bytes) },
        4..6 => Fate::Swallow { down: length },
        6 => Fate::Late { up: length, until: Progress::Begun },
        _ => Fate::Late { up: length, until: Progress::Answered },
    }
}

/// One connection through the proxy.
struct Relay {
    number: u64,
    harm: Arc<Harm>,
    progress: watch::Sender<(u64, Progress)>,
    caller_reads: OwnedReadHalf,
    caller_writes: OwnedWriteHalf,
    exporter_reads: OwnedReadHalf,
    exporter_writes: OwnedWriteHalf,
}

impl Relay {
    /// Relays to the end. An error is the end too: one side has closed, or broken, the connection.
    async fn run(mut self, fate: Fate) {
        let _ended: io::Result<()> = match fate {
            Fate::Cut { up, down } => self.cut(up, down).await,
            Fate::Swallow { down } => self.swallow(down).await,
            Fate::Late { up, until } => self.late(up, until).await,
        };
    }

    async fn cut(&mut self, up: usize, down: usize) -> io::Result<()> {
        self.pass(up, down).await?;
        self.harm.cut.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn swallow(&mut self, down: usize) -> io::Result<()> {
        self.pass(usize::MAX, down).await?;
        let until = Instant::now() + HARM_TIME;
        let (mut up, mut lost) = ([0; 4096], [0; 4096]);
        let (mut swallowed, mut cut) = (0, false);
        while !cut {
            tokio::select! {
                read = self.caller_reads.read(&mut up) => {
                    let read = some(read?)?;
                    self.exporter_writes.write_all(&up[..read]).await?;
                }
                read = self.exporter_reads.read(&mut lost) => swallowed += some(read?)?,
                () = tokio::time::sleep_until(until) => cut = true,
            }
        }
        self.harm.swallowed.fetch_add(u64::from(swallowed > 0), Ordering::Relaxed);
        Ok(())
    }

    async fn late(mut self, up: usize, until: Progress) -> io::Result<()> {
        self.pass(up, usize::MAX).await?;
        let mut held = Vec::new();
        let cut_at = Instant::now() + HARM_TIME;
        while let Ok(read) = timeout_at(cut_at, self.caller_reads.read_buf(&mut held)).await {
            some(read?)?;
        }
        let Relay { number, harm, progress, caller_reads, caller_writes, mut exporter_reads, mut exporter_writes } =
            self;
        drop((caller_reads, caller_writes));
        let mut progress = progress.subscribe();
        let later = progress.wait_for(|(at, come)| *at > number && *come >= until);
        // The caller may have gone for good.
        let Ok(Ok(_)) = timeout(LATE_TIMEOUT, later).await else { return Ok(()) };
        exporter_writes.write_all(&held).await?;
        harm.late.fetch_add(u64::from(!held.is_empty()), Ordering::Relaxed);
        exporter_writes.shutdown().await?;
        let mut ignored = Vec::new();
        timeout(LATE_TIMEOUT, exporter_reads.read_to_end(&mut ignored)).await??;
        Ok(())
    }

    /// Passes on bytes until so many have gone up, or so many down.
    async fn pass(&mut self, mut up: usize, mut down: usize) -> io::Result<()> {
        let (mut from_caller, mut from_exporter) = ([0; 4096], [0; 4096]);
        while up > 0 && down > 0 {
            let come = tokio::select! {
                read = self.caller_reads.read(&mut from_caller[..up.min(4096)]) => {
                    let read = some(read?)?;
                    self.exporter_writes.write_all(&from_caller[..read]).await?;
                    up -= read;
                    Progress::Begun
                }
                read = self.exporter_reads.read(&mut from_exporter[..down.min(4096)]) => {
                    let read = some(read?)?;
                    self.caller_writes.write_all(&from_exporter[..read]).await?;
                    down -= read;
                    Progress::Answered
                }
            };
            let now = (self.number, come);
            self.progress.send_if_modified(|furthest| {
                let further = now > *furthest;
                if further {
                    *furthest = now;
                }
                further
            });
        }
        Ok(())
    }
}

/// Bytes read; none is the end.
fn some(read: usize) -> io::Result<usize> {
    if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}
