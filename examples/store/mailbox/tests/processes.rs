//! Mailboxes between real processes: one is killed, one is stopped, one writes garbage.
//!
//! A child is this test binary again: it runs the ignored "tests" of this file that are named `child_…`, told by environment
//! variables what to do.

#![cfg(not(loom))]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mailbox::{Error, Layout, Office, Receiver, Sender, State, claim};
use rustix::process::{Pid, Signal, kill_process};

const LAYOUT: Layout = Layout::new(4, 1024);
const DIR: &str = "MAILBOX_TEST_DIR";
const SECOND: Duration = Duration::from_secs(1);
/// Long enough that a test that waits for it has failed.
const FOR_EVER: Duration = Duration::from_secs(60);

/// A child process that does not outlive its test.
struct Process(Child);

impl Process {
    fn start(child: &str, dir: &Path) -> Self {
        let test = std::env::current_exe().expect("this binary");
        let mut command = Command::new(test);
        command.args(["--exact", child, "--ignored", "--nocapture"]).env(DIR, dir).stdout(Stdio::null());
        Self(command.spawn().expect("the child starts"))
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).expect("an id")).expect("not zero");
        kill_process(pid, signal).expect("the child exists");
    }

    /// Ends it and takes its status away, as a parent does; before that it would be a zombie.
    fn kill(&mut self) {
        self.0.kill().expect("the child exists");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn directory() -> tempfile::TempDir {
    std::fs::create_dir_all(mailbox::shared_memory_dir()).expect("shared memory");
    tempfile::tempdir_in(mailbox::shared_memory_dir()).expect("a directory")
}

fn told() -> PathBuf {
    PathBuf::from(std::env::var_os(DIR).expect("only the tests below start a child"))
}

/// Serves echoes until the peer goes; gives the reason for the end and the number of messages.
fn echo(requests: &mut Receiver, replies: &mut Sender, limit: Duration) -> (Error, u64) {
    let mut served = 0;
    loop {
        match requests.receive(limit).and_then(|message| replies.send(&message, limit)) {
            Ok(()) => served += 1,
            Err(end) => return (end, served),
        }
    }
}

#[test]
#[ignore = "not a test: the child that asks without end"]
fn child_asks() {
    let (mut ask, mut answers) = claim(told(), LAYOUT, SECOND).expect("a mailbox");
    for number in 0u64.. {
        let question: Vec<u8> = number.to_le_bytes().repeat(1 + (number % 100) as usize);
        ask.send(&question, FOR_EVER).expect("the parent lives");
        assert_eq!(answers.receive(FOR_EVER).expect("the parent lives"), question);
    }
}

#[test]
#[ignore = "not a test: the child that claims, sends, and never reads an answer"]
fn child_never_reads() {
    let (mut ask, _answers) = claim(told(), LAYOUT, SECOND).expect("a mailbox");
    ask.send(b"hello", SECOND).expect("the parent lives");
    std::thread::sleep(FOR_EVER);
}

#[test]
#[ignore = "not a test: the child that serves echoes"]
fn child_serves() {
    let mut office = Office::open(told(), LAYOUT).expect("nobody else serves");
    let (mut requests, mut replies) = office.place().expect("there is room");
    while !requests.is_claimed() {
        std::thread::sleep(Duration::from_millis(1));
    }
    echo(&mut requests, &mut replies, FOR_EVER);
}

#[test]
#[ignore = "not a test: the child that claims by the rules and then overwrites the mailbox with random words"]
fn child_scribbles() {
    let path = std::fs::read_dir(told()).expect("the directory").next().expect("a mailbox").expect("readable").path();
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).expect("it is ours");
    let words = file.metadata().expect("readable").len() / 4;
    let (mut ask, _answers) = claim(told(), LAYOUT, SECOND).expect("a mailbox");
    ask.send(b"hello", SECOND).expect("the parent lives");
    let mut random = fastrand::Rng::with_seed(11);
    loop {
        use std::os::unix::fs::FileExt;
        let value = if random.bool() { random.u32(..) } else { random.u32(..2000) };
        file.write_all_at(&value.to_ne_bytes(), 4 * random.u64(..words)).expect("it is ours");
    }
}

/// A claimant that is killed in the middle of its traffic ends the office's wait at once, and the next claimant is served.
#[test]
fn a_killed_claimant_does_not_hang_the_office() {
    let dir = directory();
    let mut office = Office::open(dir.path(), LAYOUT).expect("it is free");
    for _ in 0..3 {
        let (mut requests, mut replies) = office.place().expect("there is room");
        let mut child = Process::start("child_asks", dir.path());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            child.kill();
        });
        let started = Instant::now();
        let (end, served) = echo(&mut requests, &mut replies, FOR_EVER);
        assert!(matches!(end, Error::PeerGone), "{end}");
        assert!(served > 0);
        assert!(started.elapsed() < 10 * SECOND);
        assert_eq!(replies.peer_state(), State::Gone);
        killer.join().expect("it only kills");
    }
}

