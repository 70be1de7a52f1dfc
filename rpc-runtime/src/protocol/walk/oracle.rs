//! What really happened, and what was said of it.

use super::super::frame::CallHeader;
use super::super::time::CalleeTime;

/// A verdict as an application would hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Never,
    Completed,
    Unknown { may_still_run: bool },
}

#[derive(Default)]
pub(super) struct Oracle {
    calls: Vec<Fate>,
}

struct Fate {
    header: CallHeader,
    starts: u32,
    ends: u32,
    told: Option<Told>,
}

impl Oracle {
    /// The next call is made.
    pub(super) fn begins(&mut self, header: &CallHeader) {
        self.calls.push(Fate { header: *header, starts: 0, ends: 0, told: None });
    }

    /// The implementation sees a call.
    pub(super) fn starts(&mut self, call: u32, clock: CalleeTime) {
        let fate = &mut self.calls[call as usize];
        fate.starts += 1;
        let may_repeat = !fate.header.recorded && !fate.header.oneway;
        assert!(fate.starts == 1 || may_repeat, "call {call} starts again");
        assert!(clock <= fate.header.start_before, "call {call} starts late");
        assert!(!fate.is_over(), "call {call} starts after {:?}", fate.told);
    }

    /// The implementation is done with a call.
    pub(super) fn ends(&mut self, call: u32) {
        let fate = &mut self.calls[call as usize];
        fate.ends += 1;
        assert!(!fate.is_over(), "call {call} ends after {:?}", fate.told);
    }

    /// The caller's side has a verdict.
    pub(super) fn told(&mut self, call: u32, told: Told) {
        let fate = &mut self.calls[call as usize];
        assert_eq!(fate.told, None, "call {call} has two verdicts");
        match told {
            Told::Never => assert_eq!(fate.starts, 0, "call {call} started"),
            Told::Completed => assert!(fate.ends > 0, "call {call} has not ended"),
            Told::Unknown { may_still_run: false } => assert_eq!(fate.starts, fate.ends, "call {call} runs"),
            Told::Unknown { may_still_run: true } => {}
        }
        fate.told = Some(told);
    }

    /// The walk is over: every call that wants an answer has its verdict.
    pub(super) fn has_told_everything(&self) {
        for (call, fate) in self.calls.iter().enumerate() {
            assert!(fate.header.oneway || fate.told.is_some(), "call {call} has no verdict");
        }
    }
}

impl Fate {
    /// Whether neither a start nor an end of it may be seen any more.
    fn is_over(&self) -> bool {
        matches!(self.told, Some(Told::Never | Told::Unknown { may_still_run: false }))
    }
}
