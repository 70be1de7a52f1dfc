//! A mailbox: two rings and two processes that watch one another.
//!
//! Waiting is the same everywhere: try; if it cannot be done, sleep on the word that will change, for 50 ms at most; then look whether
//! the peer still lives; give up at the limit. The office's side beats its heart whenever it waits for requests, so a claimant that
//! has a long limit (a request may take a while) still notices early that nobody is there.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::layout::{AT_CELL_BYTES, AT_CELLS, AT_MAGIC, Direction, Identity, Layout, MAGIC};
use crate::process::{Process, State};
use crate::region::Region;
use crate::ring::{Consumer, Producer};
use crate::sync::{Arc, Ordering};

/// How long a sleep may be before the peer is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long the office's heart may stand still before a claimant calls it stalled. It beats every [`LOOK_EVERY`].
const STALLED_AFTER: Duration = Duration::from_secs(3);

/// Writes the header of a new mailbox. The caller makes it visible to others only afterwards.
pub(crate) fn prepare(region: &Region, layout: Layout, office: Process) {
    introduce(region, Identity::OFFICE, office);
    region.word(Identity::OFFICE.at_pid()).store(office.pid(), Ordering::Release);
    region.word(AT_CELLS).store(layout.cells(), Ordering::Relaxed);
    region.word(AT_CELL_BYTES).store(layout.message_bytes_max() as u32, Ordering::Relaxed);
    region.word(AT_MAGIC).store(MAGIC, Ordering::Release);
}

/// Whether the header is that of a mailbox of this layout.
pub(crate) fn fits(region: &Region, layout: Layout) -> bool {
    region.word(AT_MAGIC).load(Ordering::Acquire) == MAGIC
        && region.word(AT_CELLS).load(Ordering::Relaxed) == layout.cells()
        && region.word(AT_CELL_BYTES).load(Ordering::Relaxed) as usize == layout.message_bytes_max()
}

/// Takes an empty mailbox; `false` if another process was quicker.
pub(crate) fn take(region: &Region, claimant: Process) -> bool {
    let pid = region.word(Identity::CLAIMANT.at_pid());
    // Only one exchange succeeds; that decides. The start time follows, and until it is there the office goes by the process id.
    let won = pid.compare_exchange(0, claimant.pid(), Ordering::AcqRel, Ordering::Acquire).is_ok();
    if won {
        introduce(region, Identity::CLAIMANT, claimant);
    }
    won
}

fn introduce(region: &Region, who: Identity, process: Process) {
    region.word(who.at_started_low()).store(process.started() as u32, Ordering::Relaxed);
    region.word(who.at_started_high()).store((process.started() >> 32) as u32, Ordering::Relaxed);
    region.word(who.at_known()).store(1, Ordering::Release);
}

/// Reads what a process says of itself: `None` before anybody is there; the flag is whether the start time is known.
pub(crate) fn introduced(region: &Region, who: Identity) -> Option<(Process, bool)> {
    let known = region.word(who.at_known()).load(Ordering::Acquire) == 1;
    let pid = region.word(who.at_pid()).load(Ordering::Acquire);
    if pid == 0 {
        return None;
    }
    if !known {
        return Some((Process::new(pid, 0), false));
    }
    let low = region.word(who.at_started_low()).load(Ordering::Relaxed);
    let high = region.word(who.at_started_high()).load(Ordering::Relaxed);
    Some((Process::new(pid, u64::from(high) << 32 | u64::from(low)), true))
}

/// The halves of one side of a mailbox.
pub(crate) fn open_side(region: Arc<Region>, layout: Layout, mine: Identity, theirs: Identity) -> (Receiver, Sender) {
    let (inward, outward) = match mine {
        Identity::OFFICE => (Direction::Requests, Direction::Replies),
        _ => (Direction::Replies, Direction::Requests),
    };
    let consumer = Consumer::new(Arc::clone(&region), layout, inward);
    let producer = Producer::new(Arc::clone(&region), layout, outward);
    let link = std::sync::Arc::new(Link { region, layout, mine, theirs, peer: OnceLock::new() });
    (Receiver { consumer, link: std::sync::Arc::clone(&link) }, Sender { producer, link })
}

/// What the two halves of a side share: who the peer is. When the last half goes, the side is closed.
struct Link {
    region: Arc<Region>,
    layout: Layout,
    mine: Identity,
    theirs: Identity,
    /// The peer as it was when it was first seen whole: later scribbles cannot turn it into another process.
    peer: OnceLock<Process>,
}

