use std::sync::Arc;

use loom::thread;

use super::{Outbox, Sending};
use crate::interleave::{block_on, every_order};

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
