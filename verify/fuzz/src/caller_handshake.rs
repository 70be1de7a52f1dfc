//! A node's dialling side, and an exporter that says what it likes. The import and every call end in time, whatever comes.
//!
//! An input is a scene: the node dials, imports and calls; it is answered with frames and noise, or dropped, and dials
//! again; time goes by.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use allocation_counter::opt_out;
use bytes::Bytes;
use idl::Interface;
use rpc_runtime::fuzzing::Listener;
use rpc_runtime::protocol::control::{
    Attached, Fault, FaultKind, Goodbye, LastCall, NestedFault, Refusal, Refused, Reject, Rejection, Welcome,
};
use rpc_runtime::protocol::frame::{Answer, AnswerHeader, Frame, Status, Way};
use rpc_runtime::protocol::id::{CallId, Epoch, Incarnation, Sequence, SessionId, Slot, Token};
use rpc_runtime::protocol::stream::WINDOW_BYTES;
use rpc_runtime::protocol::time::CalleeTime;
use rpc_runtime::{CallError, Message, Node, Streaming, UserStub, interface};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::bounds::{allow, buffered, constant, memory};
use crate::input::Input;
use crate::peer::{Named, Peer, Record, STEPS_MAX, complete_ends, encoded, of_stream, play, settle};

const ADDRESS: &str = "memory://caller";
const NAME: &str = "caller";
/// Connections that are answered in one scene.
const CONNECTIONS_MAX: usize = 4;
/// Longer than an import takes: two attempts, each of which may dial and shake hands for five seconds.
const IMPORT_MAX: Duration = Duration::from_secs(30);
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// When a call has ended at the latest.
const CALL_MAX: Duration = Duration::from_secs(4);
/// The same of one that sends a stream, when that has ended: the deadline holds again from then on.
const SENDING_MAX: Duration = Duration::from_secs(8);
/// How long a stream is consumed.
const CONSUMED_FOR: Duration = Duration::from_secs(1);
/// Items of a stream that ends by itself: fewer than a window.
const ITEMS: u64 = 20;
/// What the streams of a round may take: windows of both directions, as items and as frames, twice while something grows.
const STREAMS_BYTES_MAX: u64 = 3 * 8 * WINDOW_BYTES as u64;
/// So many times all methods are called.
const ROUNDS: usize = 4;
const WAITS: [Duration; 6] = [
    Duration::from_millis(10),
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(20),
    Duration::from_secs(61),
];
const STATUSES: [Status; 9] = [
    Status::Value,
    Status::Error,
    Status::Fault,
    Status::Refused,
    Status::Working,
    Status::Stale,
    Status::SlotBusy,
    Status::ReplyLost,
    Status::Opened,
];

/// What is imported.
#[interface]
trait Store {
    async fn check_out(&self, customer: u64) -> Result<(String, u32), CallError>;
    #[rpc(idempotent)]
    async fn titles(&self, kind: Kind) -> Result<Vec<String>, CallError>;
    #[rpc(oneway)]
    async fn tell(&self, text: String) -> Result<(), CallError>;
    async fn watch(&self, customer: u64) -> Result<Streaming<Kind>, CallError>;
    async fn fill(&self, numbers: Streaming<u64>) -> Result<u64, CallError>;
    async fn chat(&self, texts: Streaming<String>) -> Result<Streaming<String>, CallError>;
}

/// So that the description has every kind of type.
#[derive(Debug, Clone, PartialEq, Message)]
enum Kind {
    Any,
    Of { shelf: Option<u16>, near: Vec<Shelf> },
}

/// An enum without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Message)]
enum Shelf {
    #[default]
    Left,
    Right,
}

/// The interface that is imported.
pub(crate) fn known_interface() -> &'static Interface {
    static KNOWN: LazyLock<Interface> = LazyLock::new(StoreClient::interface);
    &KNOWN
}

/// A scene of a session, on as many connections as a scene may have: what a node takes by itself.
const SET_UP: [u8; 36] = *b"\x08\x00\x00\x00\x00\x00\x00\x00\x00\x02\x08\x01\x00\x00\x00\x02\x08\x01\x00\x00\x00\x02\x08\x01\x00\x00\x00\x03\x04\x03\x04\x03\x04\x03\x04\x03";

/// One input.
pub fn run(bytes: &[u8]) {
    static SET_UP_BYTES: OnceLock<u64> = OnceLock::new();
    let set_up = SET_UP_BYTES.get_or_init(|| constant(|| play(scene(&SET_UP, &mut Vec::new()))));
    let mut records = Vec::new();
    let taken = memory(|| play(scene(bytes, &mut records)));
    allow(taken, set_up + STREAMS_BYTES_MAX + buffered(records.iter().map(|record| record.sent.len())));
}

