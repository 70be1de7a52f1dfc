//! A node's accepting side, and a peer that says what it likes. No implementation runs except for a call on a connection
//! that has a session, and a plain method at most once for each call; who opens no session is cut off in time.
//!
//! An input is a scene: connections are made, dropped and taken up again, frames and noise are sent, time goes by.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use allocation_counter::opt_out;
use bytes::Bytes;
use rpc_runtime::fuzzing::connect;
use rpc_runtime::protocol::control::{Attach, Hello, Welcome};
use rpc_runtime::protocol::frame::{Call, CallHeader, Frame, MAGIC, Way};
use rpc_runtime::protocol::id::{AttachNumber, CallId, Incarnation, Owner, Sequence, SessionId, Slot, Token};
use rpc_runtime::protocol::stream::WINDOW_BYTES;
use rpc_runtime::protocol::time::CalleeTime;
use rpc_runtime::{CallError, Limits, Node, Streaming, interface};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::bounds::{allow, buffered, constant, memory};
use crate::input::Input;
use crate::peer::{Named, Peer, Record, STEPS_MAX, complete_ends, encoded, of_stream, play, settle};

const ADDRESS: &str = "memory://callee";
const NAME: &str = "callee";
const INTERFACE: &str = "Counter";
const INSTANCE: &str = "one";
/// Connections of one scene.
const CONNECTIONS_MAX: usize = 3;
/// Longer than a connection without a session may stand: twice the time for a handshake, and last words.
const HANDSHAKE_MAX: Duration = Duration::from_secs(12);
/// Longer than a shutdown without patience takes.
const SHUTDOWN_MAX: Duration = Duration::from_secs(10);
const WAITS: [Duration; 6] = [
    Duration::from_millis(10),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(6),
    Duration::from_secs(20),
    Duration::from_secs(61),
];
const METHODS: [&str; 8] = ["Add", "Wait", "Look", "Tell", "Nothing", "Count", "Sum", "Echo"];
/// Calls with streams that run at once.
const STREAMS_MAX: usize = 3;
/// What each may take: windows of both directions, as items and as frames, twice while something grows.
const STREAM_BYTES_MAX: u64 = 8 * WINDOW_BYTES as u64;

/// What is exported.
#[interface]
trait Counter {
    async fn add(&self, amount: u64) -> Result<u64, CallError>;
    async fn wait(&self, millis: u16) -> Result<(), CallError>;
    #[rpc(idempotent)]
    async fn look(&self, padding: Vec<u8>) -> Result<Vec<u8>, CallError>;
    #[rpc(oneway)]
    async fn tell(&self, text: String) -> Result<(), CallError>;
    async fn count(&self, to: u64) -> Result<Streaming<u64>, CallError>;
    async fn sum(&self, numbers: Streaming<u64>) -> Result<u64, CallError>;
    async fn echo(&self, texts: Streaming<Vec<u8>>) -> Result<Streaming<Vec<u8>>, CallError>;
}

/// How often implementations were started.
#[derive(Default)]
struct Starts {
    /// Of plain methods.
    plain: AtomicUsize,
    /// Of all.
    all: AtomicUsize,
    /// Streams that were said to be complete.
    complete: AtomicUsize,
}