/// An office that is killed ends the claimant's wait, although the claimant was ready to wait for long.
#[test]
fn a_killed_office_does_not_hang_the_claimant() {
    let dir = directory();
    let mut child = Process::start("child_serves", dir.path());
    let (mut ask, mut answers) = claim(dir.path(), LAYOUT, 10 * SECOND).expect("the child lays one out");
    for number in 0..100u32 {
        ask.send(&number.to_le_bytes(), SECOND).expect("the child lives");
        assert_eq!(answers.receive(SECOND).expect("the child lives"), number.to_le_bytes());
    }
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        child.kill();
    });
    let started = Instant::now();
    assert!(matches!(answers.receive(FOR_EVER), Err(Error::PeerGone)));
    assert!(started.elapsed() < 10 * SECOND);
    killer.join().expect("it only kills");
}

/// A stopped claimant costs the office its limit and no more, is known to be stopped, and goes on where it was when it is continued.
#[test]
fn a_stopped_claimant_costs_no_more_than_the_limit() {
    let dir = directory();
    let mut office = Office::open(dir.path(), LAYOUT).expect("it is free");
    let (mut requests, mut replies) = office.place().expect("there is room");
    let child = Process::start("child_asks", dir.path());
    let first = requests.receive(10 * SECOND).expect("the child asks");
    child.signal(Signal::STOP);
    // It takes effect when the system gets to it.
    while replies.peer_state() != State::Stopped {
        std::thread::sleep(Duration::from_millis(1));
    }
    let limit = Duration::from_millis(200);
    let started = Instant::now();
    replies.send(&first, limit).expect("a stopped reader leaves free cells");
    let end = loop {
        match requests.receive(limit) {
            Ok(_) => continue,
            Err(end) => break end,
        }
    };
    assert!(matches!(end, Error::TimedOut), "{end}");
    assert!(started.elapsed() < 5 * SECOND);
    child.signal(Signal::CONT);
    let second = requests.receive(10 * SECOND).expect("it has its answer and asks again");
    assert_eq!(second[..8], 1u64.to_le_bytes());
}

/// A claimant that never reads fills its mailbox; the office is told so within its limit.
#[test]
fn a_claimant_that_never_reads_costs_no_more_than_the_limit() {
    let dir = directory();
    let mut office = Office::open(dir.path(), LAYOUT).expect("it is free");
    let (mut requests, mut replies) = office.place().expect("there is room");
    let _child = Process::start("child_never_reads", dir.path());
    requests.receive(10 * SECOND).expect("the child sends one");
    for _ in 0..LAYOUT.cells() {
        replies.send(b"answer", SECOND).expect("there is room");
    }
    let started = Instant::now();
    assert!(matches!(replies.send(b"one too many", Duration::from_millis(200)), Err(Error::TimedOut)));
    assert!(started.elapsed() < 5 * SECOND);
}

/// A stopped office: the claimant's wait, meant to be long, ends when the heart has stood still for too long.
#[test]
fn a_stopped_office_is_noticed() {
    let dir = directory();
    let child = Process::start("child_serves", dir.path());
    let (mut ask, mut answers) = claim(dir.path(), LAYOUT, 10 * SECOND).expect("the child lays one out");
    ask.send(b"hello", SECOND).expect("the child lives");
    answers.receive(10 * SECOND).expect("the child lives");
    child.signal(Signal::STOP);
    let started = Instant::now();
    assert!(matches!(answers.receive(FOR_EVER), Err(Error::PeerStalled)));
    assert!(started.elapsed() < 15 * SECOND);
}

/// A claimant that overwrites everything with random words: errors and nonsense, no panic and no hang.
#[test]
fn a_scribbling_claimant_is_survived() {
    let dir = directory();
    let mut office = Office::open(dir.path(), LAYOUT).expect("it is free");
    let (mut requests, mut replies) = office.place().expect("there is room");
    let _child = Process::start("child_scribbles", dir.path());
    requests.receive(10 * SECOND).expect("the child begins politely");
    let (started, limit) = (Instant::now(), Duration::from_millis(2));
    let (mut corrupt, mut rounds) = (0, 0);
    while started.elapsed() < SECOND {
        rounds += 1;
        for end in [requests.receive(limit).err(), replies.send(b"answer", limit).err()].into_iter().flatten() {
            assert!(matches!(end, Error::Corrupt { .. } | Error::TimedOut | Error::PeerGone), "{end}");
            corrupt += u32::from(matches!(end, Error::Corrupt { .. }));
        }
    }
    assert!(rounds > 10 && corrupt > 0, "{rounds} rounds, {corrupt} corrupt");
}

/// Two offices cannot serve one directory, but one can follow another that was killed, and clears up after it.
#[test]
fn an_office_follows_a_killed_one() {
    let dir = directory();
    let mut child = Process::start("child_serves", dir.path());
    let started = Instant::now();
    while std::fs::read_dir(dir.path()).expect("readable").next().is_none() {
        assert!(started.elapsed() < 10 * SECOND);
        std::thread::sleep(Duration::from_millis(5));
    }
    // The mailbox may still have its hidden name for a moment.
    while !matches!(Office::open(dir.path(), LAYOUT), Err(Error::Occupied { .. })) {
        assert!(started.elapsed() < 10 * SECOND);
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill();
    let mut office = Office::open(dir.path(), LAYOUT).expect("the other one is dead");
    let (mut requests, _replies) = office.place().expect("there is room");
    assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 1);
    let (mut ask, _answers) = claim(dir.path(), LAYOUT, SECOND).expect("the new one's");
    ask.send(b"hello", SECOND).expect("it lives");
    assert_eq!(requests.receive(SECOND).expect("it was sent"), b"hello");
}
