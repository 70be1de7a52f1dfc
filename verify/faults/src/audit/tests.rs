//! An audit that finds nothing is worth something only if it would find something.

use super::*;
use crate::note::Journal;

const CALL: CallId = CallId(1 << 56 | 1 << 40 | 1);
const RUN: Run = Run { exporter: 0, life: 1, ordinal: 1 };
const PATIENCE: Duration = Duration::from_millis(1);

fn asked() -> Note {
    Note::Asked(CALL, Moment(10), PATIENCE)
}

fn started() -> Note {
    Note::Started(CALL, RUN, Moment(20))
}

fn ended() -> Note {
    Note::Ended(CALL, Moment(30))
}

fn answered(outcome: Outcome) -> Note {
    Note::Answered(CALL, Moment(40), outcome)
}

/// The audit of one call.
fn audit_of(by_exporters: &[Note], by_caller: &[Note], record: &Record) -> Audit {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, notes) in [("exporter-0.1.calls", by_exporters), ("caller-1.1.calls", by_caller)] {
        let journal = Journal::create(&directory.path().join(name)).expect("a new file");
        notes.iter().for_each(|note| journal.note(note));
    }
    audit(directory.path(), record).expect("files")
}

/// What agrees is in order, and counted.
#[test]
fn agreement_is_in_order() {
    let run_once = [started(), ended()];
    let unknown = |may_still_run| Outcome::Unknown { may_still_run };
    let cases: [(&[Note], Outcome); 7] = [
        (&run_once, Outcome::Ok(CALL, RUN)),
        (&[], Outcome::Never),
        (&run_once, Outcome::Completed),
        (&run_once, unknown(true)),
        (&[started()], unknown(true)),
        (&[], unknown(false)),
        (&run_once, unknown(false)),
    ];
    for (by_exporters, outcome) in cases {
        let audit = audit_of(by_exporters, &[asked(), answered(outcome), Note::Closed], &Record::default());
        assert_eq!(audit.findings, [""; 0], "{outcome:?}");
        assert_eq!(audit.counts.calls, 1);
    }
}

/// Every broken promise is found, and put into words.
#[test]
fn every_broken_promise_is_found() {
    let other = Run { life: 2, ..RUN };
    let late = Note::Ended(CALL, Moment(50));
    let unknown = Outcome::Unknown { may_still_run: false };
    let cases: [(&[Note], &[Note], &str); 12] = [
        (&[started(), started()], &[asked(), answered(Outcome::Ok(CALL, RUN))], "ran 2 times"),
        (&[started()], &[], "nobody made it"),
        (&[started(), ended()], &[asked(), answered(Outcome::Never)], "run never, and ran"),
        (&[started()], &[asked(), answered(Outcome::Completed)], "had not"),
        (&[], &[asked(), answered(Outcome::Completed)], "had not"),
        (&[started(), late.clone()], &[asked(), answered(Outcome::Completed)], "had not"),
        (&[started(), late], &[asked(), answered(unknown)], "was said to run no more, and did"),
        (&[], &[asked(), answered(Outcome::Ok(CALL, RUN))], "did not run"),
        (&[started(), ended()], &[asked(), answered(Outcome::Ok(CALL, other))], "was answered by"),
        (&[started(), ended()], &[asked(), answered(Outcome::Ok(CallId(9), RUN))], "got the reply of call"),
        (&[], &[asked(), Note::Closed], "was never answered"),
        (
            &[started(), ended()],
            &[asked(), answered(unknown), Note::Settled(CALL, Moment(60), Outcome::Never)],
            "run never, and ran",
        ),
    ];
    for (by_exporters, by_caller, words) in cases {
        let audit = audit_of(by_exporters, by_caller, &Record::default());
        assert!(audit.findings.iter().any(|finding| finding.contains(words)), "{words}: {:?}", audit.findings);
    }
}

/// A killed caller is owed no answer.
#[test]
fn a_killed_caller_is_owed_no_answer() {
    let record = Record { killed: HashSet::from([(1, 1)]), ..Record::default() };
    let audit = audit_of(&[started()], &[asked()], &record);
    assert_eq!((audit.findings.len(), audit.counts.caller_killed), (0, 1));
}

/// An answer that comes more than a second after its deadline is found, unless its caller stood still.
#[test]
fn answers_come_in_time() {
    let told = Moment(2_000_000);
    let notes = [asked(), Note::Answered(CALL, told, Outcome::Never)];
    let audit = audit_of(&[], &notes, &Record::default());
    assert!(audit.findings[0].contains("after its deadline"), "{:?}", audit.findings);

    let pause = Pause { who: Who::Caller(1), from: Moment(0), until: Moment(1_500_000) };
    let audit = audit_of(&[], &notes, &Record { pauses: vec![pause], ..Record::default() });
    assert_eq!(audit.findings, [""; 0]);
    assert!(audit.counts.late_max_micros < 600_000);
}
