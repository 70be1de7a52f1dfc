//! Connections with a session that do nothing, or nothing any more: what each costs.

use std::time::Duration;

use tokio::time::sleep;

use super::Scale;
use crate::Failure;
use crate::process::Process;
use crate::raw::{Raw, ack, call};
use crate::report::Figure;
use crate::victim::Settings;

/// Connections before the measured ones, for what is allocated once.
const BEFORE: usize = 100;
/// After so long a connection rests.
const REST: Duration = Duration::from_millis(1500);

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let connections = scale.pick(1_000, 9_000);
    let mut figures = Vec::new();
    for (reply_bytes, what) in [
        (None, "an idle connection, before its first call"),
        (Some(16), "an idle connection, after a call"),
        (Some(256 << 10), "an idle connection, after a call with a reply of 256 KiB"),
    ] {
        let victim = Process::start(&Settings::default()).await?;
        let _before = open(&victim, BEFORE, reply_bytes).await?;
        let memory = victim.memory()?;
        let idle = open(&victim, connections, reply_bytes).await?;
        let each = victim.memory()?.saturating_sub(memory) / idle.len() as u64;
        figures.push(Figure::bytes(what, each, 12 << 10));
    }
    Ok(figures)
}

/// Opens so many sessions, makes a call on each, and lets them rest.
async fn open(victim: &Process, connections: usize, reply_bytes: Option<u64>) -> Result<Vec<Raw>, Failure> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        let (mut raw, _welcome) = Raw::hello(victim.address()).await?;
        if let Some(bytes) = reply_bytes {
            raw.send(&call(0, 1, "Note", &[1, bytes, 0])).await?;
            raw.answer().await?;
            raw.send(&ack(0, 1)).await?;
        }
        opened.push(raw);
    }
    sleep(REST).await;
    Ok(opened)
}
