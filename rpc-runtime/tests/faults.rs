//! A retry never runs twice: callers behind proxies that cut connections within frames, swallow replies and
//! deliver old bytes late increment a counter that is not idempotent, and no call is lost or run twice.
//!
//! `FAULT_CALLS` sets how many calls each test makes, `FAULT_SEED` what the proxies do.

#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/raw.rs"]
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proxy::Proxy;
use raw::{Raw, call, method_id};
use rpc_runtime::protocol::control::{Reject, Rejection};
use rpc_runtime::protocol::frame::{Frame, Status};
use rpc_runtime::{Binding, CallError, ErrorKind, Executed, Export, Limits, Node, interface, within};

/// Calls of each test.
const CALLS: u64 = 20_000;
/// Tasks that make them.
const CALLERS: u64 = 16;
const SEED: u64 = 1984;

#[interface]
trait Counter {
    /// Adds one. `number` names the call; it comes back with the counter's new value.
    async fn increment(&self, number: u64) -> Result<(u64, u64), CallError>;
    #[rpc(idempotent)]
    async fn value(&self) -> Result<u64, CallError>;
}

struct Tally {
    value: AtomicU64,
    /// How often each call ran.
    runs: Vec<AtomicU8>,
}

impl Counter for Tally {
    async fn increment(&self, number: u64) -> Result<(u64, u64), CallError> {
        self.runs[number as usize].fetch_add(1, Ordering::SeqCst);
        // Some replies come at once, others from a task of their own: both roads of the callee.
        if number.is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        Ok((number, self.value.fetch_add(1, Ordering::SeqCst) + 1))
    }
    async fn value(&self) -> Result<u64, CallError> {
        tokio::task::yield_now().await;
        Ok(self.value.load(Ordering::SeqCst))
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// 16 callers share one binding, which loses its connection all the time: every call runs exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shared_binding_runs_each_call_once() -> Result<(), Failure> {
    callers_behind_proxies(1, 3_000).await
}

/// 16 callers with a binding and a proxy each: every call runs exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_each_runs_each_call_once() -> Result<(), Failure> {
    callers_behind_proxies(CALLERS as usize, 1_500).await
}

/// Callers behind a proxy give their calls up at random moments, by a deadline or by dropping them: what never ran is
/// never run later, receipts learn the truth, and no slot is lost on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_given_up_keep_their_promises() -> Result<(), Failure> {
    let calls = setting("FAULT_CALLS", CALLS) / 4;
    let seed = setting("FAULT_SEED", SEED);
    let mut limits = Limits::default();
    // Fewer than callers: a slot that is lost is missed soon.
    limits.slots_max = 8;
    let (exporter, _export, tally) = tally(calls, limits).await?;
    let proxy = Proxy::start(&exporter.local_endpoints()[0], 3_000, seed).await?;
    let importer = Node::builder().start().await?;
    let stub: CounterClient = importer.import_at(&proxy.address(), "tally").wait(Duration::from_secs(20)).await?;
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let stub = stub.clone();
            let mut rng = fastrand::Rng::with_seed(seed + caller);
            tokio::spawn(async move {
                let mut ends = Vec::new();
                for number in (caller..calls).step_by(CALLERS as usize) {
                    let patience = Duration::from_micros(rng.u64(0..8_000));
                    let end = match rng.u8(0..4) {
                        0 => tokio::time::timeout(patience, stub.increment(number)).await.ok(),
                        1 => Some(within(patience, stub.increment(number)).await),
                        // One that may run twice is counted apart: it is there to take slots and give them up.
                        2 => {
                            let _ = tokio::time::timeout(patience, stub.value()).await;
                            Some(stub.increment(number).await)
                        }
                        _ => Some(stub.increment(number).await),
                    };
                    ends.push((number, end));
                }
                ends
            })
        })
        .collect();
    let mut ends = Vec::new();
    for caller in callers {
        ends.extend(caller.await?);
    }
    // Every slot is free in the end, so that as many calls as there are slots run at once.
    let last = (0..8).map(|_| stub.value()).map(|call| within(Duration::from_secs(20), call));
    for call in last.collect::<Vec<_>>() {
        call.await?;
    }
    let mut counts = [0; 4];
    for (number, end) in ends {
        let runs = || tally.runs[number as usize].load(Ordering::SeqCst);
        match end {
            Some(Ok((answered, _value))) => assert_eq!((answered, runs()), (number, 1), "seed {seed}"),
            Some(Err(error)) => {
                // R13: whichever side sees first that the deadline has passed, it is a deadline error.
                assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "seed {seed}: {error}");
                let executed = match error.receipt() {
                    Some(receipt) => tokio::time::timeout(Duration::from_secs(20), receipt.settled()).await?,
                    None => error.executed(),
                };
                match executed {
                    Executed::Never => assert_eq!(runs(), 0, "seed {seed}: call {number}: {error}"),
                    Executed::Completed => assert_eq!(runs(), 1, "seed {seed}: call {number}: {error}"),
                    Executed::Unknown { .. } => panic!("seed {seed}: call {number} has no verdict: {error}"),
                }
                counts[if error.receipt().is_some() { 1 } else { 2 }] += 1;
            }
            None => {
                assert!(runs() <= 1, "seed {seed}: call {number}");
                counts[3] += 1;
            }
        }
        counts[0] += u64::from(runs());
    }
    let [ran, settled, unsent, dropped] = counts;
    assert_eq!(tally.value.load(Ordering::SeqCst), ran);
    assert!(settled > 0 && unsent > 0 && dropped > 0, "seed {seed}: {counts:?}");
    println!("{calls} calls: {ran} ran, {settled} settled by their receipts, {unsent} never sent, {dropped} dropped");
    Ok(())
}

