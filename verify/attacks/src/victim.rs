//! The exporter under attack, and what it counts of its own calls.

use std::io::{Write, stdout};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rpc_runtime::{CallError, Context, Limits, Message, Node, interface};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::time::sleep;

use crate::Failure;

/// Under what name the victim exports itself.
pub(crate) const INSTANCE: &str = "victim";
/// Keys of [`Victim::note`] are below.
pub(crate) const KEYS_MAX: u64 = 1 << 22;
/// How much longer a handler runs that is told of its cancel.
const LINGER: Duration = Duration::from_millis(2);

/// What the attacks call.
#[interface]
pub(crate) trait Victim {
    /// Holds a handler for so long.
    async fn work(&self, micros: u64) -> Result<(), CallError>;
    /// Notes that the call with this key runs; so many bytes, after so many milliseconds.
    async fn note(&self, key: u64, bytes: u64, millis: u64) -> Result<Vec<u8>, CallError>;
    /// Runs until it is cancelled, and a little longer.
    async fn linger(&self) -> Result<(), CallError>;
    /// What was counted.
    #[rpc(idempotent)]
    async fn count(&self) -> Result<Count, CallError>;
}

/// What the victim has counted.
#[derive(Debug, Clone, Copy, PartialEq, Message)]
pub(crate) struct Count {
    /// The most handlers that ran at one time.
    pub(crate) running_max: u64,
    /// Handlers that began.
    pub(crate) runs: u64,
    /// Keys that were noted more than once.
    pub(crate) doubles: u64,
}

/// How the victim differs from the defaults.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Descriptors that the process may have.
    pub(crate) descriptors_max: Option<u64>,
    pub(crate) handlers_max: Option<usize>,
    pub(crate) record_bytes_max: Option<u64>,
    pub(crate) session_lease: Option<Duration>,
    pub(crate) write_timeout: Option<Duration>,
}

impl Settings {
    /// The limits of the node.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        set(&mut limits.handlers_max, self.handlers_max);
        set(&mut limits.record_bytes_max, self.record_bytes_max);
        set(&mut limits.session_lease, self.session_lease);
        set(&mut limits.write_timeout, self.write_timeout);
        limits
    }
}

fn set<T: Copy>(limit: &mut T, value: Option<T>) {
    *limit = value.unwrap_or(*limit);
}

/// Exports the victim, says where, and serves until standard input ends: with whoever started it.
pub(crate) async fn serve(settings: &Settings) -> Result<(), Failure> {
    if let Some(descriptors_max) = settings.descriptors_max {
        setrlimit(Resource::Nofile, Rlimit { current: Some(descriptors_max), maximum: Some(descriptors_max) })?;
    }
    let node = Node::builder().listen("127.0.0.1:0").limits(settings.limits()).start().await?;
    let _export = node.export(INSTANCE, VictimServer::new(Counting::new())).await?;
    writeln!(stdout(), "{}", node.local_endpoints()[0])?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

struct Counting {
    running: AtomicI64,
    running_max: AtomicI64,
    runs: AtomicU64,
    doubles: AtomicU64,
    /// One bit for each key. Its pages take memory only when they are touched.
    noted: Vec<AtomicU64>,
}

/// Counts a handler for as long as it is there.
struct Running<'a>(&'a Counting);

impl Counting {
    fn new() -> Counting {
        let noted = (0..KEYS_MAX / 64).map(|_| AtomicU64::new(0)).collect();
        let zero = AtomicU64::default;
        Counting { running: AtomicI64::new(0), running_max: AtomicI64::new(0), runs: zero(), doubles: zero(), noted }
    }

    fn begin(&self) -> Running<'_> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.running_max.fetch_max(running, Ordering::SeqCst);
        self.runs.fetch_add(1, Ordering::SeqCst);
        Running(self)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Victim for Counting {
    async fn work(&self, micros: u64) -> Result<(), CallError> {
        let _running = self.begin();
        sleep(Duration::from_micros(micros)).await;
        Ok(())
    }

    async fn note(&self, key: u64, bytes: u64, millis: u64) -> Result<Vec<u8>, CallError> {
        let _running = self.begin();
        let (word, bit) = (key % KEYS_MAX / 64, 1 << (key % 64));
        if self.noted[word as usize].fetch_or(bit, Ordering::SeqCst) & bit != 0 {
            self.doubles.fetch_add(1, Ordering::SeqCst);
        }
        if millis > 0 {
            sleep(Duration::from_millis(millis)).await;
        }
        Ok(vec![key as u8; bytes as usize])
    }

    async fn linger(&self) -> Result<(), CallError> {
        let _running = self.begin();
        if let Some(context) = Context::current() {
            context.cancelled().await;
        }
        sleep(LINGER).await;
        Ok(())
    }

    async fn count(&self) -> Result<Count, CallError> {
        Ok(Count {
            running_max: self.running_max.load(Ordering::SeqCst).unsigned_abs(),
            runs: self.runs.load(Ordering::SeqCst),
            doubles: self.doubles.load(Ordering::SeqCst),
        })
    }
}
