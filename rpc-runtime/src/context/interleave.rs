use loom::thread;

use super::Context;
use crate::clock::Clock;
use crate::interleave::{block_on, every_order};
use crate::protocol::id::Incarnation;
use crate::protocol::time::Time;

fn context() -> Context {
    Context::new(Clock::start(), Time::NEVER, Incarnation::new(uuid::Uuid::nil()))
}

/// Who waits for a cancel hears of it, whenever it comes, and sees what was done before it.
#[test]
fn a_cancel_is_heard() {
    every_order(|| {
        let context = context();
        let waits = thread::spawn({
            let context = context.clone();
            move || {
                block_on(context.cancelled());
                assert!(context.is_cancelled());
            }
        });
        context.cancel();
        waits.join().expect("it has heard");
    });
}

/// Everybody who waits for it hears of it.
#[test]
fn a_cancel_is_heard_by_all() {
    every_order(|| {
        let context = context();
        let waits = [(); 2].map(|()| {
            let context = context.clone();
            thread::spawn(move || block_on(context.cancelled()))
        });
        context.cancel();
        waits.into_iter().for_each(|waits| waits.join().expect("it has heard"));
    });
}