/// A session's old connection runs nothing once the session was attached to another one, and is closed (R26).
/// What it had run is answered from the record.
#[tokio::test]
async fn an_old_connection_runs_nothing() -> Result<(), Failure> {
    let (exporter, _export, tally) = tally(4, Limits::default()).await?;
    let address = &exporter.local_endpoints()[0];
    let increment = |slot, sequence, number| call(slot, sequence, method_id("Increment"), &[8, number]);

    let (mut old, welcome) = Raw::hello(address, "Counter", "tally").await?;
    old.send(&increment(0, 1, 1)).await?;
    let first = old.answer().await?;
    assert_eq!(first.header.status, Status::Value);

    let (mut new, attached) = Raw::attach(address, &welcome, 1).await?;
    assert!(matches!(attached, Some(Frame::Attached(_))), "{attached:?}");
    // The node may have closed it already, which is as good.
    let _ = old.send(&increment(1, 2, 2)).await;
    old.closed().await?;
    new.send(&increment(0, 1, 1)).await?;
    let again = new.answer().await?;
    assert_eq!(
        (again.header.id, again.header.status, &again.body),
        (first.header.id, first.header.status, &first.body)
    );
    new.send(&increment(1, 3, 3)).await?;
    assert_eq!(new.answer().await?.header.status, Status::Value);
    let runs: Vec<_> = tally.runs.iter().map(|runs| runs.load(Ordering::SeqCst)).collect();
    assert_eq!(runs, [0, 1, 0, 1]);
    assert_eq!(exporter.stats().duplicates_answered, 1);
    Ok(())
}

/// An `Attach` that comes late, or twice, is rejected and touches nothing (R27).
#[tokio::test]
async fn a_late_attach_is_superseded() -> Result<(), Failure> {
    let (exporter, _export, tally) = tally(2, Limits::default()).await?;
    let address = &exporter.local_endpoints()[0];
    let (_first, welcome) = Raw::hello(address, "Counter", "tally").await?;
    let (mut newest, _) = Raw::attach(address, &welcome, 2).await?;
    for number in [1, 2] {
        let (mut late, answer) = Raw::attach(address, &welcome, number).await?;
        let superseded = Frame::Reject(Reject { why: Rejection::Superseded, text: String::new() });
        assert_eq!(answer, Some(superseded));
        late.closed().await?;
    }
    newest.send(&call(0, 1, method_id("Increment"), &[8, 1])).await?;
    assert_eq!(newest.answer().await?.header.status, Status::Value);
    assert_eq!(tally.value.load(Ordering::SeqCst), 1);
    Ok(())
}

