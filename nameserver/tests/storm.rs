//! A nameserver that is killed again and again in the middle of a storm of registrations: what it acknowledged stands.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rpc_runtime::directory::RegisterMode;
use rpc_runtime::directory::nameserver::{Nameserver, NameserverClient};
use rpc_runtime::{Epoch, Node};
use support::{Process, list, reach, registration, until};
use uuid::Uuid;

/// So many unless the environment's `STORM_KILLS` says otherwise.
const KILLS: usize = 20;
/// So many calls are acknowledged between two kills, at least.
const STORM: usize = 40;
const CALLERS: usize = 8;
const NAMES: u32 = 200;

/// What the callers know; it outlives the nameserver.
#[derive(Default)]
struct Oracle {
    /// Registrations that were acknowledged, and that nobody has tried to end.
    standing: BTreeMap<String, Epoch>,
    /// Registrations whose end was acknowledged.
    ended: BTreeSet<u64>,
    /// Every number that was acknowledged.
    given: BTreeSet<u64>,
    acknowledged: usize,
    unknown: usize,
}

/// R25, I17: of many times killed, no acknowledged registration is lost, no ended one is back, no number is given
/// twice, and it serves again within a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_registrations_outlive_kills() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(directory.path());
    let oracle = Arc::new(Mutex::new(Oracle::default()));
    let node = Node::builder().start().await.expect("a node");
    let (client, _) = reach(&node, &process.address).await;
    let callers: Vec<_> = (0..CALLERS).map(|n| tokio::spawn(call(n, client.clone(), Arc::clone(&oracle)))).collect();

    let mut slowest = Duration::ZERO;
    let kills = std::env::var("STORM_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    for round in 0..kills {
        let acknowledged = || oracle.lock().expect("no panic").acknowledged;
        let before = acknowledged();
        until("the storm goes on", async || acknowledged() >= before + STORM).await;
        // Killed in the middle of a commit, or between two, as it comes.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..60))).await;
        process.kill();
        let begun = Instant::now();
        process.restart();
        reach(&node, &process.address).await;
        slowest = slowest.max(begun.elapsed());
        check(&process.address, &oracle, round).await;
    }
    for caller in callers {
        caller.abort();
        // A caller ends only because it was aborted; a panic of its is this test's.
        let ended = caller.await.expect_err("it never returns");
        assert!(ended.is_cancelled(), "{ended}");
    }

    let oracle = oracle.lock().expect("no panic");
    let (given, ended, unknown) = (oracle.given.len(), oracle.ended.len(), oracle.unknown);
    eprintln!(
        "{kills} kills, {given} registrations and {ended} ends acknowledged, {unknown} calls of unknown outcome, \
         serving again after at most {slowest:?}"
    );
    assert!(slowest < Duration::from_secs(1), "serving again took {slowest:?}");
}

/// Registers and unregisters, and tells the oracle what was acknowledged.
async fn call(caller: usize, client: NameserverClient, oracle: Arc<Mutex<Oracle>>) -> Infallible {
    loop {
        // Each caller has names of its own, so that it knows what should be there.
        let instance = format!("{caller}-{}", fastrand::u32(..NAMES));
        let held = oracle.lock().expect("no panic").standing.remove(&instance);
        match held {
            Some(epoch) if fastrand::bool() => {
                let ended = client.ns_unregister(epoch).await;
                let mut oracle = oracle.lock().expect("no panic");
                match ended {
                    Ok(stood) => {
                        oracle.acknowledged += 1;
                        assert!(stood, "{instance} was acknowledged as {} and is lost", epoch.number);
                        oracle.ended.insert(epoch.number);
                    }
                    Err(_) => oracle.unknown += 1,
                }
            }
            held => {
                let mut wanted = registration(&instance);
                wanted.mode = RegisterMode::Takeover;
                let lease = client.ns_register(wanted, Uuid::new_v4(), None).await;
                let mut oracle = oracle.lock().expect("no panic");
                match lease {
                    Ok(lease) => {
                        oracle.acknowledged += 1;
                        let number = lease.epoch.number;
                        assert!(oracle.given.insert(number), "{number} was given twice");
                        assert!(held.is_none_or(|held| held.number < number), "{instance} got a lower number");
                        oracle.ended.extend(held.map(|held| held.number));
                        oracle.standing.insert(instance, lease.epoch);
                    }
                    Err(_) => oracle.unknown += 1,
                }
            }
        }
    }
}

/// What was acknowledged before the list was read, and has been let alone since, is in it.
async fn check(address: &str, oracle: &Mutex<Oracle>, round: usize) {
    let (standing, ended) = {
        let oracle = oracle.lock().expect("no panic");
        (oracle.standing.clone(), oracle.ended.clone())
    };
    let listed = list(address).await;
    let now = oracle.lock().expect("no panic").standing.clone();
    for (instance, epoch) in standing.iter().filter(|(instance, epoch)| now.get(*instance) == Some(epoch)) {
        assert_eq!(listed.get(instance), Some(&epoch.number), "round {round}: {instance} is lost");
    }
    let back: Vec<_> = listed.iter().filter(|(_, number)| ended.contains(number)).collect();
    assert!(back.is_empty(), "round {round}: ended and back: {back:?}");
}
