use std::collections::VecDeque;

use fastrand::Rng;

use super::*;

const HALF: usize = WINDOW_BYTES / 2;

fn position(received: u64, consumed: u64) -> Position {
    Position { received, consumed }
}

/// A sender that has given away so many items of one byte.
fn sender(items: u64) -> Sending<u64> {
    let mut sending = Sending::new(true);
    for item in 1..=items {
        sending.push(item, 1, false);
        assert_eq!(sending.send(), Some((item, &item)));
    }
    sending
}

/// R36: nothing is asked of the producer while a window's worth is under way, and an acknowledgement makes room.
#[test]
fn a_full_window_stops_the_producer() {
    let mut sending = Sending::new(true);
    assert!(sending.has_room());
    sending.push("a", HALF, false);
    assert!(sending.has_room());
    sending.push("b", HALF, false);
    assert!(!sending.has_room());
    assert_eq!(sending.send(), Some((1, &"a")));
    assert_eq!(sending.send(), Some((2, &"b")));
    assert_eq!(sending.send(), None);
    assert_eq!(sending.acknowledge(position(2, 0)), Ok(false));
    assert!(!sending.has_room());
    assert_eq!(sending.acknowledge(position(2, 1)), Ok(true));
    assert!(sending.has_room());
}

/// R36: an item of any size may go when nothing else is under way, and the end may always.
#[test]
fn a_large_item_goes_alone() {
    let mut sending = Sending::new(true);
    sending.push("large", 3 * WINDOW_BYTES, false);
    assert!(!sending.has_room());
    sending.push("end", 0, true);
    let mut receiving = Receiving::default();
    while let Some((number, body)) = sending.send() {
        let is_end = *body == "end";
        assert_eq!(receiving.item(number, *body, 3 * WINDOW_BYTES, is_end), Ok(true));
    }
    assert_eq!((receiving.take(), receiving.take(), receiving.take()), (Some("large"), Some("end"), None));
}

/// R37: what was consumed is acknowledged in small steps where the consumer waits, at once where the stream is over, and
/// otherwise in larger steps.
#[test]
fn consumption_is_acknowledged() {
    let mut receiving = Receiving::default();
    for (number, bytes) in [(1, IDLE_ACK_BYTES), (2, 1), (3, 1)] {
        receiving.item(number, number, bytes, false).expect("in order");
    }
    assert_eq!(receiving.due_acknowledgement(true), None);
    assert_eq!(receiving.take(), Some(1));
    assert_eq!(receiving.due_acknowledgement(false), None);
    assert_eq!(receiving.due_acknowledgement(true), Some(position(3, 1)));
    assert_eq!(receiving.due_acknowledgement(true), None);
    receiving.item(4, 4, ACK_BYTES, false).expect("in order");
    while receiving.take().is_some() {}
    assert_eq!(receiving.due_acknowledgement(false), Some(position(4, 4)));
    receiving.item(5, 5, 0, true).expect("the end");
    assert_eq!(receiving.due_acknowledgement(true), None);
    assert_eq!(receiving.take(), Some(5));
    assert_eq!(receiving.due_acknowledgement(false), Some(position(5, 5)));
}

/// R38: after a lost connection nothing is sent before the receiver has said how far it has come, and then what it
/// misses.
#[test]
fn a_lost_connection_goes_on_behind_what_came() {
    let mut sending = sender(5);
    sending.detach();
    assert!(!sending.has_room());
    assert_eq!(sending.send(), None);
    assert_eq!(sending.acknowledge(position(3, 1)), Ok(true));
    assert!(sending.has_room());
    let rest: Vec<u64> = std::iter::from_fn(|| sending.send().map(|(number, _)| number)).collect();
    assert_eq!(rest, [4, 5]);
}

/// R38: what came before is dropped when it comes again.
#[test]
fn an_item_is_taken_once() {
    let mut receiving = Receiving::default();
    assert_eq!(receiving.item(1, "a", 1, false), Ok(true));
    assert_eq!(receiving.item(1, "a", 1, false), Ok(false));
    assert_eq!((receiving.take(), receiving.take()), (Some("a"), None));
}

/// A peer that leaves out an item, goes on after the end, or sends more than was asked for is found out.
#[test]
fn a_peer_that_breaks_the_rules_is_found_out() {
    let mut receiving = Receiving::default();
    assert_eq!(receiving.item(2, (), 1, false), Err(Violation::Gap));
    assert_eq!(receiving.item(1, (), WINDOW_BYTES, false), Ok(true));
    assert_eq!(receiving.item(2, (), 1, false), Err(Violation::Credit));
    // Consumed and not acknowledged: the peer cannot know.
    receiving.take();
    assert_eq!(receiving.item(2, (), 1, false), Err(Violation::Credit));
    assert!(receiving.due_acknowledgement(false).is_some());
    assert_eq!(receiving.item(2, (), 1, true), Ok(true));
    assert_eq!(receiving.item(3, (), 1, false), Err(Violation::AfterEnd));
}

