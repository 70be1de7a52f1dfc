//! A TCP proxy that does what the test says, when it says so.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the gate lets through.
#[derive(Debug, Clone, Copy, Default)]
struct Rule {
    /// What callers say is lost.
    no_requests: bool,
    /// What the exporter says is lost.
    no_replies: bool,
    /// At most so many bytes of the exporter pass every two milliseconds.
    trickle: Option<usize>,
    /// Connections are closed as soon as they are accepted.
    shut: bool,
    /// Where connections lead.
    upstream: Option<SocketAddr>,
    /// Raised by each cut: connections of an earlier number end.
    cuts: u64,
}

/// A proxy between callers and one exporter. It lives as long as this.
pub(crate) struct Gate {
    address: SocketAddr,
    rule: watch::Sender<Rule>,
    /// Connections that were not let in.
    refused: Arc<AtomicUsize>,
    /// Bytes of callers and of the exporter that were lost.
    lost: Arc<watch::Sender<(usize, usize)>>,
    accepting: JoinHandle<()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

impl Gate {
    /// An open gate before the exporter at `upstream` (`tcp://…`).
    pub(crate) async fn open(upstream: &str) -> io::Result<Gate> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let rule = watch::Sender::new(Rule { upstream: Some(socket(upstream)), ..Rule::default() });
        let lost = Arc::new(watch::Sender::new((0, 0)));
        let refused = Arc::default();
        let accepting = tokio::spawn(accept(listener, rule.clone(), Arc::clone(&refused), Arc::clone(&lost)));
        Ok(Gate { address, rule, refused, lost, accepting })
    }

    /// What a caller dials.
    pub(crate) fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// From now on, what callers say is lost, and connections stand.
    pub(crate) fn lose_requests(&self) {
        self.rule.send_modify(|rule| rule.no_requests = true);
    }

    /// From now on, what the exporter says is lost, and connections stand.
    pub(crate) fn lose_replies(&self) {
        self.rule.send_modify(|rule| rule.no_replies = true);
    }

    /// From now on, at most so many bytes of the exporter pass every two milliseconds.
    pub(crate) fn trickle(&self, bytes: usize) {
        self.rule.send_modify(|rule| rule.trickle = Some(bytes));
    }

    /// Waits until a request was lost.
    pub(crate) async fn lost_request(&self) {
        self.lost.subscribe().wait_for(|lost| lost.0 > 0).await.expect("the gate stands");
    }

    /// Waits until so many bytes of replies were lost.
    pub(crate) async fn lost_reply(&self, bytes: usize) {
        self.lost.subscribe().wait_for(|lost| lost.1 >= bytes).await.expect("the gate stands");
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        self.rule.send_modify(|rule| rule.cuts += 1);
    }

    /// Cuts every connection, and lets none begin.
    pub(crate) fn shut(&self) {
        self.rule.send_modify(|rule| {
            rule.cuts += 1;
            rule.shut = true;
        });
    }

    /// How many connections were not let in.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// From now on everything gets through, on connections made from now on.
    pub(crate) fn reopen(&self) {
        self.rule.send_modify(|rule| {
            *rule = Rule { cuts: rule.cuts + 1, upstream: rule.upstream, ..Rule::default() };
        });
        self.lost.send_replace((0, 0));
    }

    /// Cuts every connection; further ones lead elsewhere.
    pub(crate) fn lead_to(&self, upstream: &str) {
        self.rule.send_modify(|rule| {
            rule.cuts += 1;
            rule.upstream = Some(socket(upstream));
        });
    }
}

fn socket(address: &str) -> SocketAddr {
    address.trim_start_matches("tcp://").parse().expect("an address")
}

async fn accept(
    listener: TcpListener,
    rule: watch::Sender<Rule>,
    refused: Arc<AtomicUsize>,
    lost: Arc<watch::Sender<(usize, usize)>>,
) {
    loop {
        let Ok((caller, _)) = listener.accept().await else { return };
        let mut rule = rule.subscribe();
        let now = *rule.borrow_and_update();
        let Some(upstream) = now.upstream.filter(|_| !now.shut) else {
            refused.fetch_add(1, Ordering::SeqCst);
            continue;
        };
        let Ok(exporter) = TcpStream::connect(upstream).await else { continue };
        let (lost, cuts) = (Arc::clone(&lost), now.cuts);
        // Ends with the connection, or with the next cut.
        tokio::spawn(async move {
            let _ = caller.set_nodelay(true);
            let _ = exporter.set_nodelay(true);
            let (caller_reads, caller_writes) = caller.into_split();
            let (exporter_reads, exporter_writes) = exporter.into_split();
            let rules = rule.clone();
            let requests = || (rules.borrow().no_requests, None);
            let up = relay(caller_reads, exporter_writes, requests, |bytes| lost.send_modify(|lost| lost.0 += bytes));
            let replies = || {
                let rule = rules.borrow();
                (rule.no_replies, rule.trickle)
            };
            let down = relay(exporter_reads, caller_writes, replies, |bytes| lost.send_modify(|lost| lost.1 += bytes));
            tokio::select! {
                _ = up => {}
                _ = down => {}
                _ = rule.wait_for(|rule| rule.cuts > cuts) => {}
            }
        });
    }
}

/// Passes bytes on as `rule` says: whether they are lost, and how many pass at once.
async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    rule: impl Fn() -> (bool, Option<usize>),
    lost: impl Fn(usize),
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let most = rule().1.map_or(bytes.len(), |most| most.min(bytes.len()));
        let read = from.read(&mut bytes[..most]).await?;
        if read == 0 {
            return Ok(());
        }
        match rule() {
            (true, _) => lost(read),
            (false, trickle) => {
                to.write_all(&bytes[..read]).await?;
                if trickle.is_some() {
                    // The slowness of the line, not a wait for anything.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    }
}
