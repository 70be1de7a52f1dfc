//! A nameserver that is killed again and again in the middle of a storm of registrations: what it acknowledged stands.

#[path = "support/storm.rs"]
mod storm;
mod support;

use std::time::{Duration, Instant};

use rpc_runtime::Node;
use storm::Storm;
use support::{Process, list, reach};

/// So many unless the environment's `STORM_KILLS` says otherwise.
const KILLS: usize = 20;

/// R25, I17: of many times killed, no acknowledged registration is lost, no ended one is back, no number is given
/// twice, and it serves again within a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_registrations_outlive_kills() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(directory.path());
    let node = Node::builder().start().await.expect("a node");
    let (client, _) = reach(&node, &process.address).await;
    let storm = Storm::begin(&client, fastrand::u64(..));

    let mut slowest = Duration::ZERO;
    let kills = std::env::var("STORM_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    for _ in 0..kills {
        storm.goes_on().await.expect("the storm goes on");
        // Killed in the middle of a commit, or between two, as it comes.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..60))).await;
        process.kill();
        let begun = Instant::now();
        process.restart();
        reach(&node, &process.address).await;
        slowest = slowest.max(begun.elapsed());
        storm.check(list(&process.address)).await;
    }
    let (counts, findings) = storm.end().await;
    eprintln!("{kills} kills, {counts:?}, serving again after at most {slowest:?}");
    assert_eq!(findings, [""; 0]);
    assert!(slowest < Duration::from_secs(1), "serving again took {slowest:?}");
}