/// An exporter of a counter that knows so many calls.
async fn tally(calls: u64, limits: Limits) -> Result<(Node, Export, Arc<Tally>), Failure> {
    let runs = (0..calls).map(|_| AtomicU8::new(0)).collect();
    let tally = Arc::new(Tally { value: AtomicU64::new(0), runs });
    let exporter = Node::builder().listen("127.0.0.1:0").limits(limits).start().await?;
    let export = exporter.export("tally", CounterServer::new(Arc::clone(&tally))).await?;
    Ok((exporter, export, tally))
}

/// Makes the calls through `bindings` bindings, whose connections live for about `bytes`.
#[expect(clippy::print_stdout, reason = "how much harm was done is worth a look")]
async fn callers_behind_proxies(bindings: usize, bytes: usize) -> Result<(), Failure> {
    let calls = setting("FAULT_CALLS", CALLS);
    let seed = setting("FAULT_SEED", SEED);
    let begun = Instant::now();
    let (exporter, _export, tally) = tally(calls, Limits::default()).await?;
    let importer = Node::builder().start().await?;
    let mut proxies = Vec::new();
    let mut stubs: Vec<CounterClient> = Vec::new();
    for binding in 0..bindings as u64 {
        let proxy = Proxy::start(&exporter.local_endpoints()[0], bytes, seed + binding).await?;
        stubs.push(importer.import_at(&proxy.address(), "tally").wait(Duration::from_secs(20)).await?);
        proxies.push(proxy);
    }

    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let stub = stubs[caller as usize % bindings].clone();
            tokio::spawn(async move {
                let mut values = Vec::new();
                for number in (caller..calls).step_by(CALLERS as usize) {
                    // The user's code: a call, and no retry.
                    let (answered, value) = stub.increment(number).await?;
                    assert_eq!(answered, number, "a reply that belongs to another call");
                    values.push(value);
                }
                Ok::<_, CallError>(values)
            })
        })
        .collect();
    let mut values = Vec::new();
    for caller in callers {
        values.extend(caller.await??);
    }

    assert_eq!(tally.value.load(Ordering::SeqCst), calls, "seed {seed}");
    assert!(tally.runs.iter().all(|runs| runs.load(Ordering::SeqCst) == 1), "seed {seed}");
    values.sort_unstable();
    assert!(values.iter().copied().eq(1..=calls), "seed {seed}: a reply came twice, or an old one");

    let stats: Vec<_> = stubs.iter().map(|stub| Binding::of(stub).stats()).collect();
    let resent: u64 = stats.iter().map(|stats| stats.resent).sum();
    let duplicates = exporter.stats().duplicates_answered;
    assert!(resent > 0, "seed {seed}: nothing was sent again");
    assert!(duplicates > 0, "seed {seed}: nothing arrived twice");
    assert_eq!(stats.iter().map(|stats| stats.calls).sum::<u64>(), calls);
    assert_eq!(stats.iter().map(|stats| stats.unknown).sum::<u64>(), 0);
    assert_eq!(stats.iter().map(|stats| stats.sessions).sum::<u64>(), bindings as u64, "a session was lost");
    assert_eq!(exporter.stats().calls_executed, calls);
    let sum = |harm: fn(&proxy::Harm) -> &AtomicU64| -> u64 {
        proxies.iter().map(|proxy| harm(proxy.harm()).load(Ordering::Relaxed)).sum()
    };
    let (cut, swallowed, late) = (sum(|harm| &harm.cut), sum(|harm| &harm.swallowed), sum(|harm| &harm.late));
    assert!(cut > 0 && swallowed > 0 && late > 0, "seed {seed}: {cut} cut, {swallowed} swallowed, {late} late");
    println!(
        "{calls} calls over {bindings} bindings in {:?}: {} connections, {cut} cut, {swallowed} swallowed, {late} late, \
         {resent} calls resent, {duplicates} answered from the record",
        begun.elapsed(),
        sum(|harm| &harm.connections),
    );
    Ok(())
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().expect("a number"))
}
