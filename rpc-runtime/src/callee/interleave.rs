use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use idl::MethodKind;
use loom::thread;
use uuid::Uuid;

use super::*;
use crate::binding::Binding;
use crate::context::Context;
use crate::error::CallError;
use crate::exported::{Exported, Offer};
use crate::handler::Incoming;
use crate::interface::{Method, ServerStub, UserStub};
use crate::interleave::{block_on, every_order, orders_with, sent};
use crate::limits::Limits;
use crate::outbox::Sending;
use crate::protocol::control::{Attach, Hello, Welcome};
use crate::protocol::frame::{CallHeader, Status};
use crate::protocol::id::{AttachNumber, CallId, Incarnation, Sequence, Slot};
use crate::protocol::time::CalleeTime;

/// Is ready at once.
static QUICK: Method = Method {
    name: "Quick",
    id: 1,
    kind: MethodKind::Plain,
    timeout: None,
    client_streams: false,
    server_streams: false,
};
/// Is ready when it is polled again.
static LATER: Method = Method {
    name: "Later",
    id: 2,
    kind: MethodKind::Plain,
    timeout: None,
    client_streams: false,
    server_streams: false,
};
/// Is ready when it is cancelled.
static PATIENT: Method = Method {
    name: "Patient",
    id: 3,
    kind: MethodKind::Plain,
    timeout: None,
    client_streams: false,
    server_streams: false,
};
/// The same, and may run twice.
static AGAIN: Method = Method {
    name: "Again",
    id: 4,
    kind: MethodKind::Idempotent,
    timeout: None,
    client_streams: false,
    server_streams: false,
};

/// Counts what it runs.
struct Stub(Arc<AtomicUsize>);

impl ServerStub for Stub {
    type Client = Client;

    fn method(id: u32) -> Option<&'static Method> {
        [&QUICK, &LATER, &PATIENT, &AGAIN].into_iter().find(|method| method.id == id)
    }

    fn call(&self, incoming: &mut Incoming<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        let method = incoming.method();
        incoming.run(async move {
            if method == LATER.id {
                let mut polled = false;
                poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            } else if method != QUICK.id {
                Context::current().expect("it is a call").cancelled().await;
            }
            Ok::<(), CallError>(())
        });
    }
}

#[derive(Clone)]
struct Client;

impl UserStub for Client {
    fn interface() -> idl::Interface {
        static INTERFACE: OnceLock<idl::Interface> = OnceLock::new();
        INTERFACE.get_or_init(|| idl::Interface::build("model", "Work", "").finish()).clone()
    }

    fn from_binding(_binding: Binding) -> Client {
        Client
    }

    fn as_binding(&self) -> &Binding {
        unreachable!("nobody calls it")
    }
}

/// An exporter, and what it has run.
struct Node {
    server: Arc<Server>,
    runs: Arc<AtomicUsize>,
}

impl Node {
    fn new() -> Node {
        let limits = Limits { slots_max: 2, ..Limits::default() };
        let server = Arc::new(Server::new(Incarnation::new(Uuid::nil()), Clock::start(), limits));
        let runs = Arc::default();
        server.add_export(&Arc::new(Exported::new("a".to_owned(), Offer::new(Stub(Arc::clone(&runs))))));
        Node { server, runs }
    }

    /// A connection that has said this.
    fn accept(&self, first: Frame) -> Peer {
        let admitted = self.server.admit(None).expect("there is room");
        let outbox = Arc::default();
        let callee = Callee::new(&self.server, &admitted, &outbox, Time::NEVER);
        let mut peer = Peer { callee, outbox, _admitted: admitted };
        let _ = peer.say(first);
        peer
    }

    /// A connection with a session of its own.
    fn open(&self) -> (Peer, Welcome) {
        let peer = self.accept(Frame::Hello(Hello {
            incarnation: Incarnation::new(Uuid::nil()),
            owner: None,
            interface: Client::interface().name(),
            instance: "a".to_owned(),
            expect: None,
            slots: 2,
            frame_bytes_max: 1024,
        }));
        match peer.heard().pop() {
            Some(Frame::Welcome(welcome)) => (peer, welcome),
            other => panic!("{other:?} is no welcome"),
        }
    }

    /// Another connection of that session.
    fn attach(&self, welcome: &Welcome) -> Peer {
        let Welcome { incarnation, session, token, .. } = *welcome;
        self.accept(Frame::Attach(Attach { incarnation, session, token, number: AttachNumber(1) }))
    }