impl Starts {
    fn add(&self, is_plain: bool) {
        self.plain.fetch_add(is_plain.into(), Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counter for Arc<Starts> {
    async fn add(&self, amount: u64) -> Result<u64, CallError> {
        Starts::add(self, true);
        Ok(amount)
    }

    async fn wait(&self, millis: u16) -> Result<(), CallError> {
        Starts::add(self, true);
        sleep(Duration::from_millis(millis.into())).await;
        Ok(())
    }

    async fn look(&self, padding: Vec<u8>) -> Result<Vec<u8>, CallError> {
        Starts::add(self, false);
        Ok(padding)
    }

    async fn tell(&self, _text: String) -> Result<(), CallError> {
        Starts::add(self, false);
        Ok(())
    }

    async fn count(&self, to: u64) -> Result<Streaming<u64>, CallError> {
        Starts::add(self, true);
        Ok(Streaming::from_iter(0..to))
    }

    async fn sum(&self, mut numbers: Streaming<u64>) -> Result<u64, CallError> {
        Starts::add(self, true);
        let mut sum = 0_u64;
        while let Some(number) = numbers.next().await {
            sum = sum.wrapping_add(number?);
        }
        self.complete.fetch_add(1, Ordering::Relaxed);
        Ok(sum)
    }

    async fn echo(&self, texts: Streaming<Vec<u8>>) -> Result<Streaming<Vec<u8>>, CallError> {
        Starts::add(self, true);
        Ok(texts)
    }
}

/// A scene of nothing but connections, each with a session and a frame that came in two pieces: what a node takes by
/// itself.
const SET_UP: [u8; 26] = [8, 0, 0, 4, 0, 8, 7, 8, 0, 8, 0, 0, 4, 0, 8, 7, 8, 0, 8, 0, 0, 4, 0, 8, 7, 8];

/// One input.
pub fn run(bytes: &[u8]) {
    static SET_UP_BYTES: OnceLock<u64> = OnceLock::new();
    let set_up = SET_UP_BYTES.get_or_init(|| constant(|| play(scene(&SET_UP, &mut Vec::new()))));
    let mut records = Vec::new();
    let taken = memory(|| play(scene(bytes, &mut records)));
    let opened = records.iter().flat_map(|record| &record.heard);
    let opened = opened.filter(|frame| matches!(frame, Frame::Item(..) | Frame::ItemAck(..))).count();
    let streams = opened.min(STREAMS_MAX) as u64 * STREAM_BYTES_MAX;
    allow(taken, set_up + streams + buffered(records.iter().map(|record| record.sent.len())));
}

async fn scene(bytes: &[u8], records: &mut Vec<Record>) {
    let starts = Arc::new(Starts::default());
    let mut limits = Limits::default();
    (limits.slots_max, limits.handlers_max) = (4, 2);
    (limits.streams_max, limits.session_streams_max) = (STREAMS_MAX, STREAMS_MAX - 1);
    let node = Node::builder().listen(ADDRESS).limits(limits).start().await.expect("nobody else listens there");
    let export = node.export(INSTANCE, CounterServer::new(Arc::clone(&starts))).await.expect("the only one");
    let named = Named::default();
    let mut stage = Stage { node: node.incarnation(), peers: Vec::new(), records, present: 0, named };
    let mut input = Input(bytes);
    stage.connect().await;
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        stage.act(&mut input).await;
    }
    sleep(HANDSHAKE_MAX).await;
    stage.hear().await;
    for (peer, record) in stage.peers.iter().zip(&*stage.records) {
        let is_open = matches!(record.heard.first(), Some(Frame::Welcome(_) | Frame::Attached(_)));
        assert!(is_open || peer.as_ref().is_none_or(|peer| peer.is_closed), "it may stay without a session");
    }
    drop(stage);
    drop(export);
    timeout(SHUTDOWN_MAX, node.shutdown(Duration::from_secs(1))).await.expect("it does not end");
    opt_out(|| judge(&starts, records));
}

/// Compares what ran with what was asked for.
fn judge(starts: &Starts, records: &[Record]) {
    let mut calls = HashSet::new();
    let mut asked = 0;
    for record in records {
        let mut sent = record.sent_frames().into_iter();
        let session = match (sent.next(), record.heard.first()) {
            (Some(Frame::Hello(hello)), Some(Frame::Welcome(welcome))) => {
                assert_eq!((&*hello.interface, &*hello.instance), (INTERFACE, INSTANCE), "it welcomes anybody");
                welcome.session
            }
            (Some(Frame::Attach(attach)), Some(Frame::Attached(_))) => attach.session,
            (_, Some(Frame::Reject(_)) | None) => continue,
            (first, answer) => panic!("{first:?} was answered by {answer:?}"),
        };
        for frame in sent {
            if let Frame::Call(call) = frame {
                calls.insert((session, call.header.id));
                asked += 1;
            }
        }
    }
    let (plain, all) = (starts.plain.load(Ordering::Relaxed), starts.all.load(Ordering::Relaxed));
    assert!(plain <= calls.len(), "{plain} starts of plain methods for {} calls", calls.len());
    assert!(all <= asked, "{all} starts for {asked} calls");
    let (complete, ends) = (starts.complete.load(Ordering::Relaxed), complete_ends(records));
    assert!(complete <= ends, "{complete} streams were taken for complete, and {ends} are");
    records.iter().for_each(in_order);
}

/// On one connection each stream's items come one after the other.
fn in_order(record: &Record) {
    let mut last = HashMap::new();
    for frame in &record.heard {
        if let Frame::Item(way, item) = frame {
            assert_eq!(*way, Way::Down, "it sends a caller's stream");
            let before = last.insert(item.id, item.number);
            assert!(before.is_none_or(|before| item.number == before + 1), "{before:?}, then {}", item.number);
        }
    }
}

/// The connections of a scene.
struct Stage<'a> {
    node: Incarnation,
    peers: Vec<Option<Peer>>,
    records: &'a mut Vec<Record>,
    /// Which connection is meant.
    present: usize,
    named: Named,
}

impl Stage<'_> {
    async fn connect(&mut self) {
        if self.peers.len() < CONNECTIONS_MAX {
            self.present = self.peers.len();
            self.peers.push(Some(Peer::new(connect(NAME).await.expect("it listens"))));
            opt_out(|| self.records.push(Record::default()));
        }
    }

