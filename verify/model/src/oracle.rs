//! What really happened and what was said of it, beside the machines that are checked. What breaks a promise stays in the
//! state, so that a step that does it is never taken for another one.

use rpc_runtime::protocol::frame::{AnswerHeader, CallHeader, Status};
use rpc_runtime::protocol::id::{CallId, SessionId};

use crate::invariant::{Broken, Invariant};
use crate::setup::{Kind, Plan};

/// A session in a life of the callee's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionName {
    /// Which incarnation.
    pub life: u8,
    /// Its number there. The next incarnation gives the same numbers.
    pub id: SessionId,
}

/// A verdict as an application would hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// It did not run and never will.
    Never,
    /// It ran and ended.
    Completed,
    /// It may have run.
    Unknown {
        /// Whether it may run now.
        may_still_run: bool,
    },
    /// Nobody waits: a one-way call.
    Sent,
}

/// Where a call stands at the callee, by what the callee did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// No frame about it was heard.
    Unseen,
    /// Waits for its turn.
    Queued,
    /// A handler runs.
    Running,
    /// The last handler has ended, and the reply is kept.
    Kept {
        /// What its slot is charged for it.
        charged: u64,
    },
    /// The last handler has ended, and the reply may be gone.
    Ended,
    /// It was refused or cancelled.
    Refused,
}

impl Stage {
    /// Whether the call's reply is kept.
    pub fn is_kept(self) -> bool {
        matches!(self, Stage::Kept { .. })
    }
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Its lease.
    Expired,
    /// Another life of its owner.
    Superseded,
    /// Its caller.
    Closed,
    /// The callee, which has said what became of each call.
    Farewell,
    /// The callee, which has said nothing.
    Abandoned,
}

/// What is known of one call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fate {
    /// Its name and header, once it was sent.
    pub sent: Option<(SessionName, CallHeader)>,
    /// How often the clocks had gone on by then.
    pub sent_at: u8,
    /// At the callee.
    pub stage: Stage,
    /// How often it started.
    pub starts: u8,
    /// How often it ended.
    pub ends: u8,
    /// Its verdict.
    pub told: Option<Told>,
    /// Whether its caller gave up.
    pub is_given_up: bool,
    /// Whether a cancel was heard before the call was.
    pub is_overtaken: bool,
}

/// What is known of all calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Oracle {
    /// By number.
    pub fates: Vec<Fate>,
    /// Promises that were broken.
    pub broken: Broken,
}

impl Fate {
    /// Its name, if it was sent in this session.
    pub fn id_in(&self, session: SessionName) -> Option<CallId> {
        self.sent.filter(|(name, _)| *name == session).map(|(_, header)| header.id)
    }

    /// Whether neither a start nor an end of it may be seen any more.
    fn is_over(&self) -> bool {
        matches!(self.told, Some(Told::Never | Told::Unknown { may_still_run: false }))
    }

    fn is_recorded(&self) -> bool {
        self.sent.is_none_or(|(_, header)| header.recorded)
    }

    /// Which promise says that `Never` is never.
    fn never(&self) -> &'static [Invariant] {
        match (self.is_recorded(), self.is_given_up) {
            (false, _) => &[Invariant::I16],
            (true, true) => &[Invariant::I2, Invariant::I13],
            (true, false) => &[Invariant::I2],
        }
    }
}

impl Oracle {
    /// Nothing has happened.
    pub fn new(calls: usize) -> Oracle {
        let fate = Fate {
            sent: None,
            sent_at: 0,
            stage: Stage::Unseen,
            starts: 0,
            ends: 0,
            told: None,
            is_given_up: false,
            is_overtaken: false,
        };
        Oracle { fates: vec![fate; calls], broken: Broken::default() }
    }

    /// What is known of `call`.
    pub fn fate(&self, call: u8) -> &Fate {
        &self.fates[usize::from(call)]
    }

    /// What is known of `call`.
    pub fn fate_mut(&mut self, call: u8) -> &mut Fate {
        &mut self.fates[usize::from(call)]
    }

    /// The header of a call that was sent.
    pub fn header(&self, call: u8) -> CallHeader {
        let (_, header) = self.fate(call).sent.expect("the call was sent");
        header
    }

    /// The call of this name; if planted bugs have given one name to two, the later one.
    pub fn named(&self, session: SessionName, id: CallId) -> Option<u8> {
        let index = self.fates.iter().rposition(|fate| fate.id_in(session) == Some(id))?;
        u8::try_from(index).ok()
    }

