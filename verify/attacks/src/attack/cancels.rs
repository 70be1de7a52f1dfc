//! Calls that are cancelled at once, and frames that ask for nothing: handlers never run beyond their bound, memory does
//! not grow, and a good caller is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rpc_runtime::protocol::frame::Frame;
use tokio::task::JoinSet;

use super::Scale;
use crate::Failure;
use crate::good::{import, slowest};
use crate::process::Process;
use crate::raw::{Raw, call, cancel, encoded};
use crate::report::Figure;
use crate::victim::{Settings, Victim};

/// Handlers that may run at once.
const HANDLERS: usize = 64;
/// Connections of the attacker.
const ATTACKERS: u64 = 8;
/// Slots that each uses.
const SLOTS: u64 = 256;

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let victim = Process::start(&Settings { handlers_max: Some(HANDLERS), ..Settings::default() }).await?;
    let good = import(victim.address()).await?;
    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let counts = good.clone();
    let standing = tokio::spawn(slowest(good, move || stop.load(Ordering::Relaxed)));
    let memory = victim.forget_peak()?;

    let number = scale.pick(100_000, 1_000_000);
    let mut attackers = JoinSet::new();
    for attacker in 0..ATTACKERS {
        let address = victim.address().to_owned();
        match attacker % 4 {
            3 => attackers.spawn(async move { pings(&address, number / ATTACKERS).await }),
            _ => attackers.spawn(async move { storm(&address, number / ATTACKERS).await }),
        };
    }
    while let Some(attacker) = attackers.join_next().await {
        attacker??;
    }
    let (mut raw, _welcome) = Raw::hello(victim.address()).await?;
    raw.send(&[0; 4 * 1024]).await?;
    let unclosed = u64::from(!matches!(raw.frame().await, Ok(None) | Err(_)));
    over.store(true, Ordering::Relaxed);
    let slowest = standing.await??;
    let count = counts.count().await?;
    let grown = victim.memory_peak()?.saturating_sub(memory);
    Ok(vec![
        Figure::count(format!("handlers at once, of {} that began", count.runs), count.running_max, HANDLERS as u64),
        Figure::enough("handlers that began", count.runs, HANDLERS as u64),
        Figure::bytes(format!("growth by {number} cancels and pings"), grown, 64 << 20),
        Figure::count("connections with empty frames not closed", unclosed, 0),
        Figure::time("the slowest call of a standing caller", slowest, Duration::from_secs(1)),
    ])
}

/// Calls, each followed by its cancel, as fast as the verdicts come.
async fn storm(address: &str, calls: u64) -> Result<(), Failure> {
    let (mut raw, _welcome) = Raw::hello(address).await?;
    let mut sequence = 0;
    while sequence < calls {
        let mut batch = Vec::new();
        for slot in 0..SLOTS as u16 {
            sequence += 1;
            batch.extend(call(slot, sequence, "Linger", &[]));
            batch.extend(cancel(slot, sequence));
        }
        raw.send(&batch).await?;
        // A verdict for each slot, or the next call on it would be no new one.
        let mut settled = 0;
        while settled < SLOTS {
            settled += u64::from(raw.answer().await?.header.status.is_final());
        }
    }
    Ok(())
}

/// Pings, in batches whose answers are read.
async fn pings(address: &str, pings: u64) -> Result<(), Failure> {
    let (mut raw, _welcome) = Raw::hello(address).await?;
    let batch = encoded(&Frame::Ping).repeat(usize::try_from(SLOTS)?);
    for _ in 0..pings / SLOTS {
        raw.send(&batch).await?;
        for _ in 0..SLOTS {
            raw.frame().await?;
        }
    }
    Ok(())
}
