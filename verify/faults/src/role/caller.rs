//! A caller: makes calls one after another, never one again unless it is told to be naive, and notes what it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use nameserver::stop::Stop;
use rpc_runtime::{Binding, Bytes, CallError, Node, within};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, sleep, timeout};

use crate::Failure;
use crate::between::between;
use crate::ledger::{Ledger, LedgerClient, Noted};
use crate::moment::Moment;
use crate::note::{CallId, Journal, Note, Outcome, Run};
use crate::settings::{CallerSettings, Timing};
use crate::tally::{TALLY_INTERVAL, Tally, TallyFile};

/// How long a binding may take to come about.
const IMPORT_WAIT: Duration = Duration::from_secs(60);
/// How long receipts are waited for in the end. One that has no verdict by then is not noted.
const RECEIPTS_WAIT: Duration = Duration::from_secs(1);
/// The longest work of a call, and the largest padding of its arguments and its reply. Replies above the part of the
/// record that is reserved for each call belong to it.
const WORK_MAX: Duration = Duration::from_millis(30);
const PADDING_MAX: usize = 4096;

pub(super) async fn play(settings: CallerSettings) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let mut tally = TallyFile::create(&settings.tally)?;
    let caller = Arc::new(Caller {
        number: settings.number,
        life: settings.life,
        calls: AtomicU64::new(0),
        stopping: AtomicBool::new(false),
        timing: settings.timing,
        rest_max: settings.rest_max,
        is_naive: settings.is_naive,
        journal: Journal::create(&settings.journal)?,
    });
    let node = Node::builder().nameserver(settings.nameserver).limits(settings.timing.limits()).start().await?;
    let mut stubs = Vec::new();
    for target in &settings.targets {
        let stub: LedgerClient = node.import(target.selector()).wait(IMPORT_WAIT).await?;
        stubs.push(stub);
    }
    let mut tasks = JoinSet::new();
    for number in 0..settings.tasks {
        for (place, stub) in stubs.iter().enumerate() {
            let seed = settings.seed.wrapping_add(u64::from(number) << 8).wrapping_add(place as u64);
            tasks.spawn(Arc::clone(&caller).work(stub.clone(), Rng::with_seed(seed)));
        }
    }
    super::ready("")?;

    let mut report = interval(TALLY_INTERVAL);
    let count = || stubs.iter().map(stats).fold(Tally::default(), sum);
    let mut receipts = Vec::new();
    loop {
        tokio::select! {
            _ = stop.wait(), if !caller.stopping.load(Ordering::Relaxed) => {
                caller.stopping.store(true, Ordering::Relaxed);
            }
            _ = report.tick() => tally.report(count())?,
            // Each ends with its last call after `stopping`.
            ended = tasks.join_next() => match ended {
                Some(settling) => receipts.extend(settling?),
                None => break,
            },
        }
    }
    // Ends with the last receipt, or in time.
    let _ = timeout(RECEIPTS_WAIT, async {
        for receipt in receipts {
            let _ = receipt.await;
        }
    })
    .await;
    tally.report(count())?;
    caller.journal.note(&Note::Closed);
    Ok(())
}

fn stats(stub: &LedgerClient) -> Tally {
    let stats = Binding::of(stub).stats();
    Tally { resent: stats.resent, connects: stats.connects, sessions: stats.sessions, ..Tally::default() }
}

fn sum(mut sum: Tally, tally: Tally) -> Tally {
    sum.add(tally);
    sum
}

/// What all tasks of one life share.
struct Caller {
    number: u32,
    life: u32,
    calls: AtomicU64,
    stopping: AtomicBool,
    timing: Timing,
    rest_max: Duration,
    is_naive: bool,
    journal: Journal,
}

impl Caller {
    /// One call after another. Gives the tasks that wait for receipts.
    async fn work(self: Arc<Self>, stub: LedgerClient, mut rng: Rng) -> Vec<JoinHandle<()>> {
        let mut receipts = Vec::new();
        while !self.stopping.load(Ordering::Relaxed) {
            let call = CallId::new(self.number, self.life, self.calls.fetch_add(1, Ordering::Relaxed) + 1);
            let (patience, work, padding) = (self.patience(&mut rng), work(&mut rng), padding(&mut rng));
            self.journal.note(&Note::Asked(call, Moment::now(), patience));
            let mut result = within(patience, stub.note(call.0, work, padding.clone())).await;
            if self.is_naive && matches!(&result, Err(error) if !error.safe_to_retry()) {
                result = within(patience, stub.note(call.0, work, padding)).await;
            }
            self.journal.note(&Note::Answered(call, Moment::now(), outcome(&result)));
            if let Err(error) = result {
                self.journal.note(&Note::Error(call, error.to_string()));
                receipts.retain(|receipt: &JoinHandle<()>| !receipt.is_finished());
                receipts.extend(self.settle(call, &error));
            }
            sleep(between(&mut rng, Duration::ZERO, self.rest_max)).await;
        }
        receipts
    }

    /// One call in four is given up at any moment.
    fn patience(&self, rng: &mut Rng) -> Duration {
        let Timing { timeout_min, timeout_max, .. } = self.timing;
        if rng.u8(0..4) == 0 { between(rng, timeout_min, timeout_max) } else { timeout_max }
    }

    /// Notes what becomes of a call that was given up, if that is ever known.
    fn settle(self: &Arc<Self>, call: CallId, error: &CallError) -> Option<JoinHandle<()>> {
        let receipt = error.receipt()?.clone();
        let caller = Arc::clone(self);
        // Ends with the verdict, or with the session.
        Some(tokio::spawn(async move {
            let executed = receipt.settled().await;
            caller.journal.note(&Note::Settled(call, Moment::now(), executed.into()));
        }))
    }
}

fn outcome(result: &Result<Noted, CallError>) -> Outcome {
    match result {
        Ok(noted) => {
            let run = Run { exporter: noted.exporter, life: noted.life, ordinal: noted.ordinal };
            Outcome::Ok(CallId(noted.call), run)
        }
        Err(error) => error.executed().into(),
    }
}

/// Most calls are done at once, some after others, a few take a while.
fn work(rng: &mut Rng) -> Duration {
    match rng.u8(0..10) {
        0..5 => Duration::ZERO,
        5..8 => Duration::from_micros(1),
        _ => between(rng, Duration::from_millis(1), WORK_MAX),
    }
}

fn padding(rng: &mut Rng) -> Bytes {
    let bytes = if rng.u8(0..10) == 0 { rng.usize(0..=PADDING_MAX) } else { rng.usize(0..=64) };
    Bytes::from(vec![0x5a; bytes])
}
