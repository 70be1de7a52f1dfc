//! Peers that mean no good, or speak something else: the node closes what they hold, its memory stays bounded,
//! and a good caller beside them sees nothing of it. An exporter that answers garbage is an error, not a hang.
//!
//! The tests take turns, since each measures the memory of the process.

#[path = "support/raw.rs"]
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use raw::{Raw, call, encoded, hello, method_id, unrecorded};
use rpc_runtime::protocol::control::{Attach, Welcome};
use rpc_runtime::protocol::frame::{Answer, AnswerHeader, Frame, MAGIC, Status};
use rpc_runtime::protocol::id::{AttachNumber, CallId, Incarnation, Sequence, SessionId, Slot, Token};
use rpc_runtime::protocol::time::CalleeTime;
use rpc_runtime::{CallError, ErrorKind, Executed, Export, Limits, Node, UserStub, interface};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// Attacks of `hostile_bytes_do_no_harm`; `HOSTILE_ATTACKS` sets another number.
const ATTACKS: usize = 10_000;
/// Attackers at once.
const ATTACKERS: usize = 200;
/// How long sessions outlive silence.
const LEASE: Duration = Duration::from_millis(500);
/// What the process may grow by.
const GROWTH_MAX: usize = 32 << 20;

#[interface]
trait Adder {
    async fn add(&self, left: u64, right: u64) -> Result<u64, CallError>;
    #[rpc(idempotent)]
    async fn nothing(&self) -> Result<(), CallError>;
    /// So many bytes, at once.
    async fn blob(&self, bytes: u32) -> Result<Vec<u8>, CallError>;
}

#[derive(Default)]
struct Sums(AtomicU64);

impl Adder for Sums {
    async fn add(&self, left: u64, right: u64) -> Result<u64, CallError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(left + right)
    }
    async fn nothing(&self) -> Result<(), CallError> {
        Ok(())
    }
    async fn blob(&self, bytes: u32) -> Result<Vec<u8>, CallError> {
        Ok(vec![7; bytes as usize])
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A peer that is cut off amid frames of which many are not handled yet costs nothing afterwards: its connection's last words
/// come to their end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_cut_off_amid_its_frames_costs_nothing() -> Result<(), Failure> {
    let _turn = turn().await;
    let (node, _export) = exporter(Limits::default()).await?;
    let address = &node.local_endpoints()[0];
    let mut peers = Vec::new();
    for _ in 0..4 {
        let (mut raw, _) = Raw::hello(address, "Adder", "sums").await?;
        let mut frames: Vec<u8> = (0..40).flat_map(|_| encoded(&Frame::Ping)).collect();
        // No caller sends this.
        frames.extend(encoded(&Frame::Pong(CalleeTime(0))));
        frames.extend((0..100).flat_map(|_| encoded(&Frame::Ping)));
        raw.send_bytes(&frames).await?;
        raw.closed().await?;
        peers.push(raw);
    }
    drop(peers);
    // Every connection has ended, and no thread goes round in it.
    assert!(node.shutdown(Duration::from_secs(10)).await);
    Ok(())
}

/// 10,000 connections with random bytes, foreign protocols, half frames, giant lengths, garbage in frames, calls
/// that break the rules, stolen sessions and silence: each is closed in time, and a good caller's results stay right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bytes_do_no_harm() -> Result<(), Failure> {
    let _turn = turn().await;
    let limits = limits(|limits| {
        limits.handshake_timeout = Duration::from_millis(200);
        limits.session_lease = LEASE;
        limits.frame_bytes_max = 1 << 20;
    });
    let (node, _export) = exporter(limits).await?;
    let address = Arc::new(node.local_endpoints()[0].clone());
    let attacks = std::env::var("HOSTILE_ATTACKS").map_or(ATTACKS, |value| value.parse().expect("a number"));

    let stop = Arc::new(AtomicBool::new(false));
    let good = tokio::spawn(good_caller(Arc::clone(&address), Arc::clone(&stop)));
    // The first attacks fill what is allocated once.
    let warm_up = attacks / 5;
    attack(&address, 0..warm_up).await?;
    let before = resident_bytes();
    attack(&address, warm_up..attacks).await?;
    let growth = resident_bytes().saturating_sub(before);
    stop.store(true, Ordering::SeqCst);
    let (calls, slowest) = good.await??;

    assert!(growth < GROWTH_MAX, "the process grew by {growth} bytes");
    assert!(calls > 100, "the good caller got {calls} results");
    assert!(slowest < Duration::from_secs(2), "a good call took {slowest:?}");
    let stats = node.stats();
    assert!(stats.connections_accepted as usize > attacks, "{stats:?}");
    assert!(stats.connections_rejected as usize > attacks / 2, "{stats:?}");
    println!(
        "{attacks} attacks, {growth} bytes of growth; {calls} good calls, the slowest took {slowest:?}; {stats:?}"
    );
    no_panic();
    Ok(())
}

