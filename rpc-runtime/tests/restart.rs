//! Exporters that are killed, stopped and replaced, as processes of their own: what was in flight ends with its
//! reply or with `Unknown`, nothing is sent again to another life, and new calls reach it.
//!
//! An exporter is this very binary, started to run the test `exporter_process` only. It notes every execution in
//! a file, which outlives it and is the oracle: how often each call ran, and in which life.

mod ledger;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger::{Ended, Failure, Ledger, LedgerClient, LedgerServer, Load, MAY_STILL_RUN, WAIT_MAX, until};
use rpc_runtime::{Binding, CallError, ErrorKind, Executed, Limits, LinkState, Node};
use rustix::process::{Pid, Signal, kill_process};

/// Notes calls in a file, one line each: the call's number and the process.
struct FileLedger(Mutex<File>);

impl FileLedger {
    fn open(path: &Path) -> FileLedger {
        FileLedger(Mutex::new(OpenOptions::new().append(true).create(true).open(path).expect("a file to append to")))
    }

    fn write(&self, number: u64) -> u32 {
        let life = std::process::id();
        // One write to a file in append mode: a killed process leaves no half line.
        self.0.lock().expect("no panic inside").write_all(format!("{number} {life}\n").as_bytes()).expect("written");
        life
    }
}

impl Ledger for FileLedger {
    async fn note(&self, number: u64) -> Result<u32, CallError> {
        let life = self.write(number);
        // So that some calls have run and not been answered when the process is killed.
        tokio::task::yield_now().await;
        Ok(life)
    }
    async fn note_and_hang(&self, number: u64) -> Result<(), CallError> {
        self.write(number);
        std::future::pending().await
    }
    async fn life(&self) -> Result<u32, CallError> {
        Ok(std::process::id())
    }
}

/// What an exporter process is told, by environment variables.
const LISTEN: &str = "LEDGER_LISTEN";
const LOG: &str = "LEDGER_LOG";
const LEASE_MS: &str = "LEDGER_LEASE_MS";

/// Not a test of its own: the exporter that the other tests start. Without their environment it does nothing.
#[test]
fn exporter_process() {
    let (Ok(listen), Ok(log)) = (std::env::var(LISTEN), std::env::var(LOG)) else { return };
    let mut limits = Limits::default();
    if let Ok(lease) = std::env::var(LEASE_MS) {
        limits.session_lease = Duration::from_millis(lease.parse().expect("milliseconds"));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (_node, _export) = runtime.block_on(async {
        let node = Node::builder().listen(listen).limits(limits).start().await.expect("the port is free");
        let export = node.export("ledger", LedgerServer::new(FileLedger::open(log.as_ref()))).await.expect("exported");
        println!("\nlistening {}", node.local_endpoints()[0]);
        (node, export)
    });
    // Until the test ends, if it does not kill this process before.
    let _ = std::io::stdin().lines().next();
}

/// An exporter process. Dropping it kills it.
struct Life {
    process: Child,
    address: String,
    _stdin: ChildStdin,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Life {
    /// Starts one, and waits until it listens.
    fn start(listen: &str, log: &Path, lease: Option<Duration>) -> Life {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", "exporter_process", "--nocapture"]).env(LISTEN, listen).env(LOG, log);
        if let Some(lease) = lease {
            command.env(LEASE_MS, lease.as_millis().to_string());
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let stdin = process.stdin.take().expect("piped");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let address = lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("listening ")?.to_owned()));
        let address = address.expect("the process listens");
        Life { process, address, _stdin: stdin }
    }

    /// The next life, at the same address.
    fn restart(&self, log: &Path) -> Life {
        Life::start(&self.address, log, None)
    }

    fn id(&self) -> u32 {
        self.process.id()
    }

    /// kill -9, and waits until it is dead.
    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.id() as i32).expect("a process id");
        kill_process(pid, signal).expect("it lives");
    }
}

/// The file that lives write to, removed at the end.
struct Log(PathBuf);

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Log {
    fn new(name: &str) -> Log {
        Log(std::env::temp_dir().join(format!("{name}-{}.log", std::process::id())))
    }

    /// For each call, the lives that ran it.
    fn runs(&self) -> HashMap<u64, Vec<u32>> {
        let mut runs = HashMap::<_, Vec<_>>::new();
        for line in std::fs::read_to_string(&self.0).unwrap_or_default().lines() {
            let (number, life) = line.split_once(' ').expect("two numbers");
            runs.entry(number.parse().expect("a number")).or_default().push(life.parse().expect("a number"));
        }
        runs
    }

    /// Waits until so many calls have run.
    async fn reaches(&self, calls: usize) {
        until("calls run", || self.runs().len() >= calls).await;
    }
}