impl Link {
    fn peer(&self) -> Option<Process> {
        if let Some(peer) = self.peer.get() {
            return Some(*peer);
        }
        let (peer, known) = introduced(&self.region, self.theirs)?;
        Some(if known { *self.peer.get_or_init(|| peer) } else { peer })
    }

    fn state(&self) -> State {
        let closed = self.region.word(self.theirs.at_closed()).load(Ordering::Acquire) != 0;
        match self.peer() {
            _ if closed => State::Gone,
            // Nobody has claimed it yet, so nobody can have died.
            None => State::Running,
            Some(peer) => peer.state(),
        }
    }

    /// Sleeps a little on the word at `at` and looks after the peer; an error if it makes no sense to go on.
    fn nap(&self, at: usize, seen: u32, waiting: &mut Waiting) -> Result<(), Error> {
        self.region.word(self.mine.at_heartbeat()).fetch_add(1, Ordering::Relaxed);
        let left = waiting.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::TimedOut);
        }
        self.region.wait(at, seen, left.min(LOOK_EVERY));
        if waiting.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        waiting.looked = Instant::now();
        if self.state() == State::Gone {
            return Err(Error::PeerGone);
        }
        if self.theirs == Identity::OFFICE {
            let pulse = self.region.word(self.theirs.at_heartbeat()).load(Ordering::Relaxed);
            if pulse != waiting.pulse {
                (waiting.pulse, waiting.felt) = (pulse, Instant::now());
            } else if waiting.felt.elapsed() > STALLED_AFTER {
                return Err(Error::PeerStalled);
            }
        }
        Ok(())
    }
}