/// Makes the attacks of these numbers, several at a time.
async fn attack(address: &Arc<String>, numbers: std::ops::Range<usize>) -> Result<(), Failure> {
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(numbers.start));
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|_| {
            let (address, next, end) = (Arc::clone(address), Arc::clone(&next), numbers.end);
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return Ok::<_, String>(());
                    }
                    let kind = number % KINDS;
                    let done = one_attack(&address, kind, &mut Rng::with_seed(number as u64)).await;
                    done.map_err(|error| format!("attack {number} of kind {kind}: {error}"))?;
                }
            })
        })
        .collect();
    for attacker in attackers {
        attacker.await??;
    }
    Ok(())
}

const KINDS: usize = 17;

/// One connection that ends when the node closes it. Writing may fail: the node may have closed it already.
async fn one_attack(address: &str, kind: usize, rng: &mut Rng) -> Result<(), Failure> {
    let mut raw = Raw::dial(address).await?;
    let mut random = vec![0; rng.usize(1..2000)];
    rng.fill(&mut random);
    // Never by chance the way to speak.
    random[0] &= 0x7f;
    let garbage = |rng: &mut Rng, kind: u8| {
        let mut frame = random.clone();
        frame.splice(0..0, (frame.len() as u32 + 1).to_le_bytes().into_iter().chain([kind]));
        frame.truncate(rng.usize(5..=frame.len()).max(5));
        frame
    };
    let _ = match kind {
        0 => raw.send_bytes(&random).await,
        1 => raw.send_bytes(&[&MAGIC[..7], &[2], &random].concat()).await,
        // Half a preface, and half a frame.
        2 => raw.send_bytes(&MAGIC[..rng.usize(1..8)]).await,
        3 => {
            let hello = encoded(&hello("Adder", "sums"));
            raw.send_bytes(&[&MAGIC, &hello[..rng.usize(1..hello.len())]].concat()).await
        }
        4 => raw.send_bytes(&[&MAGIC[..], &u32::MAX.to_le_bytes(), &random].concat()).await,
        5 => raw.send_bytes(&[&MAGIC[..], &[0; 4]].concat()).await,
        6 => {
            let kind = rng.u8(..);
            raw.send_bytes(&[&MAGIC[..], &garbage(rng, kind)].concat()).await
        }
        7 => raw.send_bytes(b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n").await,
        8 => raw.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await,
        9 => raw.send_bytes(&[&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &random].concat()).await,
        // Silence, before and after the preface.
        10 => Ok(()),
        11 => raw.send_bytes(&MAGIC).await,
        // A session that does not exist.
        12 => {
            let attach = Attach {
                incarnation: Incarnation::new(Uuid::from_u128(rng.u128(..))),
                session: SessionId(rng.u64(1..100)),
                token: Token::new(Uuid::from_u128(rng.u128(..))),
                number: AttachNumber(u64::MAX),
            };
            raw.send_bytes(&[&MAGIC[..], &encoded(&Frame::Attach(attach))].concat()).await
        }
        _ => {
            let begun = Instant::now();
            match bad_session(address, kind, rng, &random, garbage).await {
                Ok(bad) => raw = bad,
                // This machine was too slow for the lease.
                Err(_closed) if begun.elapsed() >= LEASE => {}
                Err(error) => return Err(error),
            }
            Ok(())
        }
    };
    raw.closed().await?;
    Ok(())
}

/// Attacks from within a session; gives what the node is to close.
async fn bad_session(
    address: &str,
    kind: usize,
    rng: &mut Rng,
    random: &[u8],
    garbage: impl Fn(&mut Rng, u8) -> Vec<u8>,
) -> Result<Raw, Failure> {
    let (mut raw, welcome) = Raw::hello(address, "Adder", "sums").await?;
    let (slot, sequence) = (rng.u16(0..welcome.slots), rng.u64(1..));
    let _ = match kind {
        13 => {
            let kind = rng.u8(..);
            raw.send_bytes(&garbage(rng, kind)).await?;
            raw.send_bytes(&[0; 4]).await
        }
        // A slot that was not granted, and number 0.
        14 => {
            let bad = [call(welcome.slots, sequence, 1, random), call(slot, 0, 1, random)];
            raw.send(&bad[rng.usize(0..2)]).await
        }
        // Arguments that do not decode, an unknown method, a recorded method called as idempotent: refused, one by
        // one. Then a call that goes on for ever: closed when the lease ends.
        15 => {
            for (frame, why) in [
                (call(slot, 1, method_id("Add"), &[0xff; 40]), "undecodable"),
                (call(slot, 2, rng.u32(..), random), "unknown method"),
                (unrecorded(slot, 3, method_id("Add"), &[8, 1, 16, 1]), "not idempotent"),
            ] {
                raw.send(&frame).await?;
                let answer = raw.answer().await?;
                assert_eq!(answer.header.status, Status::Refused, "{why}");
            }
            raw.send_bytes(&[&(1u32 << 19).to_le_bytes()[..], &[3], random].concat()).await
        }
        // Another's session: the number is known, the token is not.
        _ => {
            let token = Token::new(Uuid::from_u128(rng.u128(..)));
            let (mut thief, answer) = Raw::attach(address, &Welcome { token, ..welcome.clone() }, 1).await?;
            assert!(matches!(answer, Some(Frame::Reject(_))), "{answer:?}");
            // Its owner notices nothing.
            raw.send(&call(slot, sequence, method_id("Add"), &[8, 1, 16, 1])).await?;
            assert_eq!(raw.answer().await?.header.status, Status::Value);
            thief.closed().await?;
            raw.send(&Frame::Close).await
        }
    };
    Ok(raw)
}

/// Adds until it is stopped: how many results it got, and how long the slowest took.
async fn good_caller(address: Arc<String>, stop: Arc<AtomicBool>) -> Result<(u64, Duration), CallError> {
    let node = Node::builder().start().await.expect("a node that does not listen");
    let stub: AdderClient = node.import_at(&address, "sums").await?;
    let (mut calls, mut slowest) = (0, Duration::ZERO);
    while !stop.load(Ordering::SeqCst) {
        let begun = Instant::now();
        assert_eq!(stub.add(calls, 7).await?, calls + 7);
        slowest = slowest.max(begun.elapsed());
        calls += 1;
        tokio::task::yield_now().await;
    }
    Ok((calls, slowest))
}

/// What a peer asks for and does not read costs the node a bounded buffer, whatever it asks for, and then its
/// connection is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_costs_a_bounded_buffer() -> Result<(), Failure> {
    let _turn = turn().await;
    let limits = limits(|limits| {
        limits.out_bytes_max = 1 << 20;
        limits.write_timeout = Duration::from_millis(1500);
    });
    let (node, _export) = exporter(limits).await?;
    let address = Arc::new(node.local_endpoints()[0].clone());
    let stop = Arc::new(AtomicBool::new(false));
    let good = tokio::spawn(good_caller(Arc::clone(&address), Arc::clone(&stop)));
    let blob = method_id("Blob");
    let nothing = method_id("Nothing");
    // Each asks for the same again and again; `n` counts from 1.
    type Asks = fn(u64, u32, u32) -> Frame;
    let greedy: [(&str, Asks); 7] = [
        // 512 KiB each, on all slots in turn.
        ("replies", |n, blob, _| call((n % 1024) as u16, n, blob, &[8, 0x80, 0x80, 0x20])),
        ("replies of idempotent calls", |n, _, nothing| unrecorded((n % 1024) as u16, n, nothing, &[])),
        // One call, sent again and again: 256 KiB from the record.
        ("repetitions", |_, blob, _| call(0, 1, blob, &[8, 0x80, 0x80, 0x10])),
        ("refusals", |n, _, _| call((n % 1024) as u16, n, 1, &[])),
        ("pongs", |_, _, _| Frame::Ping),
        ("descriptions", |_, _, _| Frame::Describe),
        ("verdicts of cancels", |n, _, _| Frame::Cancel {
            id: CallId { slot: Slot((n % 1024) as u16), sequence: Sequence(n) },
            recorded: true,
        }),
    ];
    let before = resident_bytes();
    let greedy: Vec<_> = greedy
        .into_iter()
        .map(|(what, ask)| {
            let address = Arc::clone(&address);
            tokio::spawn(async move {
                let (mut raw, _welcome) = Raw::hello(&address, "Adder", "sums").await?;
                let mut asked = 0;
                // Ends when the node breaks the connection off.
                loop {
                    let batch = (0..64).flat_map(|n| encoded(&ask(asked + n + 1, blob, nothing)));
                    if raw.send_bytes(&batch.collect::<Vec<_>>()).await.is_err() {
                        return Ok::<_, std::io::Error>((what, asked));
                    }
                    asked += 64;
                    let growth = resident_bytes().saturating_sub(before);
                    assert!(growth < GROWTH_MAX, "{what}: grown by {growth} bytes after {asked} were asked for");
                }
            })
        })
        .collect();
    for greedy in greedy {
        let (what, asked) = tokio::time::timeout(Duration::from_secs(20), greedy).await???;
        println!("{what}: closed after {asked}");
    }
    stop.store(true, Ordering::SeqCst);
    let (calls, _slowest) = good.await??;
    assert!(calls > 0);
    no_panic();
    Ok(())
}