    /// Whether the promise holds.
    pub fn expect(&mut self, holds: bool, invariant: Invariant) {
        if !holds {
            self.broken.add(invariant);
        }
    }

    /// A call is sent for the first time.
    pub fn begins(&mut self, call: u8, session: SessionName, header: CallHeader, tick: u8) {
        let is_right = self.fates.iter().all(|other| match other.sent {
            Some((name, earlier)) if name == session => {
                let is_free = other.told.is_some() || earlier.id.slot != header.id.slot;
                is_free && earlier.id.sequence < header.id.sequence
            }
            _ => true,
        });
        self.expect(is_right, Invariant::I10);
        let fate = self.fate_mut(call);
        fate.sent = Some((session, header));
        fate.sent_at = tick;
        fate.told = header.oneway.then_some(Told::Sent);
    }

    /// The implementation sees a call, in this life of the callee's, in a session that is over or not, after so many
    /// ticks of the clocks.
    pub fn starts(&mut self, call: u8, plan: &Plan, life: u8, end: Option<End>, tick: u8) {
        let fate = self.fate_mut(call);
        let before = fate.stage;
        fate.starts += 1;
        fate.stage = Stage::Running;
        let fate = fate.clone();
        self.expect(fate.starts == 1 || plan.kind == Kind::Idempotent, Invariant::I1);
        self.expect(before != Stage::Running || plan.kind == Kind::Idempotent, Invariant::I7);
        self.expect(fate.sent.is_some_and(|(session, _)| session.life == life), Invariant::I5);
        self.expect(end.is_none(), Invariant::I6);
        self.expect(end != Some(End::Superseded), Invariant::I14);
        self.expect(end != Some(End::Farewell), Invariant::I21);
        self.expect(!plan.is_urgent || tick == fate.sent_at, Invariant::I12);
        self.is_not_over(&fate);
    }

    /// The implementation is done with a call.
    pub fn ends(&mut self, call: u8, end: Option<End>) {
        let fate = self.fate_mut(call);
        fate.ends += 1;
        fate.stage = Stage::Ended;
        let fate = fate.clone();
        self.expect(end != Some(End::Farewell), Invariant::I21);
        self.is_not_over(&fate);
    }

    fn is_not_over(&mut self, fate: &Fate) {
        if fate.told == Some(Told::Never) {
            fate.never().iter().for_each(|invariant| self.broken.add(*invariant));
        }
        self.expect(!fate.is_over(), Invariant::I21);
    }

    /// An answer settles `call` at its caller; `reply` says whose result it carries.
    pub fn settles(&mut self, call: u8, session: SessionName, answer: &AnswerHeader, reply: u8) {
        let is_named = self.fate(call).id_in(session) == Some(answer.id);
        let is_own = answer.status != Status::Value || reply == call;
        self.expect(is_named && is_own, Invariant::I3);
    }

    /// The caller's side has a verdict. `is_owed` says that a better one than `Unknown` could be had.
    pub fn told(&mut self, call: u8, told: Told, is_owed: bool) {
        let fate = self.fate(call).clone();
        self.expect(fate.told.is_none(), Invariant::I3);
        match told {
            Told::Never if fate.starts > 0 => fate.never().iter().for_each(|invariant| self.broken.add(*invariant)),
            Told::Completed => self.expect(fate.ends > 0, Invariant::I4),
            Told::Unknown { may_still_run: false } => self.expect(fate.starts == fate.ends, Invariant::I21),
            Told::Unknown { may_still_run: true } => {
                self.expect(!is_owed || !fate.is_recorded(), Invariant::I20);
            }
            Told::Never | Told::Sent => {}
        }
        self.fate_mut(call).told = Some(told);
    }

    /// What the calls of a session are charged for their replies (R11).
    pub fn charged(&self, name: SessionName, reserve_bytes: u64) -> u64 {
        let charged = (0..).zip(&self.fates).filter(|(_, fate)| fate.id_in(name).is_some()).map(|(call, fate)| {
            match fate.stage {
                Stage::Queued | Stage::Running if self.header(call).recorded => reserve_bytes,
                Stage::Kept { charged } => charged,
                _ => 0,
            }
        });
        charged.sum()
    }

    /// A frame about `id` was heard by its session: earlier calls on the slot are acknowledged.
    pub fn acknowledges_earlier(&mut self, session: SessionName, id: CallId) {
        for fate in &mut self.fates {
            let is_earlier =
                fate.id_in(session).is_some_and(|other| other.slot == id.slot && other.sequence < id.sequence);
            if is_earlier && fate.stage.is_kept() {
                fate.stage = Stage::Ended;
            }
        }
    }
}