    /// Waits, as a node that shuts down does, until nothing runs.
    fn idle(&self) {
        block_on(async {
            loop {
                let ended = self.server.next_end();
                if !self.server.is_busy() {
                    return;
                }
                ended.await;
            }
        });
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    /// Forgets the session, which has ended; nothing that it held is left.
    fn forget(&self) {
        self.server.sweep(Time::NEVER);
        assert_eq!(self.server.budget.used(), 0);
    }
}

/// One connection's task, and the caller at its other end.
struct Peer {
    callee: Callee,
    outbox: Arc<Outbox>,
    _admitted: Admitted,
}

impl Peer {
    /// A frame of the caller's arrives.
    fn say(&mut self, frame: Frame) -> ControlFlow<String> {
        let flow = self.callee.frame(frame, Time::ZERO, false);
        assert!(self.callee.handled(Time::ZERO).is_continue());
        assert!(self.callee.permit.is_none(), "it would be kept from all others");
        flow
    }

    /// Two frames arrive together. Whether the connection goes on after them is for the test to say.
    fn say_both(&mut self, frames: [Frame; 2]) {
        let [first, second] = frames;
        if self.callee.frame(first, Time::ZERO, true).is_continue() {
            let _ = self.callee.frame(second, Time::ZERO, false);
        }
        assert!(self.callee.handled(Time::ZERO).is_continue());
    }

    fn call(&mut self, id: CallId, method: &Method) {
        assert!(self.say(call(id, method)).is_continue());
    }

    /// The connection is lost.
    fn lose(&self) {
        if let Some(served) = &self.callee.served {
            served.detach(self.callee.connection);
        }
        self.outbox.end();
    }

