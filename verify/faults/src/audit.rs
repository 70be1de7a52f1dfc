//! Holds what callers were told against what exporters noted. It runs after every process has ended.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::moment::Moment;
use crate::note::{self, CallId, Note, Outcome, Run};
use crate::tally::{self, Tally};
use crate::world::Who;

/// A caller may learn so much after its deadline, and no later.
const LATE_MAX: Duration = Duration::from_secs(1);
/// So many findings are told in words; the others are counted.
const FINDINGS_MAX: usize = 20;

/// A time in which a process stood still by SIGSTOP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    who: Who,
    from: Moment,
    until: Moment,
}

impl Pause {
    pub(crate) fn begin(who: Who) -> Pause {
        let from = Moment::now();
        Pause { who, from, until: from }
    }

    pub(crate) fn end(self) -> Pause {
        Pause { until: Moment::now(), ..self }
    }

    /// How much of the time between two moments it takes.
    fn within(&self, from: Moment, until: Moment) -> Duration {
        self.until.min(until).since(self.from.max(from))
    }
}

/// What the run did that the audit has to know.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The lives of callers that were killed: their last calls have no answer.
    pub(crate) killed: HashSet<(u32, u32)>,
    pub(crate) pauses: Vec<Pause>,
}

/// How many calls came to which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) ok: u64,
    pub(crate) never: u64,
    pub(crate) completed: u64,
    pub(crate) unknown: u64,
    /// Calls whose caller was killed before it was told.
    pub(crate) caller_killed: u64,
    /// Calls given up whose receipt had a verdict later.
    pub(crate) settled: u64,
    /// Runs beyond the first of a call.
    pub(crate) double_executions: u64,
    pub(crate) late_max_micros: u64,
}

/// What an audit found.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    pub(crate) counts: Counts,
    pub(crate) tally: Tally,
    /// What is not in order, in words.
    pub(crate) findings: Vec<String>,
    more: usize,
}

/// All that is known of one call.
#[derive(Debug, Default)]
struct Known {
    /// Who made it, and in which life.
    caller: Option<(u32, u32)>,
    runs: Vec<(Run, Moment)>,
    ends: Vec<Moment>,
    asked: Option<(Moment, Duration)>,
    told: Vec<(Moment, Outcome)>,
    settled: Option<(Moment, Outcome)>,
    error: Option<String>,
}

/// Reads everything in `directory` and compares.
pub(crate) fn audit(directory: &Path, record: &Record) -> io::Result<Audit> {
    let mut audit = Audit::default();
    let mut calls = HashMap::<CallId, Known>::new();
    let mut closed = HashSet::new();
    let mut files: Vec<_> = std::fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    for file in files {
        let (name, path) = (file.file_name().to_string_lossy().into_owned(), file.path());
        if name.ends_with(".tally") {
            audit.tally.add(tally::read(&path)?);
        }
        if name.ends_with(".log") && std::fs::read_to_string(&path)?.contains("panicked at") {
            audit.find(format!("somebody panicked: see {name}"));
        }
        let Some(life) = name.strip_suffix(".calls") else { continue };
        let caller = life.strip_prefix("caller-").and_then(|life| life.split_once('.'));
        let caller = caller.and_then(|(number, life)| Some((number.parse().ok()?, life.parse().ok()?)));
        for note in note::read(&path)? {
            match note {
                Note::Started(call, run, at) => calls.entry(call).or_default().runs.push((run, at)),
                Note::Ended(call, at) => calls.entry(call).or_default().ends.push(at),
                Note::Asked(call, at, patience) => {
                    let known = calls.entry(call).or_default();
                    (known.caller, known.asked) = (caller, Some((at, patience)));
                }
                Note::Answered(call, at, outcome) => calls.entry(call).or_default().told.push((at, outcome)),
                Note::Error(call, error) => calls.entry(call).or_default().error = Some(error),
                Note::Settled(call, at, outcome) => calls.entry(call).or_default().settled = Some((at, outcome)),
                Note::Closed => closed.extend(caller),
            }
        }
    }
    for (call, known) in &calls {
        audit.check(*call, known, record, &closed);
    }
    if audit.more > 0 {
        audit.findings.push(format!("… and {} more", audit.more));
    }
    Ok(audit)
}

