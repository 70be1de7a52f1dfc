//! Each planted bug is found: the proof that the simulation tests what it says. One test for each, made from one list, with a
//! scenario in which the bug matters often.
#![cfg(verify)]

use std::time::Duration;

use verify_simulation::scenario::{FaultKind, Finding};
use verify_simulation::{Bug, CallMix, FaultMix, Outcome, Rule, Scenario, StreamMix, names, run};

/// So many seeds are tried; most bugs need a few.
const SEEDS_MAX: u64 = 400;

/// The list: a test's name, the bug that it plants, with its partner if it does harm in pairs only, the rules of which one is
/// broken, and the world in which that happens.
macro_rules! found_by_simulation {
    ($($test:ident: $bug:ident $(with $partner:ident)? => $($rule:ident)|+ in $world:expr;)+) => {
        /// The bugs that a test here plants.
        const FOUND_BY_SIMULATION: &[Bug] = &[$(Bug::$bug),+];

        $(
            #[test]
            fn $test() {
                find(&[Bug::$bug], &[$(Bug::$partner)?], &[$(Rule::$rule),+], $world);
            }
        )+
    };
}

found_by_simulation! {
    m1_record_after_end: RecordAfterEnd => StartedTwice in World::Calls(links);
    m2_refusal_keeps_number: RefusalKeepsNumber with OldConnectionServed => RanAfterNever in World::Calls(refused);
    m3_number_used_again: NumberUsedAgain => WrongReply in World::Calls(dropping);
    m4_slot_freed_on_drop: SlotFreedOnDrop => NoVerdict in World::Calls(dropping_owed);
    m5_timeout_is_completed: TimeoutIsCompleted => NotCompleted in World::Calls(impatient);
    m6_incarnation_from_clock: IncarnationFromClock with TokenNotChecked => StartedTwice | WrongReply in World::Calls(killed);
    m7_session_on_demand: SessionOnDemand => StartedTwice in World::Calls(silent);
    m8_check_then_insert: CheckThenInsert => StartedTwice in World::Calls(queued);
    m11_large_reply_drops_record: LargeReplyDropsRecord => StartedTwice in World::Calls(large);
    m12_fail_over_on_timeout: FailOverOnTimeout => StartedTwice in World::Calls(killed);
    m13_remaining_time_sent: RemainingTimeSent => StartedLate in World::Calls(late);
    m16_token_not_checked: TokenNotChecked => TokenIgnored in World::Calls(strange);
    m17_last_verdict_wins: LastVerdictWins => RanAfterNever in World::Calls(repeating);
    m18_unregister_by_name: UnregisterByName => RemovedAnother in World::Names;
    m19_watch_from_now: WatchFromNow => WatchGap in World::Names;
    m21_late_subscriber_misses: LateSubscriberMisses => LastWordMissed in World::Calls(Scenario::calm);
    m23_slot_leaks: SlotLeaks => NotHealed in World::Calls(Scenario::calm);
    m24_lost_session_is_never: LostSessionIsNever => StartedTwice | RanAfterNever in World::Calls(silent);
    m25_answer_by_slot_alone: AnswerBySlotAlone => WrongReply in World::Calls(dropping);
    m26_old_connection_keeps_table: OldConnectionKeepsTable => StartedTwice in World::Calls(frozen);
    m29_reply_where_call_came_from: ReplyWhereCallCameFrom => NoVerdict in World::Calls(owed);
    m31_forgotten_while_running: ForgottenWhileRunning => StillRan in World::Calls(silent);
    m32_old_answer_accepted: OldAnswerAccepted => WrongReply in World::Calls(haunted);
    m33_call_missing_in_resend: CallMissingInResend => NoVerdict in World::Calls(owed);
    m35_result_lost_unattached: ResultLostUnattached => NoVerdict | NotHealed in World::Calls(owed);
    m38_late_checked_on_arrival_only: LateCheckedOnArrivalOnly => StartedLate in World::Calls(queued);
    m39_waiting_forgotten_on_resume: WaitingForgottenOnResume => WrongItem in World::Calls(streaming);
    m40_repeated_item_taken: RepeatedItemTaken with ResumedFromAcknowledged => WrongItem in World::Calls(streaming);
    m41_loss_taken_for_end: LossTakenForEnd => CutShort in World::Calls(streaming_killed);
    m42_window_not_charged: WindowNotCharged => WindowPassed in World::Calls(streaming_calm);
    m43_received_is_consumed: ReceivedIsConsumed => WindowPassed in World::Calls(streaming_calm);
    m44_resumed_unheard: ResumedUnheard => Hang | NotHealed in World::Calls(streaming);
    m45_cancel_misses_producer: CancelMissesProducer => StreamLeaks in World::Calls(streaming_calm);
    m46_stream_not_given_back: StreamNotGivenBack => StreamLeaks in World::Calls(streaming_calm);
    m47_position_not_told: PositionNotTold => Hang in World::Calls(streaming);
}