impl Link {
    fn close(&self) {
        self.region.word(self.mine.at_closed()).store(1, Ordering::Release);
        for direction in [Direction::Requests, Direction::Replies] {
            self.region.ring(self.layout.at_tail(direction));
            self.region.ring(self.layout.at_head(direction));
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

/// One wait: when it ends, and what was seen of the peer while it lasts.
struct Waiting {
    deadline: Instant,
    looked: Instant,
    pulse: u32,
    felt: Instant,
}

impl Waiting {
    fn new(limit: Duration) -> Self {
        let now = Instant::now();
        // A limit beyond what the clock can hold is as good as a day.
        let deadline = now.checked_add(limit).unwrap_or(now + Duration::from_secs(86_400));
        Self { deadline, looked: now, pulse: 0, felt: now }
    }
}

/// The half of a side that takes messages out of the mailbox. When both halves of a side are dropped, the peer sees it as gone.
pub struct Receiver {
    consumer: Consumer,
    link: std::sync::Arc<Link>,
}

impl Receiver {
    /// The next message. Waits for one until `limit` has passed ([`Error::TimedOut`]) or the peer has gone; what a peer has sent
    /// before it went still arrives.
    pub fn receive(&mut self, limit: Duration) -> Result<Vec<u8>, Error> {
        let mut waiting = Waiting::new(limit);
        loop {
            if let Some(message) = self.consumer.try_pop()? {
                return Ok(message);
            }
            let (at, seen) = self.consumer.empty_at();
            match self.link.nap(at, seen, &mut waiting) {
                // It may have sent something between our last look and its end.
                Err(Error::PeerGone) => return self.consumer.try_pop()?.ok_or(Error::PeerGone),
                other => other?,
            }
        }
    }

    /// Whether a process has taken this mailbox.
    pub fn is_claimed(&self) -> bool {
        self.link.peer().is_some()
    }

    /// What the peer does now; [`State::Running`] as long as there is none.
    pub fn peer_state(&self) -> State {
        self.link.state()
    }
}

/// The half of a side that puts messages into the mailbox. When both halves of a side are dropped, the peer sees it as gone.
pub struct Sender {
    producer: Producer,
    link: std::sync::Arc<Link>,
}

impl Sender {
    /// Puts a message in. Waits for a free cell until `limit` has passed ([`Error::TimedOut`]) or the peer has gone; after an error
    /// the message was not sent.
    pub fn send(&mut self, message: &[u8], limit: Duration) -> Result<(), Error> {
        let mut waiting = Waiting::new(limit);
        while !self.try_send(message)? {
            let (at, seen) = self.producer.full_at();
            self.link.nap(at, seen, &mut waiting)?;
        }
        Ok(())
    }

    /// Closes this side now, though its other half still exists: the peer sees it as gone.
    pub fn close(&self) {
        self.link.close();
    }

    /// Puts a message in if there is a free cell now; `false` if there is none.
    pub fn try_send(&mut self, message: &[u8]) -> Result<bool, Error> {
        self.producer.try_push(message)
    }

    /// What the peer does now; [`State::Running`] as long as there is none.
    pub fn peer_state(&self) -> State {
        self.link.state()
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("peer", &self.link.peer()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("peer", &self.link.peer()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout::new(2, 64);

    fn pair() -> (Arc<Region>, (Receiver, Sender), (Receiver, Sender)) {
        let region = Arc::new(Region::scratch(LAYOUT.words()));
        prepare(&region, LAYOUT, Process::current());
        let office = open_side(Arc::clone(&region), LAYOUT, Identity::OFFICE, Identity::CLAIMANT);
        assert!(take(&region, Process::current()));
        let claimant = open_side(Arc::clone(&region), LAYOUT, Identity::CLAIMANT, Identity::OFFICE);
        (region, office, claimant)
    }

    /// A full mailbox and an empty one keep nobody longer than the limit.
    #[test]
    fn waits_end_at_their_limit() {
        let (_region, (_requests, mut replies), (mut answers, _ask)) = pair();
        let limit = Duration::from_millis(80);
        let started = Instant::now();
        assert!(matches!(answers.receive(limit), Err(Error::TimedOut)));
        replies.send(b"1", limit).expect("there is room");
        replies.send(b"2", limit).expect("there is room");
        assert!(matches!(replies.send(b"3", limit), Err(Error::TimedOut)));
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    /// What was sent before the peer closed still arrives, then it is gone, long before the limit.
    #[test]
    fn a_closed_peer_is_gone_after_its_last_message() {
        let (_region, (mut requests, replies), (answers, mut ask)) = pair();
        ask.send(b"last words", Duration::from_secs(1)).expect("there is room");
        drop((ask, answers));
        let limit = Duration::from_secs(60);
        assert_eq!(requests.receive(limit).expect("it was sent"), b"last words");
        assert!(matches!(requests.receive(limit), Err(Error::PeerGone)));
        assert_eq!(replies.peer_state(), State::Gone);
    }

    /// One half can close its side for both.
    #[test]
    fn one_half_closes_its_side() {
        let (_region, (_requests, replies), (mut answers, _ask)) = pair();
        replies.close();
        assert!(matches!(answers.receive(Duration::from_secs(60)), Err(Error::PeerGone)));
    }

    /// A claimant with a long limit notices early that the office's heart stands still.
    #[test]
    fn an_office_without_a_heartbeat_is_stalled() {
        let (_region, _office, (mut answers, _ask)) = pair();
        let started = Instant::now();
        assert!(matches!(answers.receive(Duration::from_secs(60)), Err(Error::PeerStalled)));
        assert!(started.elapsed() < STALLED_AFTER + Duration::from_secs(2));
    }
}

/// Every interleaving of two processes that want the same mailbox; run as the crate's page says.
#[cfg(all(test, loom))]
mod models {
    use super::*;

    /// Exactly one of two claimants gets the mailbox, and the office, whenever it looks, sees nobody or the winner, and the winner's
    /// start time only when it is whole.
    #[test]
    fn claim() {
        loom::model(|| {
            let layout = Layout::new(1, 4);
            let region = Arc::new(Region::scratch(layout.words()));
            let claimants = [Process::new(7, 0x0001_0000_0007), Process::new(9, 0x0002_0000_0009)];
            let racing = claimants.map(|claimant| {
                let region = Arc::clone(&region);
                loom::thread::spawn(move || take(&region, claimant))
            });
            let seen = introduced(&region, Identity::CLAIMANT);
            let won = racing.map(|thread| thread.join().expect("it only tries"));
            assert_ne!(won[0], won[1]);
            let winner = if won[0] { claimants[0] } else { claimants[1] };
            match seen {
                None => {}
                Some((process, false)) => assert_eq!(process.pid(), winner.pid()),
                Some((process, true)) => assert_eq!(process, winner),
            }
            assert_eq!(introduced(&region, Identity::CLAIMANT), Some((winner, true)));
        });
    }
}
