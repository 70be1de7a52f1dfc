//! The software of a caller's host: workers that make calls while faults are injected, and a last call to each exporter after
//! everything was repaired, which must succeed.

mod streams;

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rpc_runtime::task::spawn;
use rpc_runtime::{Binding, CallError, ErrorKind, Importing, LinkState, MethodKind, Node, Owner, Selector, within};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::oracle::{Told, now};
use crate::outcome::Rule;
use crate::scenario::{Finding, Scenario};
use crate::service::{Added, Counter, CounterClient, Work};
use crate::world::{PORT, World, exporters};

/// How long after its deadline a call may still be unanswered.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);
/// How long a last call may take.
const LAST_CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// How long after the last calls a receipt may still be open.
const SETTLED_WITHIN: Duration = Duration::from_secs(3);
/// How often a caller that has made its last calls looks whether it may end.
const LOOKED_AFTER: Duration = Duration::from_millis(50);
/// How long a worker rests when it has no exporter.
const IMPORT_PAUSE: Duration = Duration::from_millis(50);

/// Calls until it is crashed, or until there is nothing left to do.
pub async fn software(world: World, host: &'static str) -> turmoil::Result {
    let scenario = Arc::clone(&world.scenario);
    let mut node = world.node();
    if scenario.owners {
        node = node.owner(owner(host));
    }
    let node = node.start().await?;
    let bindings = Bindings::new(&world);
    let caller = Caller { bindings, world, host, node, receipts: Mutex::default(), streams: Mutex::default() };
    let caller = Arc::new(caller);
    let mut workers = Vec::new();
    for _ in 0..scenario.workers {
        let caller = Arc::clone(&caller);
        workers.push(spawn(async move { caller.work().await }));
    }
    for worker in workers {
        worker.await?;
    }
    sleep((scenario.active + scenario.healed_within()).saturating_sub(now())).await;
    caller.last_calls().await;
    caller.last_receipts().await;
    caller.nothing_is_left().await;
    caller.world.oracle.quiet(host);
    while !caller.world.oracle.may_go() {
        sleep(LOOKED_AFTER).await;
    }
    caller.shut_down().await;
    caller.world.oracle.done(host);
    // A host whose software has ended stands still, with all that its peers wait for.
    std::future::pending().await
}

/// Each caller's secret, the same in all its lives.
fn owner(host: &str) -> Owner {
    let digits = host.bytes().fold(0, |number, byte| number << 8 | u128::from(byte));
    Owner::new(uuid::Uuid::from_u128(digits))
}

struct Caller {
    world: World,
    host: &'static str,
    node: Node,
    bindings: Bindings,
    /// Calls past their deadline, with the tasks that wait for their receipts.
    receipts: Mutex<Vec<(u64, JoinHandle<()>)>>,
    /// Calls with streams.
    streams: Mutex<Vec<u64>>,
}

impl Caller {
    /// Makes calls, one after another, while the scenario is active.
    async fn work(&self) {
        let mix = &self.world.scenario.calls;
        while now() < self.world.scenario.active {
            let target = fastrand::usize(..self.bindings.len());
            let Some(bound) = self.bound(target).await else {
                sleep(IMPORT_PAUSE).await;
                continue;
            };
            // Nothing is drawn where there are none, so that a run without streams is what it was.
            if mix.streams.weight > 0 && is_drawn(mix.streams.weight) {
                self.stream(&bound).await;
            } else {
                self.call(&bound).await;
            }
            if is_drawn(mix.rebinding) {
                self.bindings.set(target, None);
            }
            sleep(drawn_millis(&mix.pause)).await;
        }
    }

    /// The binding to a target; a new one if there is none.
    async fn bound(&self, target: usize) -> Option<Bound> {
        if let Some(bound) = self.bindings.get(target) {
            return Some(bound);
        }
        let client = self.import(target).await.ok()?;
        let bound = Bound { client, number: self.world.oracle.new_binding() };
        self.bindings.set(target, Some(bound.clone()));
        Some(bound)
    }

    fn import(&self, target: usize) -> Importing<CounterClient> {
        let import = self.bindings.import(target, &self.node);
        if self.world.scenario.pinned { import.pinned() } else { import }
    }

    /// One call of some kind.
    async fn call(&self, bound: &Bound) {
        let (oracle, mix) = (&self.world.oracle, &self.world.scenario.calls);
        let kind = drawn_kind(&self.world.scenario);
        let patience = drawn_millis(&mix.timeout);
        let work = drawn_work(&self.world.scenario);
        let dropped_after = is_drawn(mix.dropped).then(|| drawn_millis(&(1..=400)));
        let call = oracle.begin(self.host, kind, patience);
        let outcome = within(patience, make(&bound.client, kind, call, work));
        let outcome = timeout(dropped_after.unwrap_or(patience + ANSWERED_WITHIN), outcome).await;
        oracle.binding(bound.number, Binding::of(&bound.client).stats());
        match outcome {
            Ok(Ok(run)) => oracle.told(self.host, call, Told::Reply(run)),
            Ok(Err(error)) => self.failed(bound, call, &error),
            Err(_elapsed) if dropped_after.is_some() => oracle.told(self.host, call, Told::Dropped),
            Err(_elapsed) => oracle.violation(Rule::Hang, format!("#{call} is not answered within {patience:?} + 1 s")),
        }
    }

    fn failed(&self, bound: &Bound, call: u64, error: &CallError) {
        let (oracle, host) = (self.world.oracle.clone(), self.host);
        oracle.told(host, call, Told::Failed(error.executed()));
        if let Some(receipt) = error.receipt().cloned() {
            // Ends with the session at the latest.
            let task = spawn(async move { oracle.settled(host, call, receipt.settled().await) });
            self.receipts.lock().unwrap_or_else(PoisonError::into_inner).push((call, task));
        }
        if error.kind() == ErrorKind::IncarnationChanged {
            Binding::of(&bound.client).rebind();
        }
    }

