//! A storm of registrations, and an oracle that outlives the nameserver: what was acknowledged stands.
//!
//! It kills nobody: whoever begins it does. The test `storm` and the machine `verify/faults` share it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rpc_runtime::directory::nameserver::{Nameserver, NameserverClient, NameserverError};
use rpc_runtime::directory::{RegisterMode, Registration};
use rpc_runtime::{Epoch, Executed, Incarnation};
use tokio::task::JoinSet;
use uuid::Uuid;

/// So many calls are acknowledged between two kills, at least, or the storm is over.
const ACKNOWLEDGED_MIN: u64 = 40;
const CALM_MAX: Duration = Duration::from_secs(20);
const CALLERS: u64 = 8;
/// Names of each caller.
const NAMES: u32 = 200;

/// How many calls came to which end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Calls made.
    pub(crate) calls: u64,
    /// Registrations that were acknowledged, and ends of registrations.
    pub(crate) given: u64,
    pub(crate) ended: u64,
    /// Calls that ended without an answer.
    pub(crate) unknown: u64,
    pub(crate) never: u64,
}

/// What the callers know.
#[derive(Default)]
struct Oracle {
    counts: Counts,
    /// Registrations that were acknowledged, and that nobody has tried to end.
    standing: BTreeMap<String, Epoch>,
    /// The numbers of registrations whose end was acknowledged.
    ended: BTreeSet<u64>,
    /// Every number that was acknowledged.
    given: BTreeSet<u64>,
    /// What is not in order, in words.
    findings: Vec<String>,
}

/// Callers that register and unregister until this is dropped.
pub(crate) struct Storm {
    oracle: Arc<Mutex<Oracle>>,
    /// They end only because they are aborted.
    callers: JoinSet<Infallible>,
}

impl Storm {
    /// Begins.
    pub(crate) fn begin(client: &NameserverClient, seed: u64) -> Storm {
        let oracle = Arc::<Mutex<Oracle>>::default();
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(call(caller, client.clone(), Arc::clone(&oracle), Rng::with_seed(seed.wrapping_add(caller))));
        }
        Storm { oracle, callers }
    }

    /// Waits until some more calls were acknowledged.
    pub(crate) async fn goes_on(&self) -> Result<(), String> {
        let acknowledged = || {
            let Counts { given, ended, .. } = lock(&self.oracle).counts;
            given + ended
        };
        let (begun, before) = (Instant::now(), acknowledged());
        while acknowledged() < before + ACKNOWLEDGED_MIN {
            if begun.elapsed() > CALM_MAX {
                return Err(format!("fewer than {ACKNOWLEDGED_MIN} calls were acknowledged within {CALM_MAX:?}"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Compares with what `list` gives, the numbers of all registrations by instance: what was acknowledged before it
    /// was read, and has been let alone since, is in it, and what was ended is not.
    pub(crate) async fn check(&self, list: impl Future<Output = BTreeMap<String, u64>>) {
        let (standing, ended) = {
            let oracle = lock(&self.oracle);
            (oracle.standing.clone(), oracle.ended.clone())
        };
        let listed = list.await;
        let mut oracle = lock(&self.oracle);
        for (instance, epoch) in standing {
            if oracle.standing.get(&instance) == Some(&epoch) && listed.get(&instance) != Some(&epoch.number) {
                oracle.findings.push(format!("{instance} was acknowledged as {epoch} and is lost"));
            }
        }
        for (instance, number) in listed.iter().filter(|(_, number)| ended.contains(number)) {
            oracle.findings.push(format!("{instance} was ended as {number} and is back"));
        }
    }

    /// Ends the storm; gives what was done, and what is not in order.
    pub(crate) async fn end(mut self) -> (Counts, Vec<String>) {
        self.callers.abort_all();
        let mut findings = Vec::new();
        while let Some(ended) = self.callers.join_next().await {
            let error = match ended {
                Ok(never) => match never {},
                Err(error) => error,
            };
            if !error.is_cancelled() {
                findings.push(format!("a caller panicked: {error}"));
            }
        }
        let mut oracle = lock(&self.oracle);
        findings.append(&mut oracle.findings);
        (oracle.counts, findings)
    }
}

/// Whatever a caller that panicked left behind is still what was acknowledged.
fn lock(oracle: &Mutex<Oracle>) -> MutexGuard<'_, Oracle> {
    oracle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Registers and unregisters, and tells the oracle what was acknowledged.
async fn call(caller: u64, client: NameserverClient, oracle: Arc<Mutex<Oracle>>, mut rng: Rng) -> Infallible {
    loop {
        // Each caller has names of its own, so that it knows what should be there.
        let instance = format!("{caller}-{}", rng.u32(..NAMES));
        let held = lock(&oracle).standing.remove(&instance);
        match held {
            Some(epoch) if rng.bool() => {
                let ended = client.ns_unregister(epoch).await;
                let mut oracle = lock(&oracle);
                oracle.counts.calls += 1;
                match ended {
                    Ok(stood) => {
                        oracle.counts.ended += 1;
                        oracle.ended.insert(epoch.number);
                        if !stood {
                            oracle.findings.push(format!("{instance} was acknowledged as {epoch} and is lost"));
                        }
                    }
                    Err(error) => oracle.failed(&error),
                }
            }
            held => {
                let lease = client.ns_register(registration(&instance), Uuid::new_v4(), None).await;
                let mut oracle = lock(&oracle);
                oracle.counts.calls += 1;
                match lease {
                    Ok(lease) => oracle.registered(instance, lease.epoch, held),
                    Err(error) => oracle.failed(&error),
                }
            }
        }
    }
}

impl Oracle {
    fn registered(&mut self, instance: String, epoch: Epoch, before: Option<Epoch>) {
        self.counts.given += 1;
        if !self.given.insert(epoch.number) {
            self.findings.push(format!("{epoch} was given twice"));
        }
        if before.is_some_and(|before| before.number >= epoch.number) {
            self.findings.push(format!("{instance} got {epoch}, which is no higher than before"));
        }
        self.ended.extend(before.map(|before| before.number));
        self.standing.insert(instance, epoch);
    }

    fn failed(&mut self, error: &NameserverError) {
        match error {
            NameserverError::Call(error) if error.executed() != Executed::Never => self.counts.unknown += 1,
            _ => self.counts.never += 1,
        }
    }
}

/// A wish to have `instance`, whoever has it now, for longer than any storm.
fn registration(instance: &str) -> Registration {
    let mut registration = Registration::new("library.v1.Store", instance, Incarnation::new(Uuid::new_v4()));
    registration.endpoints = vec!["tcp://127.0.0.1:1".into()];
    registration.mode = RegisterMode::Takeover;
    registration.ttl = Duration::from_secs(3600);
    registration
}
