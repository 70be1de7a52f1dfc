//! One connection through a proxy.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Shared;
use super::fate::Fate;
use super::handshake::{Handshake, SessionName};

/// How long replies are swallowed, and requests held, before the connection is cut.
const HARM_TIME: Duration = Duration::from_millis(5);
/// How long a held connection waits for its session to go on, and then for the other side to close.
const LATE_WAIT: Duration = Duration::from_secs(5);
/// Bytes read at once, and the most that is held: some replies, not a stream.
const PIECE_BYTES: usize = 4096;
const HELD_BYTES_MAX: usize = 4 << 20;

/// One connection: both sides of it.
pub(super) struct Relay {
    number: u64,
    up: Direction,
    down: Direction,
    shared: Arc<Shared>,
}

/// What flows one way.
struct Direction {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
}

impl Relay {
    pub(super) fn new(number: u64, caller: TcpStream, exporter: TcpStream, shared: Arc<Shared>) -> Relay {
        let (caller_reads, caller_writes) = caller.into_split();
        let (exporter_reads, exporter_writes) = exporter.into_split();
        let up = Direction { from: caller_reads, to: exporter_writes };
        let down = Direction { from: exporter_reads, to: caller_writes };
        Relay { number, up, down, shared }
    }

    /// Relays to the end. An error is the end too: one side has closed, or broken, the connection.
    pub(super) async fn run(self, fate: Fate) {
        let _ended: io::Result<()> = self.suffer(fate).await;
    }

    async fn suffer(mut self, fate: Fate) -> io::Result<()> {
        if let Fate::CutEarly { up, down } = fate {
            self.pass(up, down).await?;
            return self.done(|shared| &shared.harm.cut);
        }
        let session = self.handshake().await?;
        match fate {
            Fate::Spared => self.pass(usize::MAX, usize::MAX).await,
            Fate::CutEarly { up, down } | Fate::Cut { up, down } => {
                self.pass(up, down).await?;
                self.done(|shared| &shared.harm.cut)
            }
            Fate::Delay { up, pause } => {
                tokio::select! {
                    passed = self.up.pass(up, pause) => passed?,
                    passed = self.down.pass(usize::MAX, pause) => passed?,
                }
                self.done(|shared| &shared.harm.delayed)
            }
            Fate::Swallow { down } => self.swallow(down).await,
            Fate::LateToExporter { up } => self.late_to_exporter(up, session).await,
            Fate::LateToCaller { down } => self.late_to_caller(down, session).await,
        }
    }

    /// Passes on bytes until both sides have agreed on a session.
    async fn handshake(&mut self) -> io::Result<SessionName> {
        let mut handshake = Handshake::default();
        loop {
            tokio::select! {
                bytes = self.up.piece(PIECE_BYTES) => {
                    let bytes = bytes?;
                    self.up.to.write_all(&bytes).await?;
                    handshake.went_up(&bytes);
                }
                bytes = self.down.piece(PIECE_BYTES) => {
                    let bytes = bytes?;
                    self.down.to.write_all(&bytes).await?;
                    handshake.went_down(&bytes);
                }
            }
            if let Some(session) = handshake.session()? {
                self.shared.attached.to(session, self.number);
                return Ok(session);
            }
        }
    }

    /// Passes on bytes until so many have gone up, or so many down.
    async fn pass(&mut self, up: usize, down: usize) -> io::Result<()> {
        tokio::select! {
            passed = self.up.pass(up, Duration::ZERO) => passed,
            passed = self.down.pass(down, Duration::ZERO) => passed,
        }
    }

    async fn swallow(&mut self, down: usize) -> io::Result<()> {
        self.pass(usize::MAX, down).await?;
        let until = Instant::now() + HARM_TIME;
        let swallowed = tokio::select! {
            passed = self.up.pass(usize::MAX, Duration::ZERO) => return passed,
            swallowed = self.down.hold(until) => swallowed,
        };
        if swallowed.is_empty() { Ok(()) } else { self.done(|shared| &shared.harm.swallowed) }
    }

    async fn late_to_exporter(mut self, up: usize, session: SessionName) -> io::Result<()> {
        self.pass(up, usize::MAX).await?;
        let held = self.up.hold(Instant::now() + HARM_TIME).await;
        let Relay { number, up, down, shared } = self;
        let Direction { from: caller_reads, to: mut exporter_writes } = up;
        let Direction { from: mut exporter_reads, to: caller_writes } = down;
        drop((caller_reads, caller_writes));
        if held.is_empty() {
            return Ok(());
        }
        timeout(LATE_WAIT, shared.attached.later_than(session, number)).await?;
        exporter_writes.write_all(&held).await?;
        shared.harm.late_to_exporter.fetch_add(1, Ordering::Relaxed);
        exporter_writes.shutdown().await?;
        let mut ignored = Vec::new();
        timeout(LATE_WAIT, exporter_reads.read_to_end(&mut ignored)).await??;
        Ok(())
    }

    async fn late_to_caller(&mut self, down: usize, session: SessionName) -> io::Result<()> {
        self.pass(usize::MAX, down).await?;
        let (number, shared) = (self.number, Arc::clone(&self.shared));
        let Direction { from, to } = &mut self.down;
        let mut held = Vec::new();
        let gone_on = async {
            // What the caller says on its old connection still gets through, as long as it says something.
            let _ = self.up.pass(usize::MAX, Duration::ZERO).await;
            std::future::pending::<()>().await;
        };
        let holding = async {
            while held.len() < HELD_BYTES_MAX && matches!(from.read_buf(&mut held).await, Ok(read) if read > 0) {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            later = timeout(LATE_WAIT, shared.attached.later_than(session, number)) => later?,
            () = gone_on => {}
            () = holding => {}
        }
        if held.is_empty() {
            return Ok(());
        }
        to.write_all(&held).await?;
        self.done(|shared| &shared.harm.late_to_caller)
    }

    fn done(&self, harm: fn(&Shared) -> &AtomicU64) -> io::Result<()> {
        harm(&self.shared).fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Direction {
    /// The next bytes, at most so many.
    async fn piece(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; most.min(PIECE_BYTES)];
        let read = self.from.read(&mut bytes).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Passes on so many bytes, each piece after a pause.
    async fn pass(&mut self, mut bytes: usize, pause: Duration) -> io::Result<()> {
        while bytes > 0 {
            let piece = self.piece(bytes).await?;
            if !pause.is_zero() {
                sleep(pause).await;
            }
            self.to.write_all(&piece).await?;
            bytes -= piece.len();
        }
        Ok(())
    }

    /// Takes what comes until a moment, or until the side that sends has closed.
    async fn hold(&mut self, until: Instant) -> Vec<u8> {
        let mut held = Vec::new();
        while held.len() < HELD_BYTES_MAX {
            match timeout_at(until, self.from.read_buf(&mut held)).await {
                Ok(Ok(read)) if read > 0 => {}
                _ => break,
            }
        }
        held
    }
}
