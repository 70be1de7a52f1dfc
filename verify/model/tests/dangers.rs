//! The dangerous paths are really taken.
#![cfg(verify)]

use verify_model::{check, dangers};

#[test]
fn every_dangerous_path_is_taken() {
    for danger in dangers::ALL {
        let world = (danger.world)();
        let seen = check::way_to(danger.name, world.clone(), &[]);
        let steps = seen.found.get(danger.name).unwrap_or_else(|| panic!("\"{}\" is never reached", danger.name));
        check::report(&format!("\"{}\" is reached in {} steps, world \"{}\"", danger.name, steps.len(), world.name));
    }
}
