//! A peer that asks for 1 GiB of replies and reads nothing: it costs a bounded buffer, and is cut.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::Failure;
use crate::process::Process;
use crate::raw::{Raw, call};
use crate::report::Figure;
use crate::victim::Settings;

/// Calls, and how large their replies are: 1 GiB.
const CALLS: u16 = 1024;
const REPLY_BYTES: u64 = 1 << 20;
/// How long the victim waits for a peer to read.
const LIMIT: Duration = Duration::from_secs(3);

pub(super) async fn attack() -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    let limits = Settings::default().limits();
    let (out_bytes_max, passing_bytes_max) = (limits.out_bytes_max as u64, limits.passing_bytes_max as u64);
    // One reply goes beyond the bound; each of two workers makes one, as value and as bytes; calls are queued; and the
    // allocator does not give back at once what was freed.
    let beside = 12 * REPLY_BYTES;
    for (millis, what, bytes_max) in [
        (0, "at once", out_bytes_max + beside),
        (300, "all at one time later", out_bytes_max + passing_bytes_max + beside),
    ] {
        let settings = Settings { write_timeout: Some(LIMIT), ..Settings::default() };
        let victim = Process::start(&settings).await?;
        let (mut raw, _welcome) = Raw::hello(victim.address()).await?;
        // What is allocated once.
        raw.send(&call(0, 1, "Note", &[0, 16, 0])).await?;
        raw.answer().await?;
        let descriptors = victim.descriptors()?;
        let memory = victim.forget_peak()?;
        let begun = Instant::now();
        for slot in 0..CALLS {
            let key = u64::from(slot) + 2;
            raw.send(&call(slot, key, "Note", &[key, REPLY_BYTES, millis])).await?;
        }
        while victim.descriptors()? >= descriptors && begun.elapsed() < 3 * LIMIT {
            sleep(Duration::from_millis(10)).await;
        }
        let life = begun.elapsed();
        let grown = victim.memory_peak()?.saturating_sub(memory);
        figures.push(Figure::bytes(format!("growth by replies that are ready {what}"), grown, bytes_max));
        let late = LIMIT + Duration::from_millis(millis) + Duration::from_secs(1);
        figures.push(Figure::time("cut after", life, late));
    }
    Ok(figures)
}
