use std::future::Future;
use std::pin::pin;
use std::task::Waker;

use loom::thread;
use tokio::io::{AsyncRead, DuplexStream, ReadBuf, duplex};

use super::*;
use crate::caller::Caller;
use crate::interleave::{block_on, every_order, orders_with};
use crate::link::interleave::{METHOD, SOON, call_of, connect_by, link};
use crate::outbox::Frames;

/// A role that waits for nothing.
struct Idle;

impl Role for Idle {
    fn frame(&mut self, _frame: Frame, _now: Time, _is_followed: bool) -> ControlFlow<String> {
        ControlFlow::Continue(())
    }

    fn tick(&mut self, _now: Time) -> ControlFlow<String> {
        ControlFlow::Continue(())
    }

    fn wake_at(&self) -> Time {
        Time::NEVER
    }

    fn frame_bytes_max(&self) -> usize {
        1024
    }
}

/// A connection, and the peer's end of it.
fn connected() -> (Connection, DuplexStream) {
    let (ours, theirs) = duplex(1024);
    (Connection::new(Stream::Memory(ours), Clock::start(), Duration::MAX), theirs)
}

/// A thread that pushes these bytes one by one, and then may close the connection.
fn pushing(outbox: &Arc<Outbox>, bytes: &'static [u8], then: fn(&Outbox)) -> thread::JoinHandle<()> {
    let outbox = Arc::clone(outbox);
    thread::spawn(move || {
        for byte in bytes {
            outbox.push(|frames: &mut Frames| frames.put_raw(&[*byte]));
        }
        then(&outbox);
    })
}

/// What has come to the peer.
fn received(peer: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = [0; 64];
    let mut buffer = ReadBuf::new(&mut bytes);
    let mut cx = Context::from_waker(Waker::noop());
    let _ = Pin::new(peer).poll_read(&mut cx, &mut buffer);
    buffer.filled().to_vec()
}

/// Runs the connection until so many bytes have come to its peer. If it sleeps while some wait, it sleeps for ever.
fn run_until(connection: &mut Connection, peer: &mut DuplexStream, bytes: usize) -> Vec<u8> {
    let mut all = Vec::new();
    block_on(poll_fn(|cx| {
        let mut idle = Idle;
        if let Poll::Ready(ended) = pin!(connection.run(&mut idle)).poll(cx) {
            panic!("it ended: {ended}");
        }
        all.extend(received(peer));
        if all.len() < bytes { Poll::Pending } else { Poll::Ready(()) }
    }));
    all
}

/// What one task pushes is sent, in its order.
#[test]
fn what_one_pushes_is_sent() {
    every_order(|| {
        let (mut connection, mut peer) = connected();
        let pushes = pushing(connection.outbox(), b"ab", |_| ());
        assert_eq!(run_until(&mut connection, &mut peer, 2), b"ab");
        pushes.join().expect("it has pushed");
    });
}

/// What two tasks push at once is sent.
#[test]
fn what_two_push_is_sent() {
    orders_with(3, || {
        let (mut connection, mut peer) = connected();
        let pushes = [pushing(connection.outbox(), b"a", |_| ()), pushing(connection.outbox(), b"b", |_| ())];
        let mut all = run_until(&mut connection, &mut peer, 2);
        all.sort_unstable();
        assert_eq!(all, b"ab");
        pushes.into_iter().for_each(|pushes| pushes.join().expect("it has pushed"));
    });
}

/// A connection that is closed ends, after it has sent what was pushed before.
#[test]
fn a_close_is_heard_after_what_was_pushed() {
    orders_with(3, || {
        let (mut connection, mut peer) = connected();
        let closes = pushing(connection.outbox(), b"a", Outbox::close);
        let pushes = pushing(connection.outbox(), b"b", |_| ());
        let ended = block_on(connection.run(&mut Idle));
        assert!(matches!(ended, Ended::ByUs(_)), "{ended}");
        assert!(received(&mut peer).contains(&b'a'));
        closes.join().expect("it has closed");
        pushes.join().expect("it has pushed");
    });
}

/// A connection that cannot write sleeps, and does not spin; when it can, it sends what was pushed meanwhile.
#[test]
fn what_is_pushed_while_the_peer_does_not_read_is_sent() {
    every_order(|| {
        let (ours, mut peer) = duplex(1);
        let mut connection = Connection::new(Stream::Memory(ours), Clock::start(), Duration::MAX);
        let pushes = pushing(connection.outbox(), b"abc", |_| ());
        assert_eq!(run_until(&mut connection, &mut peer, 3), b"abc");
        pushes.join().expect("it has pushed");
    });
}

/// A call that waits for a slot, and has less time than any before, is heard by the connection's task, which sets its timer,
/// whether the call is made while the task works or while it sleeps.
#[test]
fn a_deadline_sets_the_timer() {
    orders_with(4, || {
        let link = link();
        let (mut connection, _peer) = connected();
        connect_by(&link, connection.outbox(), 1);
        let mut sent = pin!(call_of(&link, &METHOD));
        assert!(sent.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let later = connection.rest_at.min(link.tick_at());
        let waits = thread::spawn({
            let link = Arc::clone(&link);
            move || block_on(call_of(&link, &SOON))
        });
        let mut role = Caller::new(Arc::clone(&link), Time::ZERO);
        block_on(poll_fn(|cx| {
            if let Poll::Ready(ended) = pin!(connection.run(&mut role)).poll(cx) {
                panic!("it ended: {ended}");
            }
            if connection.timer_at != Time::ZERO && connection.timer_at < later {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        link.close();
        assert!(waits.join().expect("it has its result").is_err());
    });
}
