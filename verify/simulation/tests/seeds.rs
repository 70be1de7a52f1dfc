//! Runs that matter, by name: each kind of danger by itself, and seeds that once broke the promise. A seed stands here with
//! the scenario that it needs, so that it stays what it was when `Scenario::drawn` changes.
#![cfg(verify)]

use verify_simulation::scenario::{FaultKind, Finding};
use verify_simulation::{CallMix, Counts, FaultMix, Scenario, StreamMix, run};

/// Runs so many seeds of a scenario; the promise holds in all of them.
#[track_caller]
fn holds(seeds: std::ops::Range<u64>, scenario: &Scenario) -> Counts {
    let mut total = Counts::default();
    for seed in seeds {
        let outcome = run(seed, scenario, &[]);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
        total += outcome.counts;
    }
    total
}

/// Calls that are under way for long enough that a fault meets them.
fn long_calls() -> CallMix {
    CallMix { instant: 10, work: 100..=800, timeout: 2000..=5000, ..CallMix::plain() }
}

/// Nothing goes wrong: every call that is waited for succeeds, and none is sent twice.
#[test]
fn nothing_goes_wrong() {
    let total =
        holds(0..5, &Scenario { calls: CallMix { timeout: 5000..=5000, ..CallMix::plain() }, ..Scenario::calm() });
    assert_eq!((total.replies, total.resent, total.never, total.unknown), (total.calls, 0, 0, 0));
}

/// Streams that are under way for long enough that a fault meets them, and that their consumers keep their producers waiting.
fn long_streams() -> CallMix {
    let streams =
        StreamMix { weight: 70, items: 5..=30, bytes: 100..=3000, pause: 0..=20, slow: 0..=60, failing: 0, left: 0 };
    CallMix { streams, ..long_calls() }
}

/// Links fail for less than a lease and nobody crashes: every stream comes to its true end (R38, I22).
#[test]
fn every_stream_comes_to_its_end() {
    let total = holds(
        0..20,
        &Scenario { calls: CallMix { timeout: 20_000..=20_000, ..long_streams() }, ..Scenario::links_only() },
    );
    assert_eq!((total.replies, total.never, total.completed, total.unknown), (total.calls, 0, 0, 0), "{total:?}");
    assert!(total.resent > 20 && total.streams > 400, "{total:?}");
}

/// Old connections stand still while streams go on over new ones; then their items come (R26, R38).
#[test]
fn old_connections_items_come_late() {
    let faults = FaultMix::of(&[FaultKind::Freeze], 6..=12, 300..=1800);
    let total = holds(0..20, &Scenario { calls: long_streams(), faults, ..Scenario::calm() });
    assert!(total.resent > 20 && total.streams_ended > 200, "{total:?}");
}

/// Exporters die under streams, sessions run out under others (R38).
#[test]
fn streams_are_lost() {
    let kinds = [FaultKind::KillExporter, FaultKind::PowerLoss, FaultKind::Restart, FaultKind::Cut];
    let mut scenario = Scenario { calls: long_streams(), ..Scenario::calm() };
    scenario.faults = FaultMix::of(&kinds, 4..=8, 50..=2500);
    scenario.limits.session_lease = std::time::Duration::from_millis(600);
    let total = holds(0..20, &scenario);
    assert!(total.unknown > 20, "{total:?}");
}

/// Callers leave their streams, and die with them; few may be open at once (R39).
#[test]
fn streams_are_left() {
    let faults = FaultMix::of(&[FaultKind::KillCaller, FaultKind::Cut], 4..=10, 50..=1500);
    let mut scenario = Scenario { calls: long_streams(), faults, ..Scenario::calm() };
    scenario.calls.streams.left = 60;
    scenario.limits.streams_max = 3;
    let total = holds(0..20, &scenario);
    assert!(total.given_up > 20 && total.never > 20, "{total:?}");
}

/// Old connections stand still while the session goes on over a new one; then their bytes come (R26, R27).
#[test]
fn old_connections_bytes_come_late() {
    let faults = FaultMix::of(&[FaultKind::Freeze], 6..=12, 800..=1800);
    let total = holds(0..20, &Scenario { calls: long_calls(), faults, ..Scenario::calm() });
    assert!(total.resent > 20 && total.from_record > 5, "{total:?}");
}

/// Links fail for less than a lease and nobody crashes: every call gets its verdict (I20).
#[test]
fn every_call_gets_its_verdict() {
    let total = holds(
        0..20,
        &Scenario { calls: CallMix { timeout: 20_000..=20_000, ..long_calls() }, ..Scenario::links_only() },
    );
    assert!(total.resent > 20 && total.unknown == 0, "{total:?}");
}

/// Sessions run out while calls are under way (R4).
#[test]
fn sessions_run_out() {
    let mut scenario = Scenario { calls: long_calls(), ..Scenario::calm() };
    scenario.faults = FaultMix::of(&[FaultKind::Cut, FaultKind::Hold], 4..=8, 500..=2500);
    scenario.limits.session_lease = std::time::Duration::from_millis(600);
    let total = holds(0..20, &scenario);
    assert!(total.unknown > 20, "{total:?}");
}

/// Exporters die and come back, also unheard.
#[test]
fn exporters_crash() {
    let faults = FaultMix::of(&[FaultKind::KillExporter, FaultKind::PowerLoss], 4..=8, 50..=1000);
    let total = holds(0..20, &Scenario { calls: long_calls(), faults, ..Scenario::calm() });
    assert!(total.unknown > 20, "{total:?}");
}

/// Exporters end in order under load: what is refused is made again elsewhere or later (R31).
#[test]
fn exporters_restart_in_order() {
    let faults = FaultMix::of(&[FaultKind::Restart], 3..=6, 10..=10);
    let shutdown = std::time::Duration::from_secs(1);
    // Longer than a call waits for an exporter that comes back: no deadline passes while it runs.
    let calls = CallMix { timeout: 20_000..=20_000, ..long_calls() };
    let scenario = Scenario { calls, faults, shutdown, finding: Finding::Memory, ..Scenario::calm() };
    let total = holds(0..20, &scenario);
    assert_eq!(total.unknown, 0, "the goodbye tells what became of each call: {total:?}");
}

/// Callers die and come back; their new life ends their old one's sessions (R18).
#[test]
fn callers_crash() {
    let faults = FaultMix::of(&[FaultKind::KillCaller, FaultKind::Freeze], 4..=10, 50..=1500);
    holds(0..20, &Scenario { calls: long_calls(), faults, owners: true, ..Scenario::calm() });
}

/// The nameserver dies, comes back, and is cut off, while exporters crash.
#[test]
fn the_nameserver_is_away() {
    let kinds = [FaultKind::KillNameserver, FaultKind::CutNameserver, FaultKind::KillExporter, FaultKind::Restart];
    let faults = FaultMix::of(&kinds, 3..=8, 100..=1500);
    holds(0..10, &Scenario { faults, finding: Finding::Nameserver, ..Scenario::calm() });
}