async fn scene(bytes: &[u8], records: &mut Vec<Record>) {
    let listener = Listener::bind(NAME).expect("nobody else listens there");
    let node = Node::builder().start().await.expect("it listens nowhere");
    let calls = tokio::spawn(calls(node.clone()));
    let mut stage = Stage { listener, peers: Vec::new(), records, named: named() };
    let mut input = Input(bytes);
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        stage.accept().await;
        stage.act(&mut input).await;
    }
    drop(stage);
    let complete = calls.await.expect("every call ends in time");
    opt_out(|| {
        let ends = complete_ends(records);
        assert!(complete <= ends, "{complete} streams were taken for complete, and {ends} are");
    });
    node.shutdown(Duration::ZERO).await;
}

/// The calls that a node makes first.
fn named() -> Named {
    let mut named = Named::default();
    (0..8).for_each(|slot| named.add(CallId { slot: Slot(slot), sequence: Sequence(u64::from(slot) + 1) }));
    named
}

/// Imports, and calls a few times. Gives how many streams were said to be complete.
async fn calls(node: Node) -> usize {
    let begun = Instant::now();
    let store = node.import_at::<StoreClient>(ADDRESS, "one").timeout(CALL_TIMEOUT).wait(Duration::from_secs(2)).await;
    assert!(begun.elapsed() <= IMPORT_MAX, "an import takes {:?}", begun.elapsed());
    let Ok(store) = store else {
        return 0;
    };
    let mut complete = 0;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let near = vec![Shelf::Right];
        // Whatever they give: the exporter may say what it likes.
        let (watched, chatted, ..) = tokio::join!(
            timeout(CALL_MAX + CONSUMED_FOR, watch(&store)),
            // An exporter that takes up a stream may keep its caller waiting: one that opens none, or that goes away before the
            // stream has ended, until the session's lease ends.
            timeout(CALL_MAX, chat(&store)),
            timeout(SENDING_MAX, store.fill(Streaming::from_iter(0..ITEMS))),
            store.check_out(1),
            store.titles(Kind::Any),
            store.titles(Kind::Of { shelf: Some(2), near }),
            store.tell(String::new()),
        );
        assert!(begun.elapsed() <= SENDING_MAX, "a call takes {:?}", begun.elapsed());
        complete += watched.expect("it opens in time, or fails") + chatted.unwrap_or(0);
        sleep(Duration::from_millis(500)).await;
    }
    complete
}

/// Opens a stream, and consumes it for a while. Gives 1 if it is complete.
async fn watch(store: &StoreClient) -> usize {
    match store.watch(1).await {
        Ok(kinds) => consume(kinds).await,
        Err(_) => 0,
    }
}

/// The same of a stream that answers another, which has no end.
async fn chat(store: &StoreClient) -> usize {
    match store.chat(Streaming::from_iter((0..).map(|number: u64| number.to_string()))).await {
        Ok(texts) => consume(texts).await,
        Err(_) => 0,
    }
}

async fn consume<T>(mut items: Streaming<T>) -> usize {
    let ended = timeout(CONSUMED_FOR, async {
        loop {
            match items.next().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return 0,
                None => return 1,
            }
        }
    });
    ended.await.unwrap_or(0)
}

/// The connections of a scene; the latest one is meant.
struct Stage<'a> {
    listener: Listener,
    peers: Vec<Option<Peer>>,
    records: &'a mut Vec<Record>,
    named: Named,
}

impl Stage<'_> {
    /// Takes the connections that wait.
    async fn accept(&mut self) {
        while let Ok(accepted) = timeout(Duration::ZERO, self.listener.accept()).await {
            if self.peers.len() < CONNECTIONS_MAX {
                self.peers.push(Some(Peer::new(accepted.expect("the listener stands"))));
                opt_out(|| self.records.push(Record::default()));
            }
        }
    }

    async fn act(&mut self, input: &mut Input<'_>) {
        match input.byte() % 16 {
            0 => {}
            1 => {
                for (peer, record) in self.peers.iter_mut().zip(&mut *self.records) {
                    if let Some(peer) = peer {
                        peer.hear(record).await;
                    }
                }
            }
            2 => {
                if let Some(peer) = self.peers.last_mut() {
                    *peer = None;
                }
            }
            3 => sleep(input.pick(&WAITS)).await,
            4 => self.send(input.bytes()).await,
            5 => {
                let noise = [input.byte(); 1024];
                for _ in 0..input.byte() % 64 {
                    self.send(&noise).await;
                }
            }
            _ => {
                let frame = encoded(&frame(input, &mut self.named));
                // Whole, in two pieces, or the first of two only.
                let cut = input.byte();
                let (first, second) = frame.split_at(if cut == 0 { 0 } else { usize::from(cut / 2).min(frame.len()) });
                self.send(first).await;
                if cut.is_multiple_of(2) {
                    self.send(second).await;
                }
            }
        }
        settle().await;
    }

    async fn send(&mut self, bytes: &[u8]) {
        if let (Some(Some(peer)), Some(record)) = (self.peers.last_mut(), self.records.last_mut()) {
            peer.send(bytes, record).await;
        }
    }
}

