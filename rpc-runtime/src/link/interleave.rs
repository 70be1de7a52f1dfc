use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use idl::MethodKind;
use loom::thread;
use uuid::Uuid;

use super::*;
use crate::call::Outgoing;
use crate::interleave::{block_on, orders_with, sent};
use crate::outbox::{Outbox, Sending};
use crate::protocol::control::Welcome;
use crate::protocol::frame::{Answer, AnswerHeader, Status};
use crate::protocol::id::{CallId, SessionId, Token};
use crate::protocol::time::CalleeTime;

pub(crate) static METHOD: Method =
    Method { name: "Get", id: 1, kind: MethodKind::Plain, timeout: None, client_streams: false, server_streams: false };
/// Has less time.
pub(crate) static SOON: Method = Method { timeout: Some(Duration::from_millis(1)), ..METHOD };

/// A binding without a connection.
pub(crate) fn link() -> Arc<Link> {
    let limits = Limits { ping_after: Duration::MAX, ..Limits::default() };
    let timeout = limits.call_timeout;
    Arc::new(Link::new(Clock::start(), limits, timeout, false, false))
}

/// The exporter opens a session of so many slots.
fn connect(link: &Link, slots: u16) -> Arc<Outbox> {
    let outbox = Arc::default();
    connect_by(link, &outbox, slots);
    outbox
}

pub(crate) fn connect_by(link: &Link, outbox: &Arc<Outbox>, slots: u16) {
    let welcome = Welcome {
        incarnation: Incarnation::new(Uuid::nil()),
        epoch: None,
        session: SessionId(1),
        token: Token::new(Uuid::nil()),
        slots,
        lease: Duration::MAX,
        frame_bytes_max: 1024,
        clock: 0,
        fingerprint: Uuid::nil(),
    };
    assert!(link.welcomed(&welcome, "a", outbox));
}

/// Makes a call, as a stub does.
async fn call(link: &Link) -> Result<(), CallError> {
    call_of(link, &METHOD).await
}

pub(crate) async fn call_of(link: &Link, method: &'static Method) -> Result<(), CallError> {
    Outgoing::new(link, method).send().await
}

/// In a thread of its own.
fn calling(link: &Arc<Link>) -> thread::JoinHandle<Result<(), CallError>> {
    let link = Arc::clone(link);
    thread::spawn(move || block_on(call(&link)))
}

/// The connection task, with an exporter at the other end that answers each call. It ends when it sends a ping, or with the
/// connection.
async fn exporter(link: &Link, outbox: &Outbox) {
    let mut sending = Sending::default();
    poll_fn(|cx| {
        outbox.awake();
        loop {
            let frames = sent(outbox, &mut sending);
            for frame in &frames {
                match frame {
                    Frame::Call(call) => answer(link, call.header.id),
                    Frame::Ping => return Poll::Ready(()),
                    _ => {}
                }
            }
            if outbox.is_closing(&sending) {
                return Poll::Ready(());
            }
            if frames.is_empty() && outbox.sleep(cx.waker(), &sending, false) {
                return Poll::Pending;
            }
        }
    })
    .await;
}

fn answer(link: &Link, id: CallId) {
    let header = AnswerHeader { id, status: Status::Value, clock: CalleeTime(0), slots: u16::MAX };
    let (mut answers, mut answered) = (vec![Answer { header, body: Bytes::new() }], Vec::new());
    link.answers(&mut answers, Time::ZERO, &mut answered).expect("the two sides agree");
    answered.into_iter().for_each(Waker::wake);
}

fn said(error: &CallError) -> String {
    format!("{:?}: {}", error.kind(), error.executed())
}

/// Whether nothing is left of any call, and every slot is free.
fn is_idle(link: &Link) -> bool {
    let state = link.lock();
    let unresolved = state.session.as_ref().map_or(0, |session| session.calls.unresolved());
    state.calls.is_empty() && state.waiting.is_empty() && unresolved == 0
}

/// A call's result reaches who waits for it.
#[test]
fn a_result_is_heard() {
    orders_with(4, || {
        let link = link();
        let outbox = connect(&link, 1);
        let calls = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                assert_eq!(block_on(call(&link)), Ok(()));
                link.ping();
            }
        });
        block_on(exporter(&link, &outbox));
        calls.join().expect("it has its result");
        assert!(is_idle(&link));
    });
}

/// Of two calls and one slot, the second is sent when the first is answered.
#[test]
fn a_slot_is_handed_on() {
    orders_with(2, || {
        let link = link();
        let outbox = connect(&link, 1);
        let first = calling(&link);
        let second = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                assert_eq!(block_on(call(&link)), Ok(()));
                assert_eq!(first.join().expect("it has its result"), Ok(()));
                link.ping();
            }
        });
        block_on(exporter(&link, &outbox));
        second.join().expect("both have their results");
        assert!(is_idle(&link));
    });
}

