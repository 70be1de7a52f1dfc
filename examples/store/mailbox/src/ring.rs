//! The hand-over: a bounded ring of cells with one producer and one consumer.
//!
//! Each side keeps its own position to itself and only publishes it; the other's position is read from shared memory and believed
//! only as far as it can be true: between them there are never fewer than none and never more than all cells. The producer fills a
//! cell *before* it publishes its position (release), the consumer empties it *before* it publishes its own, so a cell belongs to
//! one of them at any time.

use crate::error::Error;
use crate::layout::{Direction, Layout};
use crate::region::Region;
use crate::sync::{Arc, Ordering};

/// The side of a ring that puts messages in.
pub(crate) struct Producer {
    region: Arc<Region>,
    layout: Layout,
    direction: Direction,
    /// Our own position; the shared word is only its copy.
    tail: u32,
}

impl Producer {
    pub(crate) fn new(region: Arc<Region>, layout: Layout, direction: Direction) -> Self {
        Self { region, layout, direction, tail: 0 }
    }

    /// Puts a message in; `false` if every cell is taken.
    pub(crate) fn try_push(&mut self, message: &[u8]) -> Result<bool, Error> {
        let bytes_max = self.layout.message_bytes_max();
        if message.len() > bytes_max {
            return Err(Error::TooLong { bytes: message.len(), bytes_max });
        }
        // Acquire: the consumer's reading of the cell that it gives back happens before our writing to it.
        let head = self.region.word(self.layout.at_head(self.direction)).load(Ordering::Acquire);
        let taken = self.tail.wrapping_sub(head);
        if taken > self.layout.cells() {
            return Err(Error::Corrupt { what: "the consumer is ahead of the producer" });
        }
        if taken == self.layout.cells() {
            return Ok(false);
        }
        let cell = self.layout.at_cell(self.direction, self.tail);
        self.region.word(cell).store(message.len() as u32, Ordering::Relaxed); // at most 1 MiB, checked above
        self.region.copy_in(cell + 1, message);
        self.tail = self.tail.wrapping_add(1);
        let at_tail = self.layout.at_tail(self.direction);
        // Release: whoever sees the new position sees the cell's words.
        self.region.word(at_tail).store(self.tail, Ordering::Release);
        self.region.ring(at_tail);
        Ok(true)
    }

    /// The word that changes when the consumer has emptied a cell, and its value while the ring is full.
    pub(crate) fn full_at(&self) -> (usize, u32) {
        (self.layout.at_head(self.direction), self.tail.wrapping_sub(self.layout.cells()))
    }
}

/// The side of a ring that takes messages out.
pub(crate) struct Consumer {
    region: Arc<Region>,
    layout: Layout,
    direction: Direction,
    /// Our own position; the shared word is only its copy.
    head: u32,
}

impl Consumer {
    pub(crate) fn new(region: Arc<Region>, layout: Layout, direction: Direction) -> Self {
        Self { region, layout, direction, head: 0 }
    }

    /// Takes the oldest message out; `None` if there is none.
    pub(crate) fn try_pop(&mut self) -> Result<Option<Vec<u8>>, Error> {
        // Acquire: pairs with the producer's release of the cell's words.
        let tail = self.region.word(self.layout.at_tail(self.direction)).load(Ordering::Acquire);
        let waiting = tail.wrapping_sub(self.head);
        if waiting > self.layout.cells() {
            return Err(Error::Corrupt { what: "more messages than cells" });
        }
        if waiting == 0 {
            return Ok(None);
        }
        let cell = self.layout.at_cell(self.direction, self.head);
        let bytes = self.region.word(cell).load(Ordering::Relaxed) as usize;
        if bytes > self.layout.message_bytes_max() {
            return Err(Error::Corrupt { what: "a message is longer than its cell" });
        }
        let message = self.region.copy_out(cell + 1, bytes);
        self.head = self.head.wrapping_add(1);
        let at_head = self.layout.at_head(self.direction);
        // Release: the producer may overwrite the cell only after we have read it.
        self.region.word(at_head).store(self.head, Ordering::Release);
        self.region.ring(at_head);
        Ok(Some(message))
    }

