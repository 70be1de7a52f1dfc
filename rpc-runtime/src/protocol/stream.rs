//! One direction of a stream: the numbers of its items, how many may be under way, and what is sent again after the
//! session's connection was lost.
//!
//! Items are numbered from 1, and the end of a stream is numbered like an item. The receiver acknowledges what its
//! application has consumed; that is the credit of the sender, which keeps what is not acknowledged (R36, R37). After a
//! lost connection the receiver says how far it has come, and the sender goes on behind that (R38).

use std::collections::VecDeque;

use crate::planted::{Bug, planted};

/// What a sender may have under way without an acknowledgement, in bytes: it begins no further item at or beyond it. The
/// machines under `verify/` have a small one, so that it is full all the time.
pub const WINDOW_BYTES: usize = if cfg!(any(verify, fuzzing)) { 8 * 1024 } else { 256 * 1024 };
/// What each item counts beside its bytes.
pub const ITEM_BYTES: usize = 64;
/// What has been consumed is acknowledged when it comes to so many bytes, ...
const ACK_BYTES: usize = WINDOW_BYTES / 4;
/// ... or to so many where nothing is left to consume: less than that its sender may keep meanwhile, and a dialogue of small
/// items is not twice as many frames.
const IDLE_ACK_BYTES: usize = WINDOW_BYTES / 64;

/// How far a receiver has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The number of the last item that came; the next one is expected.
    pub received: u64,
    /// The number of the last item that the application consumed.
    pub consumed: u64,
}

/// How a peer breaks the rules of streams. The connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An item is missing before this one.
    #[error("an item of a stream is missing")]
    Gap,
    /// The stream has ended.
    #[error("an item comes after its stream's end")]
    AfterEnd,
    /// More is under way than the window allows.
    #[error("more items of a stream come than were asked for")]
    Credit,
    /// An acknowledgement of what was not sent, or that goes back.
    #[error("an acknowledgement names items of a stream that cannot be meant")]
    Acknowledgement,
}

/// The sending side. `B` is an item, or the end, as the driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sending<B> {
    /// What is not acknowledged, from the number `acknowledged + 1` on, and what each counts.
    kept: VecDeque<(B, usize)>,
    kept_bytes: usize,
    acknowledged: u64,
    /// The number of the next item for the present connection; `None` until the receiver has said how far it has come.
    next: Option<u64>,
    /// The largest number that was ever sent.
    sent_max: u64,
    has_ended: bool,
}

impl<B> Sending<B> {
    /// A stream of which nothing was sent. `at_once`: without waiting for the receiver's first word.
    pub fn new(at_once: bool) -> Sending<B> {
        let next = at_once.then_some(1);
        Sending { kept: VecDeque::new(), kept_bytes: 0, acknowledged: 0, next, sent_max: 0, has_ended: false }
    }

    /// Whether the producer is to be asked for another item (R36): also not while nobody hears what it has to say.
    pub fn has_room(&self) -> bool {
        let is_within = self.kept_bytes < WINDOW_BYTES || planted(Bug::WindowNotCharged); // M42
        !self.has_ended && self.next.is_some() && is_within
    }

    /// Takes an item of so many bytes, or the end, for which there always is room.
    pub fn push(&mut self, body: B, bytes: usize, is_end: bool) {
        debug_assert!(!self.has_ended, "a stream ends once");
        let charge = bytes + ITEM_BYTES;
        self.kept.push_back((body, charge));
        self.kept_bytes += charge;
        self.has_ended = is_end;
    }

    /// What the present connection is to carry next, with its number.
    pub fn send(&mut self) -> Option<(u64, &B)> {
        let number = self.next?;
        let (body, _) = self.kept.get(usize::try_from(number - self.acknowledged - 1).ok()?)?;
        self.next = Some(number + 1);
        self.sent_max = self.sent_max.max(number);
        Some((number, body))
    }

    /// The connection was lost, and what it had not delivered with it: nothing more is sent until the receiver has said how
    /// far it has come (R38).
    pub fn detach(&mut self) {
        if planted(Bug::ResumedUnheard) && self.next.is_some() {
            return; // M44: it goes on where it was.
        }
        self.next = None;
    }