/// What listens there speaks something else: the import says so, whatever comes back, and hangs in no case.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_that_answers_garbage_is_an_error() -> Result<(), Failure> {
    let _turn = turn().await;
    let noise = [0xd7, 3, 9, 250, 1, 77, 8, 0, 15, 200];
    let answers: [(&str, Vec<u8>); 11] = [
        ("HTTP/1", b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n".to_vec()),
        ("HTTP/2", vec![0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 128, 0, 4, 0, 1, 0, 0, 0, 5, 0, 255, 255, 255]),
        ("a TLS alert", vec![0x15, 3, 1, 0, 2, 2, 70]),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("a short line", b"no\n".to_vec()),
        ("an echo", MAGIC.to_vec()),
        ("noise", noise.to_vec()),
        ("an empty frame", vec![0; 16]),
        ("a frame of no kind", frame(200, &noise)),
        ("a welcome that does not decode", frame(65, &noise)),
        ("an answer to no call", encoded(&answer(Status::Value, 0, 1, b""))),
    ];
    for (what, bytes) in answers {
        let address = fake_exporter(bytes.clone(), b"").await?;
        let failed = import(&address).await;
        let error = failed.err().ok_or(what)?;
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NotThisProtocol, Executed::Never), "{what}: {error}");
        assert!(error.to_string().contains(&address), "{what}: {error}");
        assert!(error.to_string().contains("does not speak this protocol"), "{what}: {error}");
    }
    // Nothing at all is no answer in time.
    let address = fake_exporter(Vec::new(), b"").await?;
    let error = import(&address).await.err().ok_or("silence")?;
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Unreachable, Executed::Never), "{error}");
    no_panic();
    Ok(())
}