/// Where a bug is looked for.
enum World {
    /// Callers and exporters.
    Calls(fn() -> Scenario),
    /// Exporters that fight for names, and watchers.
    Names,
}

/// Runs seeds with the bug until a rule is broken that it breaks. The same seed without the bug breaks none; with the partner
/// alone, none of these.
fn find(bugs: &[Bug], partners: &[Bug], rules: &[Rule], world: World) {
    let run = |seed, bugs: &[Bug]| match &world {
        World::Calls(scenario) => run(seed, &scenario(), bugs),
        World::Names => names::run(seed, bugs, false),
    };
    let is_found = |outcome: &Outcome| rules.iter().any(|rule| outcome.broke(*rule));
    let all = [bugs, partners].concat();
    let mut others = Vec::new();
    for seed in 0..SEEDS_MAX {
        let outcome = run(seed, &all);
        if is_found(&outcome) {
            let without = run(seed, partners);
            let is_clean = if partners.is_empty() { without.violations.is_empty() } else { !is_found(&without) };
            assert!(is_clean, "seed {seed} finds as much without the bug: {:#?}", without.violations);
            return;
        }
        others.extend(outcome.violations.first().map(|violation| format!("seed {seed}: {violation}")));
    }
    others.truncate(5);
    panic!("{all:?} is not found by {rules:?} in {SEEDS_MAX} seeds; other rules: {others:#?}");
}

/// Connections are lost, one after another; nobody crashes.
fn links() -> Scenario {
    let mut scenario = Scenario::calm();
    let kinds = [FaultKind::OneWay, FaultKind::Cut, FaultKind::Hold, FaultKind::Freeze];
    scenario.faults = FaultMix::of(&kinds, 8..=12, 100..=900);
    scenario.limits.session_lease = Duration::from_secs(10);
    scenario.calls = CallMix { timeout: 3000..=5000, work: 50..=800, instant: 20, ..CallMix::plain() };
    scenario
}

/// As [`links`], and each call must get its verdict.
fn owed() -> Scenario {
    let mut scenario = links();
    scenario.calls.timeout = 8000..=8000;
    scenario.verdicts_owed = true;
    scenario
}

/// Calls wait for a handler, and are given up meanwhile.
fn queued() -> Scenario {
    let mut scenario = links();
    scenario.workers = 5;
    scenario.limits.handlers_max = 1;
    scenario.calls = CallMix { timeout: 100..=3000, work: 50..=400, instant: 0, dropped: 20, ..CallMix::plain() };
    scenario
}

/// Connections stand still; new ones work; then the old ones' bytes come.
fn frozen() -> Scenario {
    let mut scenario = links();
    scenario.workers = 5;
    scenario.faults = FaultMix::of(&[FaultKind::Freeze], 8..=12, 300..=1500);
    scenario
}

/// Sessions end while old connections stand still, and calls of new sessions have the numbers of old ones.
fn haunted() -> Scenario {
    let mut scenario = frozen();
    scenario.faults.millis = 700..=2500;
    scenario.limits.session_lease = Duration::from_millis(600);
    scenario.calls = CallMix { timeout: 3000..=6000, work: 200..=2500, instant: 0, ..CallMix::plain() };
    scenario
}

/// Exporters hear nothing for longer than a lease, and are heard.
fn silent() -> Scenario {
    let mut scenario = Scenario::calm();
    scenario.workers = 5;
    scenario.active = Duration::from_secs(12);
    scenario.faults = FaultMix::of(&[FaultKind::OneWay, FaultKind::OneWay, FaultKind::Cut], 6..=10, 1800..=4500);
    scenario.calls = CallMix { timeout: 6000..=9000, work: 100..=2800, instant: 0, ..CallMix::plain() };
    scenario
}

