//! Every world with a stream, to its last state: no promise is broken, and each planted defect of streams is found.
#![cfg(verify)]

use verify_model::streams;

/// Makes a test of each world, and the list of all.
macro_rules! worlds {
    ($($name:ident)*) => {
        const ALL: &[fn() -> streams::Setup] = &[$(streams::$name),*];

        $(#[test]
        fn $name() {
            let seen = streams::all_of(streams::$name(), &[]);
            assert!(seen.counterexamples().is_empty(), "{}", seen.counterexamples());
        })*
    };
}
worlds! { down up down_messy up_messy }

#[test]
fn planted_defects_are_found() {
    for case in streams::CASES {
        let name = (case.world)().name;
        assert!(ALL.iter().any(|walked| walked().name == name), "the world \"{name}\" has no test of its own");
        streams::must_be_found(*case);
    }
}