/// A call that is dropped while its answer comes leaves nothing behind, and frees its slot.
#[test]
fn a_drop_crosses_the_answer() {
    orders_with(4, || {
        let link = link();
        let outbox = connect(&link, 1);
        let drops = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                {
                    let mut call = pin!(call(&link));
                    let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                }
                link.ping();
            }
        });
        block_on(exporter(&link, &outbox));
        drops.join().expect("it has dropped it");
        assert!(is_idle(&link));
    });
}

/// A deadline that passes while the answer comes: the caller has one of the two, and if it is the deadline, its receipt
/// says what the answer said.
#[test]
fn a_deadline_crosses_the_answer() {
    let passed = orders_with(3, || {
        let link = link();
        let outbox = connect(&link, 1);
        let calls = calling(&link);
        let clock = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                link.tick(Time::NEVER);
                let result = calls.join().expect("it has its result");
                link.ping();
                result
            }
        });
        block_on(exporter(&link, &outbox));
        let result = clock.join().expect("it has ticked");
        if let Err(error) = &result {
            assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
            let receipt = error.receipt().expect("it was sent");
            assert_eq!(receipt.verdict(), Some(Executed::Completed));
            assert_eq!(block_on(receipt.settled()), Executed::Completed);
        }
        assert!(is_idle(&link));
        result.is_err()
    });
    assert_eq!(passed, BTreeSet::from([false, true]));
}

/// A session that ends while a call is made: what was sent is lost with it; what was not waits for the next session, which
/// the binding's end cuts short.
#[test]
fn the_end_of_a_session_crosses_a_call() {
    let ended = orders_with(3, || {
        let link = link();
        connect(&link, 1);
        let calls = calling(&link);
        let ends = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                link.end_session(&CallError::new(ErrorKind::SessionLost, MAY_STILL_RUN, "a model's end"));
                link.close();
            }
        });
        ends.join().expect("it has ended the session");
        let error = calls.join().expect("it has its result").expect_err("nobody answers");
        assert!(is_idle(&link));
        said(&error)
    });
    assert_eq!(ended, ["SessionLost: may have run and may still run", "Shutdown: never ran"].map(String::from).into());
}

/// A binding that ends while a call is made and answered: the caller hears of one or the other.
#[test]
fn the_end_of_a_binding_crosses_a_call() {
    let ended = orders_with(3, || {
        let link = link();
        let outbox = connect(&link, 1);
        let calls = calling(&link);
        let ends = thread::spawn({
            let link = Arc::clone(&link);
            move || link.close()
        });
        block_on(exporter(&link, &outbox));
        ends.join().expect("it has ended the binding");
        let result = calls.join().expect("it has its result");
        assert!(is_idle(&link));
        result.map_or_else(|error| said(&error), |()| "a reply".to_owned())
    });
    let outcomes = ["Shutdown: may have run and may still run", "Shutdown: never ran", "a reply"];
    assert_eq!(ended, outcomes.map(String::from).into());
}

/// A task without a connection hears of a call's deadline, though it looked before the call was made.
#[test]
fn a_deadline_is_heard_without_a_connection() {
    orders_with(4, || {
        let link = link();
        let calls = calling(&link);
        block_on(async {
            while link.tick_at() == Time::NEVER {
                link.woken().await;
            }
        });
        link.close();
        assert_eq!(calls.join().expect("it has its result").expect_err("nobody answered").kind(), ErrorKind::Shutdown);
    });
}

/// The end of a binding is heard without a connection.
#[test]
fn the_end_is_heard_without_a_connection() {
    orders_with(4, || {
        let link = link();
        let ends = thread::spawn({
            let link = Arc::clone(&link);
            move || link.close()
        });
        block_on(async {
            while !link.is_closed() {
                link.woken().await;
            }
        });
        ends.join().expect("it has ended it");
    });
}

/// A call that is made while a connection comes is sent on it.
#[test]
fn a_call_is_sent_on_the_connection_that_comes() {
    orders_with(3, || {
        let link = link();
        let calls = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                assert_eq!(block_on(call(&link)), Ok(()));
                link.close();
            }
        });
        let outbox = connect(&link, 1);
        block_on(exporter(&link, &outbox));
        calls.join().expect("it has its result");
    });
}

/// A call that is made while the session moves to another connection is sent on one of the two or both, and answered.
#[test]
fn a_call_is_sent_again_on_the_next_connection() {
    orders_with(3, || {
        let link = link();
        let lost = connect(&link, 1);
        let calls = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                assert_eq!(block_on(call(&link)), Ok(()));
                link.close();
            }
        });
        link.detached(CallError::never(ErrorKind::Unreachable, "a model's loss"));
        lost.end();
        let outbox = Arc::default();
        link.next_attach().expect("there is a session");
        link.attached(0, &outbox);
        block_on(exporter(&link, &outbox));
        calls.join().expect("it has its result");
    });
}