/// The next thing to say: what an exporter says, with parts of it wrong, or what no exporter says.
fn frame(input: &mut Input<'_>, named: &mut Named) -> Frame {
    match input.byte() % 13 {
        0 => welcome(input),
        1 => Frame::Attached(Attached { clock: input.number() }),
        2 => reject(input),
        3..6 => answer(input, named),
        6 => Frame::Pong(CalleeTime(input.number())),
        7 => goodbye(input),
        8 => Frame::Description(description(input)),
        9..12 => of_stream(input, Way::Down, named),
        _ => Frame::Ping,
    }
}

fn welcome(input: &mut Input<'_>) -> Frame {
    let (which, wrong) = (input.byte(), input.byte());
    let fingerprint = known_interface().fingerprint().as_u128();
    Frame::Welcome(Welcome {
        incarnation: life(which),
        epoch: (wrong & 1 != 0).then(|| Epoch { registry: Uuid::nil(), number: which.into() }),
        session: SessionId(which.into()),
        token: Token::new(Uuid::nil()),
        slots: if wrong & 2 == 0 { 8 } else { input.number() as u16 },
        lease: if wrong & 4 == 0 { Duration::from_secs(60) } else { Duration::from_secs(input.number() >> 1) },
        frame_bytes_max: if wrong & 8 == 0 { 1 << 20 } else { input.byte().into() },
        clock: input.number(),
        fingerprint: Uuid::from_u128(if wrong & 16 == 0 { fingerprint } else { which.into() }),
    })
}

fn reject(input: &mut Input<'_>) -> Frame {
    let why = match input.byte() % 8 {
        0 => Rejection::WrongIncarnation { mine: life(input.byte()) },
        1 => Rejection::UnknownSession { running: input.yes() },
        2 => Rejection::Fenced,
        3 => Rejection::Superseded,
        4 => Rejection::NoSuchExport,
        5 => Rejection::Draining,
        6 => Rejection::Overload,
        _ => Rejection::Other,
    };
    Frame::Reject(Reject { why, text: String::from_utf8_lossy(input.bytes()).into_owned() })
}

fn answer(input: &mut Input<'_>, named: &Named) -> Frame {
    let status = input.pick(&STATUSES);
    let header =
        AnswerHeader { id: named.id(input), status, clock: CalleeTime(input.number()), slots: input.number() as u16 };
    let text = || "why".to_owned();
    let body = match (status, input.byte() % 4) {
        (Status::Fault, 1) => idl::to_vec(&Fault { kind: FaultKind::Failed, text: text(), nested: None }),
        (Status::Fault, 2) => {
            let nested = NestedFault { kind: "Overload".to_owned(), executed: input.byte().into(), text: text() };
            idl::to_vec(&Fault { kind: FaultKind::Nested, text: text(), nested: Some(nested) })
        }
        (Status::Refused, 1) => {
            let reasons = [Refusal::Draining, Refusal::Withdrawn, Refusal::Late, Refusal::Overload, Refusal::Cancelled];
            idl::to_vec(&Refused { why: input.pick(&reasons), text: text() })
        }
        (_, 3) => Ok(Vec::new()),
        _ => Ok(input.bytes().to_vec()),
    };
    Frame::Answer(Answer { header, body: body.expect("it is small").into() })
}

fn goodbye(input: &mut Input<'_>) -> Frame {
    let last = input.yes();
    let activities = (0..input.byte() % 8).map(|_| LastCall {
        slot: Slot(input.byte().into()),
        sequence: Sequence(input.number()),
        refused: input.yes(),
    });
    Frame::Goodbye(Goodbye { last, activities: activities.collect() })
}

/// The right description, with a part of it replaced, or anything.
fn description(input: &mut Input<'_>) -> Bytes {
    if input.yes() {
        return Bytes::copy_from_slice(input.bytes());
    }
    let mut bytes = known_interface().to_bytes().to_vec();
    let at = usize::from(input.byte()) * 4 % bytes.len();
    let end = (at + usize::from(input.byte()) % 16).min(bytes.len());
    bytes.splice(at..end, input.bytes().iter().copied());
    bytes.into()
}

/// One of a few incarnations.
fn life(which: u8) -> Incarnation {
    Incarnation::new(Uuid::from_u128(u128::from(which) % 4))
}
