//! Peers that say half of something, or say it byte by byte: each is cut in time, and a good caller does not notice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Scale;
use crate::Failure;
use crate::good::{import, latencies, ratio};
use crate::process::Process;
use crate::raw::{Raw, call, opening};
use crate::report::Figure;
use crate::victim::Settings;

/// How long a peer without a session, and a session that says nothing whole, are let live.
const LIMIT: Duration = Duration::from_secs(5);
/// How often those who drip say one byte more.
const DRIP: Duration = Duration::from_millis(250);

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let settings = Settings { session_lease: Some(LIMIT), ..Settings::default() };
    debug_assert_eq!(settings.limits().handshake_timeout, LIMIT);
    let victim = Process::start(&settings).await?;
    let good = import(victim.address()).await?;
    latencies(&good, 1).await?;
    let alone = latencies(&good, 5).await?;
    let peers = scale.pick(1_000, 5_000);
    let address: Arc<str> = victim.address().into();
    let mut lives = JoinSet::new();
    for number in 0..peers {
        lives.spawn(life(number, Arc::clone(&address)));
    }
    // They have all connected, and none is cut yet.
    sleep(Duration::from_secs(1)).await;
    let beside = latencies(&good, 5).await?;
    let (mut uncut, mut longest) = (0, Duration::ZERO);
    while let Some(life) = lives.join_next().await {
        match life?? {
            Some(life) => longest = longest.max(life),
            None => uncut += 1,
        }
    }
    Ok(vec![
        Figure::count(format!("of {peers} peers not cut"), uncut, 0),
        Figure::time("the longest life", longest, LIMIT + Duration::from_secs(1)),
        Figure::ratio("p99 of a good caller's calls, of that before", ratio(&alone, &beside), 1.5),
    ])
}

/// How long a peer lived that says half of something; `None` if it was not cut.
async fn life(number: u64, address: Arc<str>) -> Result<Option<Duration>, Failure> {
    let mut raw = Raw::dial(&address).await?;
    let begun = Instant::now();
    let opening = opening();
    let half = opening.len() / 2;
    let mut drips: &[u8] = &[];
    match number % 10 {
        // Half a preface; half a frame.
        0..4 => raw.send(&opening[..4]).await?,
        4..7 => raw.send(&opening[..half]).await?,
        // Byte by byte, from the beginning or from the middle on.
        7 => drips = &opening,
        8 => {
            raw.send(&opening[..half]).await?;
            drips = &opening[half..];
        }
        // A session, and in it half a call.
        _ => raw.send(&[&opening[..], &call(0, 1, "Note", &[1, 2, 3])[..20]].concat()).await?,
    }
    let cut = async {
        for byte in drips {
            if raw.send(&[*byte]).await.is_err() {
                return;
            }
            // What the victim says, if anything, is that it closes.
            if timeout(DRIP, raw.closed()).await.is_ok() {
                return;
            }
        }
        raw.closed().await;
    };
    Ok(timeout(3 * LIMIT, cut).await.is_ok().then(|| begun.elapsed()))
}
