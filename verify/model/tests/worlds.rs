//! Every world, to its last state: no promise is broken.
#![cfg(verify)]

use verify_model::planted::CASES;
use verify_model::setup::Setup;
use verify_model::{check, dangers, worlds};

/// Makes the list of the worlds, and a test of each.
macro_rules! worlds {
    ($($name:ident)*) => {
        const ALL: &[fn() -> Setup] = &[$(worlds::$name),*];

        $(#[test]
        fn $name() {
            let seen = check::all_of(worlds::$name(), &[]);
            assert!(seen.broken().is_empty(), "{}", seen.counterexamples());
        })*
    };
}
worlds! {
    two_callers one_caller restart leases endings succession farewell deadlines scarce shared_room messy messy_cuts marked
    marked_endings strangers zombies
}

/// That a planted defect is found in a world says something only if nothing is found there without it.
#[test]
fn no_world_is_used_that_is_not_walked_through() {
    let used = CASES.iter().map(|case| case.world).chain(dangers::ALL.iter().map(|danger| danger.world));
    for world in used {
        let name = world().name;
        assert!(ALL.iter().any(|walked| walked().name == name), "the world \"{name}\" has no test of its own");
    }
}
