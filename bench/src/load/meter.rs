//! What callers count and how the measuring thread reads it: nothing is shared on the way of a call but a flag that is only read.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{Load, Workload};
use crate::contender::{Error, Message};
use crate::process;

/// Callers call for so long before they are measured.
const WARM_UP: Duration = Duration::from_millis(300);
/// The text in every message.
const KEY: &str = "customer-0001234";
/// The value of small messages: no caller shares a count of references with another.
static SMALL_VALUE: [u8; 64] = [0xa5; 64];

/// The figures of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Calls that ended while it was measured.
    pub(crate) calls: u64,
    /// For so long it was measured.
    pub(crate) seconds: f64,
    /// Median of the calls' times in µs, where they are made one after the other.
    pub(crate) p50_us: Option<f64>,
    /// Their 99th percentile.
    pub(crate) p99_us: Option<f64>,
    /// CPU time of the client's process in seconds.
    pub(crate) client_cpu: f64,
    /// CPU time of the server's process.
    pub(crate) server_cpu: f64,
    /// KiB of the server's memory that each idle connection takes.
    pub(crate) idle_kib: Option<f64>,
}

impl Measured {
    /// So many idle connections take so many bytes of their server's memory together.
    pub(crate) fn idle(memory: u64, connections: usize) -> Measured {
        let idle_kib = Some(memory as f64 / 1024.0 / connections as f64);
        let calls = connections as u64;
        Measured { calls, seconds: 0.0, p50_us: None, p99_us: None, client_cpu: 0.0, server_cpu: 0.0, idle_kib }
    }
}

/// Warming up.
const WARM: u8 = 0;
/// What ends now is counted.
const COUNT: u8 = 1;
/// Callers end.
const STOP: u8 = 2;

/// What the measuring thread and its callers share.
pub(crate) struct Meter {
    phase: AtomicU8,
    counts: Mutex<Vec<Arc<Count>>>,
    ended: Mutex<Ended>,
}

/// What callers leave behind.
#[derive(Default)]
struct Ended {
    times: Option<Histogram<u64>>,
    failure: Option<Error>,
}

/// Calls of one caller, on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Count(AtomicU64);

impl Meter {
    /// Of callers that warm up.
    pub(crate) fn new() -> Meter {
        Meter { phase: AtomicU8::new(WARM), counts: Mutex::default(), ended: Mutex::default() }
    }

    /// One more caller.
    pub(crate) fn caller(self: &Arc<Meter>, workload: Workload) -> Caller {
        let count = Arc::new(Count::default());
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.push(Arc::clone(&count));
        let first_id = (counts.len() as u64) << 32;
        let value = match workload.value_bytes() {
            64 => Bytes::from_static(&SMALL_VALUE),
            bytes => Bytes::from(vec![0xa5; bytes]),
        };
        let times = workload.is_sequential().then(times);
        Caller { meter: Arc::clone(self), count, next_id: first_id, key: KEY.into(), value, times }
    }

    /// Lets callers warm up, measures them, and tells them to stop.
    pub(crate) fn measure(&self, load: &Load) -> Result<Measured, Error> {
        sleep(WARM_UP);
        let cpu = || Ok::<_, Error>((process::own_cpu(), process::cpu_of(load.server)?));
        let (cpu_before, calls_before, begun) = (cpu()?, self.calls(), Instant::now());
        self.advance(COUNT);
        sleep(Duration::from_secs_f64(load.seconds));
        let (calls, elapsed, cpu_after) = (self.calls() - calls_before, begun.elapsed(), cpu()?);
        self.advance(STOP);
        Ok(Measured {
            calls,
            seconds: elapsed.as_secs_f64(),
            p50_us: None,
            p99_us: None,
            client_cpu: cpu_after.0 - cpu_before.0,
            server_cpu: cpu_after.1 - cpu_before.1,
            idle_kib: None,
        })
    }

    /// What was measured, completed by what callers left behind when they ended.
    pub(crate) fn result(&self, measured: Measured) -> Result<Measured, Error> {
        self.check()?;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if measured.calls == 0 {
            return Err("no call ended".into());
        }
        let quantile = |at| ended.times.as_ref().map(|times| times.value_at_quantile(at) as f64 / 1e3);
        Ok(Measured { p50_us: quantile(0.5), p99_us: quantile(0.99), ..measured })
    }

    /// Notes that something went wrong, and ends everything.
    pub(crate) fn fail(&self, error: Error) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).failure.get_or_insert(error);
        self.advance(STOP);
    }

    /// What went wrong, if anything did.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).failure.take().map_or(Ok(()), Err)
    }

    fn calls(&self) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum()
    }

    fn advance(&self, phase: u8) {
        self.phase.fetch_max(phase, Ordering::Relaxed);
    }
}

/// One line of work, which makes one call after the other. Dropping it leaves its times with the meter.
pub(crate) struct Caller {
    meter: Arc<Meter>,
    count: Arc<Count>,
    next_id: u64,
    key: String,
    value: Bytes,
    times: Option<Histogram<u64>>,
}

impl Caller {
    /// Whether there is to be another call.
    pub(crate) fn goes_on(&self) -> bool {
        self.meter.phase.load(Ordering::Relaxed) < STOP
    }

    /// The next call's message.
    pub(crate) fn message(&mut self) -> Message {
        self.next_id += 1;
        Message { id: self.next_id, key: self.key.clone(), value: self.value.clone() }
    }

    /// The time, where each call is timed.
    pub(crate) fn begin(&self) -> Option<Instant> {
        self.times.is_some().then(Instant::now)
    }

    /// Checks a reply, and counts its call.
    pub(crate) fn end(&mut self, id: u64, begun: Option<Instant>, reply: &Message) {
        let whole = self.value.len();
        let same = |at: usize| reply.value.get(at) == self.value.get(at);
        let is_echo = reply.id == id
            && reply.key.len() == self.key.len()
            && reply.value.len() == whole
            && same(0)
            && same(whole - 1);
        if !is_echo {
            return self
                .fail(format!("call {id} was answered by {} with {} bytes", reply.id, reply.value.len()).into());
        }
        if let (Some(times), Some(begun)) = (&mut self.times, begun)
            && self.meter.phase.load(Ordering::Relaxed) == COUNT
        {
            times.saturating_record(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        // Nobody else writes it.
        self.count.0.store(self.count.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Notes that a call failed, which ends everything.
    pub(crate) fn fail(&self, error: Error) {
        self.meter.fail(error);
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let Some(times) = self.times.take() else { return };
        let mut ended = self.meter.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut ended.times {
            // Both have the same bounds.
            Some(all) => all.add(times).unwrap_or_default(),
            none => *none = Some(times),
        }
    }
}

/// From 1 ns to 10 s, three digits.
fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("constant bounds in their order")
}
