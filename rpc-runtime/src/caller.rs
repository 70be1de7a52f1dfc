//! The caller's side of a connection that a session is bound to: it hands answers to the link, keeps the link's timers,
//! and asks whether the callee is there.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::connection::Role;
use crate::link::Link;
use crate::protocol::frame::{Answer, Frame, Way};
use crate::protocol::stream::Violation;
use crate::protocol::time::Time;

/// After so many pings without an answer a connection is given up.
const PINGS_MISSED_MAX: u32 = 3;

/// The role of a dialled connection.
pub(crate) struct Caller {
    link: Arc<Link>,
    ping_after: Duration,
    ping_at: Time,
    pings_missed: u32,
    /// Whether the connection was good for anything.
    pub(crate) was_answered: bool,
    /// Answers that came together, until they are handed to the link, together.
    answers: Vec<Answer>,
    /// Whose they are: woken after the last.
    answered: Vec<Waker>,
    /// How many were woken at last.
    woken: usize,
}

impl Caller {
    pub(crate) fn new(link: Arc<Link>, now: Time) -> Caller {
        let ping_after = link.ping_after();
        Caller {
            link,
            ping_after,
            ping_at: now + ping_after,
            pings_missed: 0,
            was_answered: false,
            answers: Vec::new(),
            answered: Vec::new(),
            woken: 0,
        }
    }

    /// Hands over the answers that have come so far.
    fn hand_over(&mut self, now: Time) -> ControlFlow<String> {
        if self.answers.is_empty() {
            return ControlFlow::Continue(());
        }
        self.was_answered = true;
        match self.link.answers(&mut self.answers, now, &mut self.answered) {
            Ok(false) => ControlFlow::Continue(()),
            Ok(true) => self.leave(),
            Err(error) => ControlFlow::Break(error.to_string()),
        }
    }

    fn leave(&self) -> ControlFlow<String> {
        match self.link.leave() {
            true => ControlFlow::Break("the exporter is leaving".to_owned()),
            false => ControlFlow::Continue(()),
        }
    }

    /// A frame that is no answer.
    #[cold]
    fn other_frame(&mut self, frame: Frame, now: Time) -> ControlFlow<String> {
        self.hand_over(now)?;
        match frame {
            Frame::Item(Way::Down, item) => {
                self.was_answered = true;
                return self.link.item(item).map_or_else(broken, ControlFlow::Continue);
            }
            Frame::ItemAck(Way::Down, id, position) => {
                return self.link.item_ack(id, position).map_or_else(broken, ControlFlow::Continue);
            }
            Frame::Stop(id) => {
                self.link.stop(id);
                return ControlFlow::Continue(());
            }
            Frame::Pong(clock) => self.link.heard(clock, now),
            Frame::Goodbye(goodbye) => self.link.goodbye(&goodbye),
            Frame::Reject(reject) => {
                return ControlFlow::Break(format!("the exporter rejects it: {}", reject.text));
            }
            _ => {
                return ControlFlow::Break("the exporter sent a frame that has no place here".to_owned());
            }
        }
        self.leave()
    }
}

fn broken(violation: Violation) -> ControlFlow<String> {
    ControlFlow::Break(format!("the exporter breaks the rules: {violation}"))
}

impl Role for Caller {
    #[inline]
    fn frame(&mut self, frame: Frame, now: Time, _is_followed: bool) -> ControlFlow<String> {
        match frame {
            Frame::Answer(answer) => {
                self.answers.push(answer);
                ControlFlow::Continue(())
            }
            frame => self.other_frame(frame, now),
        }
    }

    fn heard(&mut self) {
        self.pings_missed = 0;
    }

    fn handled(&mut self, now: Time) -> ControlFlow<String> {
        let flow = self.hand_over(now);
        self.woken = self.answered.len();
        self.answered.drain(..).for_each(Waker::wake);
        flow
    }

    fn has_woken_several(&self) -> bool {
        self.woken > 1
    }

    fn rest(&mut self) {
        (self.answers, self.answered) = (Vec::new(), Vec::new());
    }

    fn tick(&mut self, now: Time) -> ControlFlow<String> {
        self.link.tick(now);
        // Also while answers come in: they do not renew the session's lease, which a ping does (R4).
        if now >= self.ping_at {
            if self.pings_missed >= PINGS_MISSED_MAX {
                return ControlFlow::Break("the exporter does not answer pings".to_owned());
            }
            self.pings_missed += 1;
            self.ping_at = now + self.ping_after;
            self.link.ping();
        }
        ControlFlow::Continue(())
    }

    fn frame_bytes_max(&self) -> usize {
        self.link.limits.frame_bytes_max
    }

    fn wake_at(&self) -> Time {
        self.ping_at.min(self.link.tick_at())
    }
}
