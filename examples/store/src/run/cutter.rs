//! The cutter: stands between client managers and a store, and cuts connections now and then.
//!
//! A cut comes in the worst way for callers: for a moment calls still go through while their replies are thrown away, then the
//! connection is reset. Calls that ran have lost their replies; the runtime sends them again on the next connection, and the store
//! answers from its record.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A connection lives this long, in milliseconds, before it is cut.
const LIFE: std::ops::Range<u64> = 500..3000;

/// For so long replies are thrown away before the connection is reset.
const DEAFNESS: Duration = Duration::from_millis(20);

/// An address that leads to a store, wherever the store is at the moment.
#[derive(Debug)]
pub(super) struct Cutter {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    cuts: Arc<AtomicU64>,
}

impl Cutter {
    /// Listens at a free port. Connections are closed at once until there is a target.
    pub(super) async fn start(cut: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (target, targets) = watch::channel(None);
        let cuts = Arc::new(AtomicU64::new(0));
        // Ends with the runtime, that is with the program.
        tokio::spawn(accept(listener, targets, cut, Arc::clone(&cuts)));
        Ok(Self { address, target, cuts })
    }

    /// The address to register in place of the store's own.
    pub(super) fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Where new connections lead from now on.
    pub(super) fn lead_to(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
    }

    /// Connections cut so far.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, targets: watch::Receiver<Option<SocketAddr>>, cut: bool, cuts: Arc<AtomicU64>) {
    loop {
        // Out of descriptors, or the peer has gone again: the next one may do better.
        let Ok((caller, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let target = *targets.borrow();
        let cuts = Arc::clone(&cuts);
        // Ends with either side's end, or with the cut.
        tokio::spawn(async move {
            let Some(target) = target else { return };
            let Ok(store) = TcpStream::connect(target).await else {
                return;
            };
            let life = if cut { Duration::from_millis(fastrand::u64(LIFE)) } else { Duration::MAX };
            if lead(caller, store, life, DEAFNESS).await {
                cuts.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// Passes bytes both ways until one side ends, or until `life` and then `deafness` have passed; says whether it was cut.
async fn lead(mut caller: TcpStream, mut store: TcpStream, life: Duration, deafness: Duration) -> bool {
    // A reset, not an orderly end: what is under way is lost.
    let reset = socket2::SockRef::from(&caller).set_linger(Some(Duration::ZERO));
    if [reset, caller.set_nodelay(true), store.set_nodelay(true)].iter().any(Result::is_err) {
        return false;
    }
    let deaf = AtomicBool::new(false);
    let (mut from_caller, mut to_caller) = caller.split();
    let (mut from_store, mut to_store) = store.split();
    // One select for the whole life: were it left and entered again, bytes of a call could be lost between others that arrive, which
    // no network does.
    tokio::select! {
        () = pass(&mut from_caller, &mut to_store, || true) => false,
        () = pass(&mut from_store, &mut to_caller, || !deaf.load(Ordering::Relaxed)) => false,
        () = async {
            tokio::time::sleep(life).await;
            deaf.store(true, Ordering::Relaxed);
            tokio::time::sleep(deafness).await;
        } => true,
    }
}

/// Passes bytes on, or throws them away, until there are no more or either side fails.
async fn pass(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>, open: impl Fn() -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if open() && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a store answers comes back through a cutter that does not cut, and nothing comes while there is no store.
    #[tokio::test]
    async fn it_leads_to_the_store_of_the_moment() {
        let cutter = Cutter::start(false).await.expect("a free port");
        let mut early = TcpStream::connect(cutter.address).await.expect("it listens");
        assert_eq!(early.read(&mut [0; 1]).await.unwrap_or(0), 0);
        let store = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        cutter.lead_to(Some(store.local_addr().expect("bound")));
        let mut caller = TcpStream::connect(cutter.address).await.expect("it listens");
        let (mut served, _) = store.accept().await.expect("the cutter connects");
        caller.write_all(b"call").await.expect("connected");
        let mut call = [0; 4];
        served.read_exact(&mut call).await.expect("it is passed on");
        served.write_all(&call).await.expect("connected");
        let mut reply = [0; 4];
        caller.read_exact(&mut reply).await.expect("it is passed back");
        assert_eq!((&reply, cutter.cuts()), (b"call", 0));
    }

    /// A cut lets the last calls through, and no reply.
    #[tokio::test]
    async fn a_cut_loses_replies_and_no_calls() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut caller, outer) = (dialled.expect("connected"), accepted.expect("connected").0);
        let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (inner, mut store) = (dialled.expect("connected"), accepted.expect("connected").0);
        let cutting = tokio::spawn(lead(outer, inner, Duration::ZERO, Duration::from_secs(1)));
        tokio::time::sleep(Duration::from_millis(50)).await;
        caller.write_all(b"call").await.expect("connected");
        let mut call = [0; 4];
        store.read_exact(&mut call).await.expect("the call arrives");
        store.write_all(b"reply").await.expect("connected");
        assert!(cutting.await.expect("it ends"));
        assert_eq!(caller.read(&mut [0; 8]).await.unwrap_or(0), 0);
    }
}