/// An exporter that turns mad after its welcome costs a call its deadline, and is not believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_that_turns_mad_is_not_believed() -> Result<(), Failure> {
    let _turn = turn().await;
    let incarnation = Incarnation::new(Uuid::new_v4());
    let welcome = encoded(&Frame::Welcome(Welcome {
        incarnation,
        epoch: None,
        session: SessionId(1),
        token: Token::new(Uuid::new_v4()),
        slots: 16,
        lease: Duration::from_secs(60),
        frame_bytes_max: 1 << 20,
        clock: 0,
        fingerprint: Uuid::from_u128(AdderClient::interface().fingerprint().as_u128()),
    }));
    let stray = [
        answer(Status::Value, 15, 1, &[8, 9]),
        answer(Status::Value, 0, 77, &[8, 9]),
        answer(Status::Working, 0, 1, &[]),
        answer(Status::Value, 60_000, u64::MAX, &[8, 9]),
    ];
    let stray: Vec<u8> = stray.iter().flat_map(encoded).collect();
    let madness: [(&str, Vec<u8>, Executed); 6] = [
        ("answers to other calls", stray, MAY_STILL_RUN),
        ("no frame", vec![0xff; 64], MAY_STILL_RUN),
        ("a stale slot", encoded(&answer(Status::Stale, 0, 1, b"")), MAY_STILL_RUN),
        ("a value that does not decode", encoded(&answer(Status::Value, 0, 1, &[0xff; 9])), Executed::Completed),
        ("a fault that does not decode", encoded(&answer(Status::Fault, 0, 1, &[0xff; 9])), Executed::Completed),
        // Somebody said "refused"; why is not to be had.
        ("a refusal that does not decode", encoded(&answer(Status::Refused, 0, 1, &[0xff; 9])), Executed::Never),
    ];
    for (what, bytes, executed) in madness {
        let address = fake_exporter(welcome.clone(), &bytes).await?;
        let stub = import(&address).await?;
        let error = stub.add(1, 2).await.err().ok_or(what)?;
        assert_eq!(error.executed(), executed, "{what}: {error}");
    }
    no_panic();
    Ok(())
}

