//! More connections than the victim may have descriptors: it never exits, those that it serves are served on, and when
//! the flood is over a new caller is served at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Scale;
use crate::Failure;
use crate::good::{import, slowest};
use crate::process::Process;
use crate::raw::{Raw, opening};
use crate::report::Figure;
use crate::victim::{Settings, Victim};

/// Descriptors that the victim may have.
const DESCRIPTORS: u64 = 256;
/// Connections that are there at one time, and for how long each.
const AT_ONCE: usize = 400;
const HELD: Duration = Duration::from_millis(200);

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let mut victim = Process::start(&Settings { descriptors_max: Some(DESCRIPTORS), ..Settings::default() }).await?;
    let good = import(victim.address()).await?;
    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let standing = tokio::spawn(slowest(good, move || stop.load(Ordering::Relaxed)));

    let connections = scale.pick(10_000, 50_000);
    let address: Arc<str> = victim.address().into();
    let next = Arc::new(AtomicU64::new(0));
    let mut attackers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (address, next) = (Arc::clone(&address), Arc::clone(&next));
        attackers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= connections {
                    return;
                }
                // Whatever comes of it: most find no room.
                let _ = timeout(Duration::from_secs(1), connection(number, &address)).await;
            }
        });
    }
    let mut descriptors = 0;
    while attackers.try_join_next().is_some() || !attackers.is_empty() {
        descriptors = descriptors.max(victim.descriptors()?);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let relief = Instant::now();
    let newcomer = import(victim.address()).await?;
    newcomer.count().await?;
    let served = relief.elapsed();
    over.store(true, Ordering::Relaxed);
    let slowest = standing.await??;
    let second = Duration::from_secs(1);
    Ok(vec![
        Figure::enough(format!("descriptors in use at most, of {DESCRIPTORS}"), descriptors as u64, DESCRIPTORS - 8),
        Figure::count(format!("exits under {connections} connections"), u64::from(!victim.is_running()), 0),
        Figure::time("the slowest call of a standing caller", slowest, second),
        Figure::time("a new caller is served, after the flood", served, second),
    ])
}

/// One connection: silent, or with a session; held for a while.
async fn connection(number: u64, address: &str) -> Result<(), Failure> {
    let mut raw = Raw::dial(address).await?;
    if number.is_multiple_of(2) {
        raw.send(&opening()).await?;
    }
    let _ = timeout(HELD, raw.closed()).await;
    Ok(())
}