/// Holds each result against the oracle; gives how many calls ended `Unknown`.
fn judge(results: &[Ended], runs: &HashMap<u64, Vec<u32>>) -> usize {
    let mut unknown = 0;
    for (number, result) in results {
        let ran = runs.get(number).map_or(&[][..], Vec::as_slice);
        match result {
            Ok(life) => assert_eq!(ran, [*life], "call {number} was answered by {life}"),
            Err(error) => match error.executed() {
                Executed::Never => assert_eq!(ran, [0u32; 0], "call {number}: {error}"),
                Executed::Completed => assert_eq!(ran.len(), 1, "call {number}: {error}"),
                Executed::Unknown { .. } => {
                    unknown += 1;
                    assert!(ran.len() <= 1, "call {number} ran {ran:?}: {error}");
                }
            },
        }
    }
    unknown
}

async fn import(address: &str) -> Result<LedgerClient, Failure> {
    Ok(Node::builder().start().await?.import_at(address, "ledger").await?)
}

/// kill -9, three times, under load: a call in flight ends with its reply or `Unknown`, none is sent again to the
/// next life, and new calls on the same stub reach it. Idempotent calls notice nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_exporter_runs_nothing_twice() -> Result<(), Failure> {
    let log = Log::new("killed");
    let mut life = Life::start("127.0.0.1:0", &log.0, None);
    let stub = import(&life.address).await?;
    let load = Load::start(&stub, 16);
    let stop = Arc::new(AtomicBool::new(false));
    let idempotent = tokio::spawn({
        let (stub, stop) = (stub.clone(), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::SeqCst) {
                stub.life().await?;
            }
            Ok::<_, CallError>(())
        }
    });
    let mut lives = vec![life.id()];
    for round in 1..=3 {
        // These are in flight for certain.
        let numbers = (1..=8).map(|call| round * 1_000_000_000 + call);
        let hanging: Vec<_> = numbers
            .map(|number| {
                let stub = stub.clone();
                (number, tokio::spawn(async move { stub.note_and_hang(number).await }))
            })
            .collect();
        until("they hang", || {
            let runs = log.runs();
            hanging.iter().all(|(number, _)| runs.contains_key(number))
        })
        .await;
        load.goes_on(200).await;
        life.kill();
        life = life.restart(&log.0);
        lives.push(life.id());
        for (number, call) in hanging {
            let error = call.await?.expect_err("it did not end by itself");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::PeerRestarted, MAY_STILL_RUN), "{error}");
            assert!(error.to_string().contains("restarted"), "{error}");
            assert!(!error.safe_to_retry());
            assert_eq!(log.runs()[&number], [lives[lives.len() - 2]], "sent again to the next life");
        }
        assert_eq!(stub.note(round).await?, life.id(), "new calls reach the new life");
        load.goes_on(200).await;
    }
    let results = load.stop().await;
    stop.store(true, Ordering::SeqCst);
    idempotent.await??;
    let runs = log.runs();
    let unknown = judge(&results, &runs);
    assert!(runs.values().all(|lives| lives.len() == 1));
    for (number, result) in &results {
        if let Err(error) = result {
            // What had not been sent waited for the next life.
            assert_eq!(
                (error.kind(), error.executed()),
                (ErrorKind::PeerRestarted, MAY_STILL_RUN),
                "{number}: {error}"
            );
        }
    }
    let stats = Binding::of(&stub).stats();
    assert_eq!(stats.unknown as usize, unknown + 3 * 8);
    assert_eq!(stats.sessions, 4);
    println!("{} calls over {} lives, {unknown} unknown", results.len(), lives.len());
    Ok(())
}