const MAY_STILL_RUN: Executed = Executed::Unknown { may_still_run: true };

/// Imports with short patience, from whatever is at `address`.
async fn import(address: &str) -> Result<AdderClient, CallError> {
    let limits = limits(|limits| limits.dial_timeout = Duration::from_millis(300));
    let node = Node::builder().limits(limits).start().await.expect("a node that does not listen");
    node.import_at(address, "sums").timeout(Duration::from_millis(300)).await
}

/// Says `first` to every connection that has said something, and `then` when it says more; then it is silent, or closes
/// if it has spoken without being asked for more.
async fn fake_exporter(first: Vec<u8>, then: &[u8]) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("tcp://{}", listener.local_addr()?);
    let then = then.to_vec();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (first, then) = (first.clone(), then.clone());
            tokio::spawn(async move {
                let mut said = [0; 4096];
                let _ = stream.read(&mut said).await;
                let _ = stream.write_all(&first).await;
                if first.is_empty() || !then.is_empty() {
                    let _ = stream.read(&mut said).await;
                    let _ = stream.write_all(&then).await;
                    while matches!(stream.read(&mut said).await, Ok(read) if read > 0) {}
                }
            });
        }
    });
    Ok(address)
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 1).to_le_bytes()[..], &[kind], body].concat()
}

fn answer(status: Status, slot: u16, sequence: u64, body: &[u8]) -> Frame {
    let id = CallId { slot: Slot(slot), sequence: Sequence(sequence) };
    let header = AnswerHeader { id, status, clock: CalleeTime(1), slots: 16 };
    Frame::Answer(Answer { header, body: Bytes::copy_from_slice(body) })
}

async fn exporter(limits: Limits) -> Result<(Node, Export), Failure> {
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await?;
    let export = node.export("sums", AdderServer::new(Sums::default())).await?;
    Ok((node, export))
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// The memory of the process that is in use.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).expect("a count of pages");
    pages * 4096
}

static PANICKED: AtomicBool = AtomicBool::new(false);

/// One test at a time. From now on a panic anywhere is noticed, also in a task that nobody waits for.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    // What failed in another test is that one's affair.
    PANICKED.store(false, Ordering::SeqCst);
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICKED.store(true, Ordering::SeqCst);
        report(panic);
    }));
    turn
}

fn no_panic() {
    assert!(!PANICKED.load(Ordering::SeqCst), "something panicked: see above");
}
