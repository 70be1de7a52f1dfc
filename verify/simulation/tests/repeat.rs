//! The same seed gives the same run, bit by bit, on whichever thread it runs.
#![cfg(verify)]

use std::thread;

use verify_simulation::{Scenario, run};

/// The hashes of twenty seeds, in this thread.
fn hashes() -> Vec<u64> {
    (0..20).map(|seed| run(seed, &Scenario::drawn(seed), &[]).hash).collect()
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let here = hashes();
    let elsewhere = thread::spawn(hashes).join().expect("no panic leaves a run");
    assert_eq!(here, elsewhere);
    let distinct: std::collections::BTreeSet<_> = here.iter().collect();
    assert_eq!(distinct.len(), here.len(), "each seed is a run of its own");
}