    /// Every receipt is settled in the end.
    async fn last_receipts(&self) {
        let receipts = std::mem::take(&mut *self.receipts.lock().unwrap_or_else(PoisonError::into_inner));
        for (call, task) in receipts {
            if timeout(SETTLED_WITHIN, task).await.is_err() {
                self.world.oracle.violation(Rule::Hang, format!("the receipt of #{call} is not settled"));
            }
        }
    }

    /// After everything was repaired each exporter must be reached, and its counter be right.
    async fn last_calls(&self) {
        for target in 0..exporters(&self.world.scenario).len() {
            if let Err(what) = self.last_call(target).await {
                let what = format!("{}'s last call to target {target}: {what}", self.host);
                self.world.oracle.violation(Rule::NotHealed, what);
            }
        }
    }

    /// Ends the node. Whoever asks a binding afterwards hears that it is closed (I19).
    async fn shut_down(&self) {
        self.node.shutdown(Duration::ZERO).await;
        for bound in (0..self.bindings.len()).filter_map(|target| self.bindings.get(target)) {
            let state = Binding::of(&bound.client).link();
            if state != LinkState::Closed {
                let what = format!("{}'s node has ended, and binding {} is {state:?}", self.host, bound.number);
                self.world.oracle.violation(Rule::LastWordMissed, what);
            }
        }
    }

    async fn last_call(&self, target: usize) -> Result<(), CallError> {
        if self.world.scenario.pinned {
            self.bindings.set(target, None);
        }
        let bound = match self.bindings.get(target) {
            Some(bound) => bound,
            None => Bound {
                client: self.import(target).wait(LAST_CALL_TIMEOUT).await?,
                number: self.world.oracle.new_binding(),
            },
        };
        let (oracle, client) = (&self.world.oracle, &bound.client);
        let call = oracle.begin(self.host, MethodKind::Plain, LAST_CALL_TIMEOUT);
        let outcome = within(LAST_CALL_TIMEOUT, make(client, MethodKind::Plain, call, Work::default()));
        match timeout(LAST_CALL_TIMEOUT + ANSWERED_WITHIN, outcome).await {
            Ok(Ok(run)) => oracle.told(self.host, call, Told::Reply(run)),
            Ok(Err(error)) => {
                oracle.told(self.host, call, Told::Failed(error.executed()));
                return Err(error);
            }
            Err(_elapsed) => oracle.violation(Rule::Hang, format!("#{call}, a last call, is not answered")),
        }
        oracle.binding(bound.number, Binding::of(client).stats());
        self.last_stream(&bound).await?;
        // The oracle hears of it at the other end.
        within(LAST_CALL_TIMEOUT, client.total()).await.map(|_starts| ())
    }
}

/// Makes a call; gives the number of the run that its reply is of.
async fn make(client: &CounterClient, kind: MethodKind, call: u64, work: Work) -> Result<Option<u64>, CallError> {
    let number = |added: Added| Some(added.run);
    match kind {
        MethodKind::Idempotent => client.touch(call, work).await.map(number),
        MethodKind::Oneway => client.note(call).await.map(|()| None),
        _ => client.add(call, work).await.map(number),
    }
}

/// A binding, with the oracle's number of it.
#[derive(Clone)]
struct Bound {
    client: CounterClient,
    number: u64,
}

/// The bindings of a caller: one to each exporter and, where there is a directory, one to any of the group.
struct Bindings {
    finding: Finding,
    exporters: &'static [&'static str],
    bound: Mutex<Vec<Option<Bound>>>,
}

impl Bindings {
    fn new(world: &World) -> Bindings {
        let (finding, exporters) = (world.scenario.finding, exporters(&world.scenario));
        let targets = exporters.len() + usize::from(finding != Finding::Address);
        Bindings { finding, exporters, bound: Mutex::new(vec![None; targets]) }
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    fn get(&self, target: usize) -> Option<Bound> {
        self.lock()[target].clone()
    }

    /// Drops the binding that was there, unless a call is being made on it.
    fn set(&self, target: usize, bound: Option<Bound>) {
        let before = std::mem::replace(&mut self.lock()[target], bound);
        drop(before);
    }

    fn import(&self, target: usize, node: &Node) -> Importing<CounterClient> {
        match (self.finding, self.exporters.get(target)) {
            (Finding::Address, Some(host)) => node.import_at(&format!("{host}:{PORT}"), *host),
            (_, Some(host)) => node.import(*host),
            (_, None) => node.import(Selector::Group("counters".to_owned())),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Option<Bound>>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drawn_kind(scenario: &Scenario) -> MethodKind {
    let mix = &scenario.calls;
    match fastrand::u32(..100) {
        drawn if drawn < mix.idempotent => MethodKind::Idempotent,
        drawn if drawn < mix.idempotent + mix.oneway => MethodKind::Oneway,
        _ => MethodKind::Plain,
    }
}

fn drawn_work(scenario: &Scenario) -> Work {
    let mix = &scenario.calls;
    Work {
        millis: if is_drawn(mix.instant) { 0 } else { fastrand::u32(mix.work.clone()) },
        reply_bytes: if is_drawn(mix.large) { fastrand::u32(mix.large_bytes.clone()) } else { 0 },
        fails: is_drawn(mix.failing),
        gives_up: is_drawn(mix.giving_up),
    }
}

fn drawn_millis(of: &RangeInclusive<u32>) -> Duration {
    Duration::from_millis(fastrand::u32(of.clone()).into())
}

/// True `weight` times out of 100.
fn is_drawn(weight: u32) -> bool {
    fastrand::u32(..100) < weight
}