/// A pinned binding does not go on with another life by itself: calls fail as `Never` until `rebind`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_binding_waits_for_rebind() -> Result<(), Failure> {
    let log = Log::new("pinned");
    let mut life = Life::start("127.0.0.1:0", &log.0, None);
    let node = Node::builder().start().await?;
    let stub: LedgerClient = node.import_at(&life.address, "ledger").pinned().await?;
    assert_eq!(stub.note(1).await?, life.id());
    let in_flight = tokio::spawn({
        let stub = stub.clone();
        async move { stub.note_and_hang(2).await }
    });
    log.reaches(2).await;
    life.kill();
    life = life.restart(&log.0);

    let error = in_flight.await?.expect_err("it did not end by itself");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::PeerRestarted, MAY_STILL_RUN), "{error}");
    for number in 3..10 {
        let error = stub.note(number).await.expect_err("pinned");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::IncarnationChanged, Executed::Never), "{error}");
        assert!(error.to_string().contains("`rebind`"), "{error}");
        assert!(error.safe_to_retry());
    }
    assert!(matches!(Binding::of(&stub).link(), LinkState::Broken(_)));
    Binding::of(&stub).rebind();
    assert_eq!(stub.note(10).await?, life.id());
    assert_eq!(log.runs().len(), 3);
    // It is pinned to the new life now.
    life.kill();
    let life = life.restart(&log.0);
    let error = stub.note(11).await.expect_err("pinned");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::IncarnationChanged, Executed::Never), "{error}");
    Binding::of(&stub).rebind();
    assert_eq!(stub.note(12).await?, life.id());
    Ok(())
}

/// An exporter that stands still and goes on is the same exporter: its callers lose the connection, dial anew, and
/// every call runs exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_exporter_goes_on_where_it_was() -> Result<(), Failure> {
    let log = Log::new("stopped");
    let life = Life::start("127.0.0.1:0", &log.0, None);
    let stub = impatient(&life).await?;
    let load = Load::start(&stub, 16);
    for _ in 0..3 {
        load.goes_on(200).await;
        life.signal(Signal::STOP);
        // Three pings are missed, and then dialling anew gets no answer either.
        dialled_in_vain(&stub).await;
        life.signal(Signal::CONT);
    }
    load.goes_on(200).await;
    let results = load.stop().await;
    let runs = log.runs();
    for (number, result) in &results {
        assert_eq!(result, &Ok(life.id()), "call {number}");
        assert_eq!(runs[number], [life.id()], "call {number}");
    }
    assert_eq!(runs.len(), results.len());
    let stats = Binding::of(&stub).stats();
    assert_eq!((stats.unknown, stats.sessions), (0, 1));
    assert!(stats.resent > 0, "{stats:?}");
    Ok(())
}

/// An exporter that stands still for longer than its sessions live has let them go when it goes on: what was in
/// flight is `Unknown`, and what it still finds in its sockets runs at most once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_stopped_past_its_lease_runs_nothing_twice() -> Result<(), Failure> {
    let log = Log::new("lease");
    let life = Life::start("127.0.0.1:0", &log.0, Some(Duration::from_millis(400)));
    let stub = impatient(&life).await?;
    let load = Load::start(&stub, 16);
    for round in 1..=2 {
        load.goes_on(200).await;
        let unknown = Binding::of(&stub).stats().unknown;
        life.signal(Signal::STOP);
        // The caller gives the session up, and each caller's next call waits.
        until("calls end unknown", || Binding::of(&stub).stats().unknown >= unknown + 16).await;
        life.signal(Signal::CONT);
        load.goes_on(200).await;
        assert_eq!(Binding::of(&stub).stats().sessions, round + 1);
    }
    let results = load.stop().await;
    let runs = log.runs();
    let unknown = judge(&results, &runs);
    assert_eq!(unknown, 32);
    assert!(runs.values().all(|lives| lives.len() == 1));
    for (number, result) in results {
        if let Err(error) = result {
            assert_eq!((error.kind(), error.executed()), (ErrorKind::SessionLost, MAY_STILL_RUN), "{number}: {error}");
        }
    }
    Ok(())
}

/// A stub of a caller that asks after 30 ms whether the exporter is there.
async fn impatient(life: &Life) -> Result<LedgerClient, Failure> {
    let mut limits = Limits::default();
    limits.ping_after = Duration::from_millis(30);
    limits.dial_timeout = Duration::from_millis(100);
    Ok(Node::builder().limits(limits).start().await?.import_at(&life.address, "ledger").await?)
}

/// Waits until the stub's binding has lost its connection, and an attempt to make another has failed.
async fn dialled_in_vain(stub: &LedgerClient) {
    let binding = Binding::of(stub);
    let mut state = binding.link();
    while !matches!(&state, LinkState::Down(error) if error.to_string().contains("did not answer")) {
        let changed = tokio::time::timeout(WAIT_MAX, binding.link_changed(&state));
        state = changed.await.expect("the silence is noticed");
    }
}