    /// The frames that have come to the caller.
    fn heard(&self) -> Vec<Frame> {
        sent(&self.outbox, &mut Sending::default())
    }
}

fn call(id: CallId, method: &Method) -> Frame {
    let recorded = method.kind == MethodKind::Plain;
    let header = CallHeader { id, recorded, oneway: false, start_before: CalleeTime::NEVER, method: method.id };
    Frame::Call(Call { header, arguments: Bytes::new() })
}

/// A slot's first call.
fn first(slot: u16) -> CallId {
    CallId { slot: Slot(slot), sequence: Sequence(1) }
}

/// What was answered, in its order.
fn answers(frames: &[Frame]) -> Vec<u8> {
    let answers = frames.iter().filter_map(|frame| match frame {
        Frame::Answer(answer) => Some(answer.header.status as u8),
        _ => None,
    });
    answers.collect()
}

/// A result comes while the session moves to another connection and the call is sent again on it: it is heard there, or
/// was on the old one, before; and the call runs once (R26, R28).
#[test]
fn a_result_crosses_an_attach() {
    let heard = every_order(|| {
        let node = Node::new();
        let (mut old, welcome) = node.open();
        old.call(first(0), &LATER);
        let mut new = node.attach(&welcome);
        new.call(first(0), &LATER);
        node.idle();
        assert_eq!(node.runs(), 1);
        let frames = new.heard();
        assert!(matches!(frames.first(), Some(Frame::Attached(_))), "{frames:?}: nothing comes before it");
        let _ = new.say(Frame::Close);
        node.forget();
        answers(&frames)
    });
    // It came before the attach, after the second copy, and between the two.
    let [value, working] = [Status::Value, Status::Working].map(|status| status as u8);
    assert_eq!(heard, BTreeSet::from([vec![value], vec![working, value], vec![value, value]]));
}

/// The same of results that are to be sent together.
#[test]
fn results_that_go_together_cross_an_attach() {
    orders_with(2, || {
        let node = Node::new();
        let (mut old, welcome) = node.open();
        let arrives = thread::spawn(move || {
            old.say_both([call(first(0), &QUICK), call(first(1), &QUICK)]);
            old
        });
        let mut new = node.attach(&welcome);
        new.call(first(0), &QUICK);
        new.call(first(1), &QUICK);
        let old = arrives.join().expect("all has arrived");
        assert_eq!(node.runs(), 2);
        let frames = new.heard();
        for slot in 0..2 {
            let answered = frames.iter().rev().find_map(|frame| match frame {
                Frame::Answer(answer) if answer.header.id == first(slot) => Some(answer.header.status),
                _ => None,
            });
            assert_eq!(answered, Some(Status::Value), "{frames:?}");
        }
        drop(old);
        let _ = new.say(Frame::Close);
        node.forget();
    });
}

/// The same where the old connection is found lost meanwhile, which must not unbind the new one.
#[test]
fn a_loss_crosses_an_attach_and_a_result() {
    orders_with(3, || {
        let node = Node::new();
        let (mut old, welcome) = node.open();
        old.call(first(0), &LATER);
        let loses = thread::spawn(move || {
            old.lose();
            old
        });
        let mut new = node.attach(&welcome);
        new.call(first(0), &LATER);
        node.idle();
        assert_eq!(answers(&new.heard()).pop(), Some(Status::Value as u8));
        assert_eq!(node.runs(), 1);
        loses.join().expect("it is lost");
        let _ = new.say(Frame::Close);
        node.forget();
    });
}

/// A cancel comes while a queued call gets its turn and runs: it never starts, or its handler hears of the cancel (R16).
#[test]
fn a_cancel_crosses_a_start() {
    let runs = orders_with(3, || {
        let node = Node::new();
        let (mut peer, _welcome) = node.open();
        queue(&node, &mut peer, &PATIENT);
        assert!(peer.say(Frame::Cancel { id: first(0), recorded: true }).is_continue());
        node.idle();
        let answered = if node.runs() == 0 { Status::Refused } else { Status::Value };
        assert_eq!(answers(&peer.heard()), [answered as u8]);
        let _ = peer.say(Frame::Close);
        node.forget();
        node.runs()
    });
    assert_eq!(runs, BTreeSet::from([0, 1]));
}

/// A session ends while a queued call gets its turn and runs: it never starts, or its handler hears of the end (R4).
#[test]
fn the_end_of_a_session_crosses_a_start() {
    let runs = orders_with(3, || {
        let node = Node::new();
        let (mut peer, _welcome) = node.open();
        queue(&node, &mut peer, &PATIENT);
        assert!(peer.say(Frame::Close).is_break());
        node.idle();
        assert!(answers(&peer.heard()).is_empty());
        node.forget();
        node.runs()
    });
    assert_eq!(runs, BTreeSet::from([0, 1]));
}

/// A node that cannot wait drops its handlers while one of them starts: it is dropped, whether it had a task or not, and
/// its caller is told (R7).
#[test]
fn an_abort_crosses_a_start() {
    orders_with(3, || {
        let node = Node::new();
        let (mut peer, _welcome) = node.open();
        queue(&node, &mut peer, &PATIENT);
        node.server.abort();
        node.idle();
        assert_eq!(answers(&peer.heard()), [Status::Fault as u8]);
        let _ = peer.say(Frame::Close);
        node.forget();
    });
}

/// A node shuts down while calls arrive: the final goodbye tells of every run, and nothing runs after it (R31).
#[test]
fn the_farewell_crosses_a_start() {
    let runs = orders_with(3, || {
        let node = Node::new();
        let (mut peer, _welcome) = node.open();
        let outbox = Arc::clone(&peer.outbox);
        let arrives = thread::spawn(move || {
            peer.say_both([call(first(0), &QUICK), call(first(1), &QUICK)]);
            peer
        });
        node.server.drain();
        node.idle();
        node.server.farewell();
        let ran_before = node.runs();
        let peer = arrives.join().expect("all has arrived");
        assert_eq!(node.runs(), ran_before);
        let frames = sent(&outbox, &mut Sending::default());
        let Some(Frame::Goodbye(goodbye)) = frames.last() else {
            panic!("{frames:?} do not end with a goodbye");
        };
        assert!(goodbye.last);
        assert_eq!(goodbye.activities.iter().filter(|call| !call.refused).count(), node.runs());
        drop(peer);
        node.forget();
        node.runs()
    });
    assert_eq!(runs, BTreeSet::from([0, 1, 2]));
}

/// A detached session's lease runs out while its caller attaches it: it is attached and lives, or it is over.
#[test]
fn the_end_of_a_lease_crosses_an_attach() {
    let attached = every_order(|| {
        let node = Node::new();
        let (old, welcome) = node.open();
        old.lose();
        let late = Time::ZERO + Duration::from_secs(3600);
        let sweeps = thread::spawn({
            let server = Arc::clone(&node.server);
            move || server.sweep(late)
        });
        let admitted = node.server.admit(None).expect("there is room");
        let outbox = Arc::default();
        let callee = Callee::new(&node.server, &admitted, &outbox, Time::NEVER);
        let mut new = Peer { callee, outbox, _admitted: admitted };
        let Welcome { incarnation, session, token, .. } = welcome;
        let attach = Attach { incarnation, session, token, number: AttachNumber(1) };
        let flow = new.callee.frame(Frame::Attach(attach), late, false);
        sweeps.join().expect("it has swept");
        if flow.is_continue() {
            new.call(first(0), &QUICK);
            assert_eq!(answers(&new.heard()), [Status::Value as u8]);
            let _ = new.say(Frame::Close);
        }
        node.forget();
        flow.is_continue()
    });
    assert_eq!(attached, BTreeSet::from([false, true]));
}

/// A call without a record runs twice at once, since its connection was lost: the end of the session reaches both.
#[test]
fn the_end_of_a_session_reaches_both_runs_of_a_call() {
    orders_with(2, || {
        let node = Node::new();
        let (mut old, welcome) = node.open();
        old.call(first(0), &AGAIN);
        let mut new = node.attach(&welcome);
        new.call(first(0), &AGAIN);
        let _ = new.say(Frame::Close);
        node.idle();
        assert_eq!(node.runs(), 2);
        node.forget();
    });
}

/// The call waits for its turn, which it may take from now on.
fn queue(node: &Node, peer: &mut Peer, method: &Method) {
    let handlers = &node.server.handlers;
    let permits = Arc::clone(handlers).try_acquire_many_owned(handlers.available_permits() as u32);
    peer.call(first(0), method);
    drop(permits);
}