/// Callers do not wait for the end.
fn impatient() -> Scenario {
    let mut scenario = Scenario::calm();
    scenario.calls = CallMix { timeout: 20..=200, work: 50..=600, instant: 0, ..CallMix::plain() };
    scenario
}

/// Callers drop their calls.
fn dropping() -> Scenario {
    let mut scenario = links();
    scenario.limits.slots_max = 3;
    scenario.calls.dropped = 40;
    scenario
}

/// Callers drop their calls, and get verdicts of those that they do not drop.
fn dropping_owed() -> Scenario {
    let mut scenario = owed();
    scenario.limits.slots_max = 3;
    scenario.calls.dropped = 40;
    scenario
}

/// Calls find neither a handler nor room to wait for one.
fn refused() -> Scenario {
    let mut scenario = frozen();
    scenario.limits.handlers_max = 1;
    scenario.limits.queued_bytes_max = 0;
    scenario
}

/// Calls arrive after their deadline.
fn late() -> Scenario {
    let mut scenario = Scenario::calm();
    scenario.faults = FaultMix::of(&[FaultKind::Hold, FaultKind::Slow], 8..=12, 100..=600);
    scenario.calls = CallMix { timeout: 20..=300, work: 1..=50, ..CallMix::plain() };
    scenario
}

/// Replies are larger than what is kept.
fn large() -> Scenario {
    let mut scenario = links();
    scenario.limits.session_reply_bytes_max = 4096;
    scenario.calls = CallMix { large: 60, large_bytes: 4000..=20_000, ..scenario.calls };
    scenario
}

/// Exporters are killed, and are back soon.
fn killed() -> Scenario {
    let mut scenario = Scenario::calm();
    scenario.faults = FaultMix::of(&[FaultKind::KillExporter, FaultKind::PowerLoss], 6..=10, 10..=400);
    scenario.calls = CallMix { timeout: 2000..=4000, work: 50..=800, instant: 20, ..CallMix::plain() };
    scenario
}

/// Calls that may run twice are lost with their exporter, which does not come back in time.
fn repeating() -> Scenario {
    let mut scenario = killed();
    scenario.faults = FaultMix::of(&[FaultKind::PowerLoss, FaultKind::Restart, FaultKind::OneWay], 6..=10, 500..=3000);
    scenario.calls = CallMix { idempotent: 100, timeout: 300..=3500, work: 50..=400, ..scenario.calls };
    scenario
}

/// Streams of all kinds, and nothing goes wrong.
fn streaming_calm() -> Scenario {
    let mut scenario = Scenario::calm();
    scenario.calls = CallMix { streams: streams(), ..CallMix::plain() };
    scenario
}

/// As [`links`], with streams of all kinds.
fn streaming() -> Scenario {
    let mut scenario = links();
    scenario.calls.streams = streams();
    scenario
}

/// As [`killed`], with streams of all kinds.
fn streaming_killed() -> Scenario {
    let mut scenario = killed();
    scenario.calls.streams = streams();
    scenario
}

/// Long enough that a fault meets them, and that a slow consumer stops its producer.
fn streams() -> StreamMix {
    StreamMix { weight: 60, items: 5..=30, bytes: 100..=3000, pause: 0..=20, slow: 0..=60, failing: 10, left: 10 }
}

/// Somebody wants the sessions of others.
fn strange() -> Scenario {
    let mut scenario = Scenario::calm();
    scenario.finding = Finding::Memory;
    scenario.stranger = true;
    scenario
}

/// A bug that nothing finds: each is planted by a test here, or by one of the model's.
#[test]
fn every_bug_is_looked_for() {
    // They are no defects by themselves, but the partners of some.
    let partners = [Bug::OldConnectionServed, Bug::ResumedFromAcknowledged];
    let is_looked_for = |bug: &&Bug| {
        FOUND_BY_SIMULATION.contains(bug)
            || verify_model::planted::CASES.iter().any(|case| case.bug == **bug)
            || partners.contains(bug)
    };
    let nobody: Vec<_> = Bug::ALL.iter().filter(|bug| !is_looked_for(bug)).collect();
    assert!(nobody.is_empty(), "nothing looks for {nobody:?}");
}