    /// The receiver says how far it has come. Gives whether that may have made room, or finished the stream.
    pub fn acknowledge(&mut self, position: Position) -> Result<bool, Violation> {
        let Position { received, consumed } = position;
        if consumed < self.acknowledged || consumed > received || received > self.sent_max {
            return Err(Violation::Acknowledgement);
        }
        let forgotten = usize::try_from(consumed - self.acknowledged).unwrap_or(usize::MAX);
        for (_, charge) in self.kept.drain(..forgotten.min(self.kept.len())) {
            self.kept_bytes -= charge;
        }
        self.acknowledged = consumed;
        let goes_on = self.next.is_none();
        if goes_on {
            let behind = if planted(Bug::ResumedFromAcknowledged) { consumed } else { received };
            self.next = Some(behind + 1);
        }
        Ok(goes_on || forgotten > 0)
    }

    /// Whether everything was acknowledged, the end too.
    pub fn is_done(&self) -> bool {
        self.has_ended && self.kept.is_empty()
    }
}

/// The receiving side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receiving<B> {
    /// What came and was not consumed, and what each counts.
    waiting: VecDeque<(B, usize)>,
    waiting_bytes: usize,
    /// What was consumed and not acknowledged.
    untold_bytes: usize,
    position: Position,
    has_ended: bool,
    is_stopped: bool,
}

impl<B> Default for Receiving<B> {
    fn default() -> Receiving<B> {
        let position = Position { received: 0, consumed: 0 };
        let waiting = VecDeque::new();
        Receiving { waiting, waiting_bytes: 0, untold_bytes: 0, position, has_ended: false, is_stopped: false }
    }
}

impl<B> Receiving<B> {
    /// An item of so many bytes came, or the end. Gives whether it is new: what came before comes again after a lost
    /// connection (R38).
    pub fn item(&mut self, number: u64, body: B, bytes: usize, is_end: bool) -> Result<bool, Violation> {
        let came_before = number <= self.position.received && !planted(Bug::RepeatedItemTaken); // M40
        if self.is_stopped || came_before {
            return Ok(false);
        }
        if number > self.position.received + 1 {
            return Err(Violation::Gap);
        }
        if self.has_ended {
            return Err(Violation::AfterEnd);
        }
        if !is_end && self.waiting_bytes + self.untold_bytes >= WINDOW_BYTES {
            return Err(Violation::Credit);
        }
        let charge = bytes + ITEM_BYTES;
        self.position.received = number;
        self.waiting.push_back((body, charge));
        self.waiting_bytes += charge;
        self.has_ended = is_end;
        Ok(true)
    }

    /// What the application consumes next.
    pub fn take(&mut self) -> Option<B> {
        let (body, charge) = self.waiting.pop_front()?;
        self.waiting_bytes -= charge;
        self.untold_bytes += charge;
        self.position.consumed += 1;
        Some(body)
    }

    /// What is to be acknowledged now, if the session is attached (R37). `is_waiting`: the application has asked for more
    /// than there is.
    pub fn due_acknowledgement(&mut self, is_waiting: bool) -> Option<Position> {
        let due_bytes = match is_waiting {
            _ if self.is_consumed() => 1,
            true => IDLE_ACK_BYTES,
            false => ACK_BYTES,
        };
        (self.untold_bytes >= due_bytes).then(|| self.told())
    }

    /// How far it has come, to be said on a new connection (R38).
    pub fn tell(&mut self) -> Position {
        if planted(Bug::WaitingForgottenOnResume) {
            self.waiting.clear(); // M39
            self.waiting_bytes = 0;
        }
        self.told()
    }

    fn told(&mut self) -> Position {
        self.untold_bytes = 0;
        if planted(Bug::ReceivedIsConsumed) {
            return Position { consumed: self.position.received, ..self.position }; // M43
        }
        self.position
    }

    /// The application has lost interest: what waits is forgotten, and what comes is dropped.
    pub fn stop(&mut self) {
        self.is_stopped = true;
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    /// Whether the application has consumed everything, the end too.
    pub fn is_consumed(&self) -> bool {
        self.has_ended && self.waiting.is_empty()
    }

    /// Whether the application has lost interest.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }
}

#[cfg(test)]
mod tests;