    async fn hear(&mut self) {
        for (peer, record) in self.peers.iter_mut().zip(&mut *self.records) {
            if let Some(peer) = peer {
                peer.hear(record).await;
            }
        }
    }

    async fn act(&mut self, input: &mut Input<'_>) {
        match input.byte() % 16 {
            0 => self.connect().await,
            1 => self.present = usize::from(input.byte()) % self.peers.len(),
            2 => {
                self.hear().await;
                self.peers[self.present] = None;
            }
            3 => sleep(input.pick(&WAITS)).await,
            4 => self.hear().await,
            5 => self.send(input.bytes()).await,
            6 => {
                let noise = [input.byte(); 1024];
                for _ in 0..input.byte() % 64 {
                    self.send(&noise).await;
                }
            }
            7 => self.send(&MAGIC).await,
            _ => {
                let frame = encoded(&self.frame(input));
                if self.records[self.present].sent.is_empty() {
                    self.send(&MAGIC).await;
                }
                // In one piece, in two, or the first of two only.
                let cut = input.byte();
                let (first, second) = frame.split_at(usize::from(cut / 2).min(frame.len()));
                match cut {
                    0 => self.send(&frame).await,
                    _ => {
                        self.send(first).await;
                        if cut.is_multiple_of(2) {
                            self.send(second).await;
                        }
                    }
                }
            }
        }
        settle().await;
    }

    async fn send(&mut self, bytes: &[u8]) {
        if let Some(peer) = &mut self.peers[self.present] {
            peer.send(bytes, &mut self.records[self.present]).await;
        }
    }

    /// The next thing to say: what a caller says, with parts of it wrong, or what no caller says.
    fn frame(&mut self, input: &mut Input<'_>) -> Frame {
        let kind = input.byte();
        match kind % 13 {
            0 => self.hello(input),
            1 => self.attach(input),
            2..5 => {
                let call = call(input);
                self.named.add(call.header.id);
                Frame::Call(call)
            }
            5 => Frame::Cancel { id: self.named.id(input), recorded: input.yes() },
            6 => Frame::Ack(self.named.id(input)),
            7 => Frame::Ping,
            8 => Frame::Describe,
            9..12 => of_stream(input, Way::Up, &mut self.named),
            _ if kind % 26 < 13 => Frame::Close,
            _ => Frame::Pong(CalleeTime(input.number())),
        }
    }

    fn hello(&self, input: &mut Input<'_>) -> Frame {
        let wrong = input.byte();
        let named = |bit: u8, name: &str| if wrong & bit == 0 { name.to_owned() } else { "other".to_owned() };
        Frame::Hello(Hello {
            incarnation: Incarnation::new(Uuid::from_u128((wrong >> 6).into())),
            owner: (wrong & 1 != 0).then(|| Owner::new(Uuid::from_u128(1))),
            interface: named(2, INTERFACE),
            instance: named(4, INSTANCE),
            expect: match wrong >> 3 & 3 {
                0 | 1 => None,
                2 => Some(self.node),
                _ => Some(Incarnation::new(Uuid::nil())),
            },
            slots: input.byte().into(),
            frame_bytes_max: if wrong & 32 == 0 { 1 << 20 } else { input.byte().into() },
        })
    }

    /// To a session that was opened before.
    fn attach(&self, input: &mut Input<'_>) -> Frame {
        let (which, wrong) = (input.byte(), input.byte());
        let mut opened = self.records.iter().filter_map(|record| match record.heard.first() {
            Some(Frame::Welcome(welcome)) => Some(welcome),
            _ => None,
        });
        let (session, token) = match opened.nth(usize::from(which) % CONNECTIONS_MAX) {
            Some(Welcome { session, token, .. }) => (*session, *token),
            None => (SessionId(which.into()), Token::new(Uuid::nil())),
        };
        Frame::Attach(Attach {
            incarnation: if wrong & 1 == 0 { self.node } else { Incarnation::new(Uuid::nil()) },
            session,
            token: if wrong & 2 == 0 { token } else { Token::new(Uuid::nil()) },
            number: AttachNumber(input.number()),
        })
    }
}

fn call(input: &mut Input<'_>) -> Call {
    let header = CallHeader {
        id: id(input),
        recorded: !input.byte().is_multiple_of(4),
        oneway: input.byte() % 4 == 3,
        start_before: match input.byte() {
            0 => CalleeTime::NEVER,
            tenths => CalleeTime(u64::from(tenths) * 100_000),
        },
        method: number_of(input.pick(&METHODS)),
    };
    Call { header, arguments: Bytes::copy_from_slice(input.bytes()) }
}

fn id(input: &mut Input<'_>) -> CallId {
    CallId { slot: Slot(input.byte().into()), sequence: Sequence(input.number()) }
}

/// A method's number on the wire.
fn number_of(method: &str) -> u32 {
    method.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