    /// The word that changes when a message arrives, and its value while the ring is empty.
    pub(crate) fn empty_at(&self) -> (usize, u32) {
        (self.layout.at_tail(self.direction), self.head)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn pair(layout: Layout) -> (Arc<Region>, Producer, Consumer) {
        let region = Arc::new(Region::scratch(layout.words()));
        let producer = Producer::new(Arc::clone(&region), layout, Direction::Requests);
        let consumer = Consumer::new(Arc::clone(&region), layout, Direction::Requests);
        (region, producer, consumer)
    }

    /// Messages come out whole and in order, also when the ring goes round, and a full ring takes no more.
    #[test]
    fn messages_come_out_in_order() {
        let (_region, mut producer, mut consumer) = pair(Layout::new(4, 16));
        for round in 0..10u8 {
            for number in 0..4 {
                assert!(producer.try_push(&[round, number]).expect("it fits"));
            }
            assert!(!producer.try_push(b"one too many").expect("it fits"));
            for number in 0..4 {
                assert_eq!(consumer.try_pop().expect("sane"), Some(vec![round, number]));
            }
            assert_eq!(consumer.try_pop().expect("sane"), None);
        }
    }

    /// A message longer than a cell is refused, and nothing is handed over.
    #[test]
    fn a_long_message_is_refused() {
        let (_region, mut producer, mut consumer) = pair(Layout::new(2, 8));
        assert!(matches!(producer.try_push(&[0; 9]), Err(Error::TooLong { bytes: 9, bytes_max: 8 })));
        assert_eq!(consumer.try_pop().expect("sane"), None);
    }

    /// Positions that cannot be and lengths that do not fit are reported, and not acted on.
    #[test]
    fn impossible_numbers_are_reported() {
        let layout = Layout::new(4, 16);
        let (region, mut producer, mut consumer) = pair(layout);
        producer.try_push(b"sane").expect("it fits");
        region.word(layout.at_cell(Direction::Requests, 0)).store(17, Ordering::Relaxed);
        assert!(matches!(consumer.try_pop(), Err(Error::Corrupt { .. })));
        region.word(layout.at_tail(Direction::Requests)).store(5, Ordering::Relaxed);
        assert!(matches!(consumer.try_pop(), Err(Error::Corrupt { .. })));
        region.word(layout.at_head(Direction::Requests)).store(2, Ordering::Relaxed);
        assert!(matches!(producer.try_push(b"x"), Err(Error::Corrupt { .. })));
    }

    /// A peer that writes random words everywhere, all the time, gets errors or nonsense in return, never a panic.
    #[test]
    fn scribbling_is_survived() {
        let layout = Layout::new(4, 64);
        let (region, mut producer, mut consumer) = pair(layout);
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let at = random.usize(..layout.words());
            let value = if random.bool() { random.u32(..) } else { random.u32(..9) };
            region.word(at).store(value, Ordering::Relaxed);
            let _ = producer.try_push(&vec![1; random.usize(..80)]);
            if let Ok(Some(message)) = consumer.try_pop() {
                assert!(message.len() <= layout.message_bytes_max());
            }
        }
    }
}

/// Every interleaving of a small hand-over; run as the crate's page says.
#[cfg(all(test, loom))]
mod models {
    use std::time::Duration;

    use super::*;

    /// `messages` messages through `cells` cells, both sides sleeping when they must: each arrives whole, once, in order, and no
    /// wake-up is lost (the model's sleep has no time limit, so a lost one is a deadlock).
    fn hand_over(cells: u32, messages: u8) {
        let layout = Layout::new(cells, 4);
        let region = Arc::new(Region::scratch(layout.words()));
        let mut producer = Producer::new(Arc::clone(&region), layout, Direction::Requests);
        let mut consumer = Consumer::new(Arc::clone(&region), layout, Direction::Requests);
        let putting = loom::thread::spawn({
            let region = Arc::clone(&region);
            move || {
                for number in 1..=messages {
                    while !producer.try_push(&[number; 4]).expect("a sane peer") {
                        let (at, seen) = producer.full_at();
                        region.wait(at, seen, Duration::ZERO);
                    }
                }
            }
        });
        for number in 1..=messages {
            let message = loop {
                if let Some(message) = consumer.try_pop().expect("a sane peer") {
                    break message;
                }
                let (at, seen) = consumer.empty_at();
                region.wait(at, seen, Duration::ZERO);
            };
            assert_eq!(message, [number; 4]);
        }
        putting.join().expect("it has put them all");
    }

    /// One cell, used twice: every interleaving.
    #[test]
    fn a_cell_is_handed_over_and_back() {
        loom::model(|| hand_over(1, 2));
    }

    /// The ring goes round: every interleaving with at most three preemptions, which is where such bugs are found.
    #[test]
    fn a_ring_is_handed_over_and_back() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| hand_over(2, 5));
    }
}
