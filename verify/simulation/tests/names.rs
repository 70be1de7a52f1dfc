//! Names under bad weather keep what the registry promises.
#![cfg(verify)]

use verify_simulation::names;

/// So many seeds, each twice: the second time shows that the seed alone decides.
const SEEDS: u64 = 30;

/// I17, I18, R25: epochs rise, a registration is ended by its own exporter only, watches have no gap, nothing that was
/// acknowledged is lost.
#[test]
fn names_keep_their_promises() {
    let mut registrations = 0;
    for seed in 0..SEEDS {
        let outcome = names::run(seed, &[], false);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
        registrations += outcome.counts.calls;
        assert_eq!(names::run(seed, &[], false).hash, outcome.hash, "seed {seed} is another run the second time");
    }
    assert!(registrations > SEEDS * 3, "{registrations} registrations are too few to show anything");
}
