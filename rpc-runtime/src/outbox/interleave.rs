use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::Arc;
use std::task::Poll;

use loom::thread;

use super::{Outbox, Sending};
use crate::interleave::{block_on, every_order, orders_with};

/// Bytes that wait when a model begins, and beyond which a call waits for room.
const WAITING: usize = 64;
const ROOM: usize = 32;

fn full() -> Arc<Outbox> {
    let outbox = Arc::new(Outbox::default());
    outbox.push(|frames| frames.put_raw(&[0; WAITING]));
    outbox
}

/// The connection task's writes: each takes what waits and sends a part of it.
fn send(outbox: &Outbox, parts: &[usize]) {
    let mut sending = Sending::default();
    for part in parts {
        outbox.take(&mut sending);
        sending.advance(*part);
    }
    outbox.take(&mut sending);
}

/// Who waits for room goes on when enough was sent, in however many writes.
#[test]
fn room_is_told() {
    for parts in [&[WAITING][..], &[ROOM], &[ROOM / 2, ROOM / 2]] {
        every_order(move || {
            let outbox = full();
            let waits = thread::spawn({
                let outbox = Arc::clone(&outbox);
                move || block_on(outbox.room(ROOM))
            });
            send(&outbox, parts);
            waits.join().expect("it goes on");
            assert!(outbox.bytes() <= ROOM);
        });
    }
}

/// Everybody who waits for room goes on, not only the first.
#[test]
fn room_is_told_to_all() {
    every_order(|| {
        let outbox = full();
        let waits = [(); 2].map(|()| {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || block_on(outbox.room(ROOM)))
        });
        send(&outbox, &[WAITING]);
        waits.into_iter().for_each(|waits| waits.join().expect("it goes on"));
    });
}

/// Nobody waits for room in a connection that is closing, or has ended.
#[test]
fn the_end_is_told() {
    for end in [Outbox::close, Outbox::end] {
        every_order(move || {
            let outbox = full();
            let waits = thread::spawn({
                let outbox = Arc::clone(&outbox);
                move || block_on(outbox.room(ROOM))
            });
            end(&outbox);
            waits.join().expect("it goes on");
        });
    }
}

/// What is pushed while the connection ends is sent or dropped, and never kept.
#[test]
fn nothing_is_kept_after_the_end() {
    every_order(|| {
        let outbox = Arc::new(Outbox::default());
        let pushes = thread::spawn({
            let outbox = Arc::clone(&outbox);
            move || outbox.push(|frames| frames.put_raw(&[0; WAITING]))
        });
        outbox.end();
        pushes.join().expect("it is done");
        assert_eq!((outbox.bytes(), outbox.pushes()), (0, 0));
    });
}

/// What has come to the socket, by whomever.
type Socket = Arc<std::sync::Mutex<Vec<u8>>>;

/// A connection whose callers may write, so many bytes at a time.
fn written_by_callers(bytes_max: usize) -> (Arc<Outbox>, Socket) {
    let (outbox, socket) = (Arc::new(Outbox::default()), Socket::default());
    outbox.write_by(Arc::new({
        let socket = Arc::clone(&socket);
        move |slices| {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let written = all.len().min(bytes_max);
            socket.lock().expect("nobody panics").extend(&all[..written]);
            Ok(written)
        }
    }));
    (outbox, socket)
}

/// The connection task: sends what waits until so many bytes have come to the socket.
fn send_until(outbox: &Outbox, socket: &Socket, bytes: usize) {
    let mut sending = Sending::default();
    block_on(poll_fn(|cx| {
        outbox.awake();
        loop {
            outbox.take(&mut sending);
            let mut slices = [IoSlice::new(&[]); 8];
            let used = sending.slices(&mut slices);
            let taken: Vec<u8> = slices[..used].iter().flat_map(|slice| slice.iter().copied()).collect();
            socket.lock().expect("nobody panics").extend(&taken);
            sending.advance(taken.len());
            if socket.lock().expect("nobody panics").len() >= bytes {
                return Poll::Ready(());
            }
            if taken.is_empty() && outbox.sleep(cx.waker(), &sending, false) {
                return Poll::Pending;
            }
        }
    }));
}

/// A caller that is alone, and has the connection task look once more afterwards.
fn writes_alone(outbox: &Arc<Outbox>, bytes: &'static [u8]) -> thread::JoinHandle<()> {
    let outbox = Arc::clone(outbox);
    thread::spawn(move || {
        outbox.append(|frames| frames.put_raw(bytes));
        outbox.flush();
        outbox.push(|_| ());
    })
}

/// What a caller writes by itself is written once, whole and in one piece, whether the connection task works or sleeps, and
/// whether or not all of it fits into the socket's buffer.
#[test]
fn a_caller_writes_by_itself() {
    for bytes_max in [2, 1, 0] {
        every_order(move || {
            let (outbox, socket) = written_by_callers(bytes_max);
            let writes = writes_alone(&outbox, b"ab");
            send_until(&outbox, &socket, 2);
            writes.join().expect("it has written");
            assert_eq!(*socket.lock().expect("nobody panics"), b"ab");
        });
    }
}

/// What others push meanwhile is sent too, and cuts nothing in two.
#[test]
fn what_is_pushed_while_a_caller_writes_is_sent() {
    for bytes_max in [2, 1] {
        orders_with(3, move || {
            let (outbox, socket) = written_by_callers(bytes_max);
            let writes = writes_alone(&outbox, b"ab");
            let pushes = thread::spawn({
                let outbox = Arc::clone(&outbox);
                move || outbox.push(|frames| frames.put_raw(b"cd"))
            });
            send_until(&outbox, &socket, 4);
            writes.join().expect("it has written");
            pushes.join().expect("it has pushed");
            let all = socket.lock().expect("nobody panics").clone();
            assert!(all == b"abcd" || all == b"cdab", "{all:?}");
        });
    }
}
