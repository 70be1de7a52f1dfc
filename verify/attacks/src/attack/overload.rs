//! Many times as many calls as can be served, each with a deadline: what can be served still is, the rest is refused
//! at once, and memory does not grow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rpc_runtime::{CallError, ErrorKind, within};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};

use super::Scale;
use crate::Failure;
use crate::good::{import, micros, microseconds, p99};
use crate::process::Process;
use crate::report::Figure;
use crate::victim::{Settings, Victim, VictimClient};

/// Handlers of the victim, and how long a call holds one: together its capacity.
const HANDLERS: usize = 8;
const WORK: Duration = Duration::from_millis(8);
const DEADLINE: Duration = Duration::from_millis(100);
/// Bindings that the calls are spread over.
const BINDINGS: usize = 8;
/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(3);
/// How often calls that are due are made.
const TICK: Duration = Duration::from_millis(1);

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let victim = Process::start(&Settings { handlers_max: Some(HANDLERS), ..Settings::default() }).await?;
    let mut stubs = Vec::new();
    for _ in 0..BINDINGS {
        stubs.push(import(victim.address()).await?);
    }
    let peak = capacity(&stubs).await?;
    let memory = victim.forget_peak()?;

    let mut figures = Vec::new();
    for times in scale.pick(&[2.0, 5.0][..], &[2.0, 5.0, 10.0]) {
        let load = load(&stubs, peak * times, LOAD).await?;
        let said = format!("at {times} × capacity");
        figures.push(Figure::share(format!("goodput {said}"), load.goodput / peak, 0.85));
        figures.push(Figure::time(format!("refusals, p99, {said}"), p99(&load.refusals), Duration::from_millis(5)));
    }
    let grown = victim.memory_peak()?.saturating_sub(memory);
    figures.push(Figure::bytes("growth", grown, 64 << 20));
    figures.push(Figure::share("goodput 1–2 s after relief", capacity(&stubs).await? / peak, 0.95));
    Ok(figures)
}

/// Calls a second that are served when there are always some that wait: measured for a second, after a second.
async fn capacity(stubs: &[VictimClient]) -> Result<f64, Failure> {
    const LENGTH: Duration = Duration::from_secs(1);
    let begun = tokio::time::Instant::now();
    let served = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for number in 0..2 * HANDLERS {
        let (stub, served) = (stubs[number % stubs.len()].clone(), Arc::clone(&served));
        callers.spawn(async move {
            while begun.elapsed() < 2 * LENGTH {
                match work(&stub).await {
                    Ok(()) => served.fetch_add(1, Ordering::Relaxed),
                    // What came before may still be refused.
                    Err(error) if error.kind() == ErrorKind::Overload => continue,
                    Err(error) => return Err(error),
                };
            }
            Ok(())
        });
    }
    sleep_until(begun + LENGTH).await;
    let (before, since) = (served.load(Ordering::Relaxed), Instant::now());
    sleep_until(begun + 2 * LENGTH).await;
    let rate = (served.load(Ordering::Relaxed) - before) as f64 / since.elapsed().as_secs_f64();
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok(rate)
}

/// What came of an open loop of calls.
struct Load {
    /// Calls a second that were served in time.
    goodput: f64,
    /// How long refusals took.
    refusals: Histogram<u64>,
}

/// Makes `rate` calls a second, whether or not those before have ended.
async fn load(stubs: &[VictimClient], rate: f64, length: Duration) -> Result<Load, Failure> {
    let served = Arc::new(AtomicU64::new(0));
    let refusals = Arc::new(Mutex::new(microseconds()));
    let mut calls = JoinSet::new();
    let begun = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut made = 0;
    while begun.elapsed() < length {
        ticks.tick().await;
        let due = (begun.elapsed().as_secs_f64() * rate) as usize;
        for number in made..due {
            let stub = stubs[number % stubs.len()].clone();
            let (served, refusals) = (Arc::clone(&served), Arc::clone(&refusals));
            calls.spawn(async move {
                let call = Instant::now();
                match within(DEADLINE, work(&stub)).await {
                    Ok(()) => drop(served.fetch_add(1, Ordering::Relaxed)),
                    Err(error) if error.kind() == ErrorKind::Overload => {
                        let mut refusals = refusals.lock().expect("no panic inside");
                        refusals.saturating_record(micros(call.elapsed()));
                    }
                    Err(error) if error.kind() == ErrorKind::DeadlineExceeded => {}
                    Err(error) => return Err(error),
                }
                Ok(())
            });
        }
        made = due;
        while let Some(ended) = calls.try_join_next() {
            ended??;
        }
    }
    let goodput = served.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    while let Some(ended) = calls.join_next().await {
        ended??;
    }
    // The next load begins with an empty queue.
    sleep(DEADLINE).await;
    let refusals = refusals.lock().expect("no panic inside").clone();
    Ok(Load { goodput, refusals })
}

async fn work(stub: &VictimClient) -> Result<(), CallError> {
    stub.work(micros(WORK)).await
}
