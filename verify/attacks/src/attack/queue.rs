//! All handlers are held, and many sessions queue as many calls as they may: the queue is bounded for all together.

use std::time::Duration;

use tokio::time::sleep;

use super::Scale;
use crate::Failure;
use crate::process::Process;
use crate::raw::{Raw, call};
use crate::report::Figure;
use crate::victim::Settings;

/// Calls that each session makes, with arguments of so many bytes: 4 MiB.
const CALLS: u16 = 64;
const ARGUMENT_BYTES: usize = 64 << 10;

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let victim = Process::start(&Settings { handlers_max: Some(1), ..Settings::default() }).await?;
    let (mut holder, _welcome) = Raw::hello(victim.address()).await?;
    holder.send(&call(0, 1, "Linger", &[])).await?;
    let memory = victim.forget_peak()?;
    let mut sessions = Vec::new();
    for _ in 0..scale.pick(64, 1024) {
        let (mut raw, _welcome) = Raw::hello(victim.address()).await?;
        for slot in 0..CALLS {
            // An unknown field is skipped, and takes its room all the same.
            let mut call = call(slot, u64::from(slot) + 1, "Linger", &[]);
            call.extend([0x7a, 0x80, 0x80, 0x04]);
            call.resize(call.len() + ARGUMENT_BYTES, 7);
            let length = u32::try_from(call.len() - 4)?;
            call[..4].copy_from_slice(&length.to_le_bytes());
            raw.send(&call).await?;
        }
        sessions.push(raw);
    }
    sleep(Duration::from_millis(200)).await;
    let grown = victim.memory_peak()?.saturating_sub(memory);
    let asked = sessions.len() * usize::from(CALLS) * ARGUMENT_BYTES;
    Ok(vec![Figure::bytes(format!("growth by {} MiB of queued calls", asked >> 20), grown, 64 << 20)])
}