/// Acknowledgements of what was not sent, or that go back, are no acknowledgements.
#[test]
fn an_impossible_acknowledgement_is_found_out() {
    let mut sending = sender(3);
    for wrong in [position(4, 0), position(1, 2), position(4, 4), position(u64::MAX, u64::MAX)] {
        assert_eq!(sending.clone().acknowledge(wrong), Err(Violation::Acknowledgement), "{wrong:?}");
    }
    sending.acknowledge(position(3, 2)).expect("it was sent");
    assert_eq!(sending.acknowledge(position(3, 1)), Err(Violation::Acknowledgement));
}

/// R39: who has lost interest keeps nothing, and drops what is still under way.
#[test]
fn a_stopped_receiver_keeps_nothing() {
    let mut receiving = Receiving::default();
    receiving.item(1, (), 1, false).expect("in order");
    receiving.stop();
    assert_eq!(receiving.take(), None);
    for number in 2..20 {
        assert_eq!(receiving.item(number, (), WINDOW_BYTES, false), Ok(false));
    }
}

/// A stream is done when its end was acknowledged.
#[test]
fn a_stream_is_done_with_its_end() {
    let mut sending = sender(1);
    sending.acknowledge(position(1, 1)).expect("it was sent");
    assert!(!sending.is_done());
    sending.push(2, 0, true);
    assert!(!sending.is_done() && !sending.has_room());
    sending.send();
    sending.acknowledge(position(2, 2)).expect("it was sent");
    assert!(sending.is_done());
}

const SEEDS: u64 = 3_000;
const ITEMS: u64 = 60;

/// A producer, a consumer, and a connection that loses what is under way, and says things twice.
struct Walk {
    rng: Rng,
    sending: Sending<u64>,
    receiving: Receiving<u64>,
    items: VecDeque<(u64, u64)>,
    positions: VecDeque<Position>,
    produced: u64,
    consumed: u64,
}

/// R36, R37, R38: whatever becomes of its connections, a stream delivers each item once and in order, and its end after
/// the last; and never more than a window and an item is under way.
#[test]
fn no_walk_loses_an_item() {
    for seed in 0..SEEDS {
        let mut walk = Walk::new(seed);
        for _ in 0..400 {
            walk.step();
        }
        walk.finish(seed);
    }
}

impl Walk {
    fn new(seed: u64) -> Walk {
        let rng = Rng::with_seed(seed);
        Walk {
            sending: Sending::new(seed.is_multiple_of(2)),
            receiving: Receiving::default(),
            items: VecDeque::new(),
            // What a caller's stream waits for.
            positions: VecDeque::from([position(0, 0)]),
            produced: 0,
            consumed: 0,
            rng,
        }
    }

    /// How much an item counts: so that a window is a few of them.
    fn bytes(item: u64) -> usize {
        (item as usize * 37_003) % (WINDOW_BYTES / 2)
    }

    fn step(&mut self) {
        match self.rng.u8(0..12) {
            0..4 => self.produce(),
            4..7 => self.deliver_item(),
            7..9 => self.consume(),
            9 | 10 => self.deliver_position(),
            _ => self.lose_connection(),
        }
    }

    fn produce(&mut self) {
        if self.produced <= ITEMS && self.sending.has_room() {
            self.produced += 1;
            self.sending.push(self.produced, Self::bytes(self.produced), self.produced > ITEMS);
        }
        self.send();
    }

    fn send(&mut self) {
        while let Some((number, item)) = self.sending.send() {
            self.items.push_back((number, *item));
        }
    }

    fn deliver_item(&mut self) {
        let Some((number, item)) = self.items.pop_front() else { return };
        for _ in 0..=self.rng.u8(0..2) {
            let taken = self.receiving.item(number, item, Self::bytes(item), item > ITEMS);
            taken.expect("a sender that keeps the rules");
        }
    }

    fn consume(&mut self) {
        if let Some(item) = self.receiving.take() {
            self.consumed += 1;
            assert_eq!(item, self.consumed, "in order, and once");
        }
        let is_waiting = self.rng.bool();
        self.positions.extend(self.receiving.due_acknowledgement(is_waiting));
    }

    fn deliver_position(&mut self) {
        if let Some(position) = self.positions.pop_front() {
            self.sending.acknowledge(position).expect("a receiver that keeps the rules");
            self.send();
        }
        let under_way = (self.consumed + 1..=self.produced).map(|item| Self::bytes(item) + ITEM_BYTES);
        assert!(under_way.sum::<usize>() <= WINDOW_BYTES + WINDOW_BYTES / 2 + 2 * ITEM_BYTES);
    }

    fn lose_connection(&mut self) {
        self.items.clear();
        self.positions.clear();
        self.sending.detach();
        self.positions.push_back(self.receiving.tell());
    }

    /// The network is well again: everything arrives.
    fn finish(&mut self, seed: u64) {
        for _ in 0..20 * ITEMS {
            self.produce();
            self.deliver_item();
            self.consume();
            self.positions.extend(self.receiving.due_acknowledgement(true));
            self.deliver_position();
        }
        assert_eq!(self.consumed, ITEMS + 1, "seed {seed}: every item, and the end");
        assert!(self.sending.is_done(), "seed {seed}");
    }
}