impl Audit {
    fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// One call: it ran at most once (I1), what its caller was told is true, and was told in time.
    fn check(&mut self, call: CallId, known: &Known, record: &Record, closed: &HashSet<(u32, u32)>) {
        self.counts.double_executions += known.runs.len().saturating_sub(1) as u64;
        if let [(first, _), (second, _), ..] = known.runs[..] {
            self.find(format!("call {call} ran {} times: by {first}, and by {second}", known.runs.len()));
        }
        let (Some((asked, patience)), Some(caller)) = (known.asked, known.caller) else {
            self.find(format!("call {call} was run, and nobody made it"));
            return;
        };
        self.counts.calls += 1;
        let (told_at, outcome) = match known.told[..] {
            [told] => told,
            [] => {
                self.counts.caller_killed += 1;
                if closed.contains(&caller) || !record.killed.contains(&caller) {
                    self.find(format!("call {call} was never answered"));
                }
                return;
            }
            _ => {
                self.find(format!("call {call} was answered {} times", known.told.len()));
                return;
            }
        };
        let late = told_at.since(asked).saturating_sub(patience);
        let is_its = |pause: &&Pause| pause.who == Who::Caller(caller.0);
        let stood: Duration = record.pauses.iter().filter(is_its).map(|pause| pause.within(asked, told_at)).sum();
        let late = late.saturating_sub(stood);
        self.counts.late_max_micros = self.counts.late_max_micros.max(late.as_micros() as u64);
        if late > LATE_MAX {
            self.find(format!("call {call} with {patience:?} to go was answered {late:?} after its deadline"));
        }
        let count = match outcome {
            Outcome::Ok(..) => &mut self.counts.ok,
            Outcome::Never => &mut self.counts.never,
            Outcome::Completed => &mut self.counts.completed,
            Outcome::Unknown { .. } => &mut self.counts.unknown,
        };
        *count += 1;
        let is_verdict = |(_, outcome)| !matches!(outcome, Outcome::Unknown { .. });
        self.counts.settled += u64::from(known.settled.is_some_and(is_verdict));
        for (at, outcome) in [Some((told_at, outcome)), known.settled].into_iter().flatten() {
            if let Err(what) = is_true(call, known, at, outcome) {
                let error = known.error.as_deref().unwrap_or("a reply");
                self.find(format!("call {call} {what}; its caller was told: {error}"));
            }
        }
    }
}

/// Whether what a caller was told at that moment agrees with what the exporters noted.
fn is_true(call: CallId, known: &Known, at: Moment, outcome: Outcome) -> Result<(), String> {
    let ended_before = known.ends.iter().any(|end| *end <= at);
    match outcome {
        Outcome::Ok(answered, run) => match known.runs[..] {
            _ if answered != call => Err(format!("got the reply of call {answered}")),
            [(ran, _)] if ran != run => Err(format!("ran by {ran} and was answered by {run}")),
            [_] if !ended_before => Err("was answered before it ended".to_owned()),
            [_] => Ok(()),
            [] => Err(format!("was answered by {run} and did not run")),
            // Told already.
            _ => Ok(()),
        },
        Outcome::Never if known.runs.is_empty() => Ok(()),
        Outcome::Never => Err("was said to have run never, and ran".to_owned()),
        Outcome::Completed if ended_before => Ok(()),
        Outcome::Completed => Err("was said to have ended, and had not".to_owned()),
        Outcome::Unknown { may_still_run: true } => Ok(()),
        Outcome::Unknown { may_still_run: false } => {
            let mut moments = known.runs.iter().map(|(_, at)| at).chain(&known.ends);
            let after = moments.any(|moment| *moment > at);
            if after { Err("was said to run no more, and did".to_owned()) } else { Ok(()) }
        }
    }
}

#[cfg(test)]
mod tests;
