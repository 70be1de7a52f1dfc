//! Every input that was found so far, run once, without libFuzzer and its coverage.

use std::fs;
use std::panic::{set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[test]
fn what_was_found_is_survived() {
    let present = Arc::new(Mutex::new(PathBuf::new()));
    let (shown, print) = (Arc::clone(&present), take_hook());
    // As under libFuzzer: a panic is one wherever it is, also in a task that nobody waits for.
    set_hook(Box::new(move |panic| {
        print(panic);
        eprintln!("the input is {}", shown.lock().expect("nobody panics with it").display());
        std::process::abort();
    }));
    for (name, run) in verify_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut inputs = 0;
        for input in fs::read_dir(&folder).expect("every target has a corpus") {
            let path = input.expect("a file").path();
            let bytes = fs::read(&path).expect("a readable file");
            *present.lock().expect("nobody panics with it") = path;
            run(&bytes);
            inputs += 1;
        }
        assert!(inputs > 0, "{} is empty", folder.display());
    }
}

/// What is smallest on the wire, very often: the same field again and again, empty, of every number, in every kind of
/// message; and the last calls of a farewell likewise.
#[test]
fn repetition_costs_no_more_than_it_may() {
    const TIMES: usize = 25_000;
    for kind in 0..4 {
        for tag in 1..=16_u8 {
            for wire in [0, 2] {
                let mut input = vec![kind];
                input.extend([[tag << 3 | wire, 0]; TIMES].concat());
                // A description is one of an interface.
                input.extend(b"\x32\0");
                verify_fuzz::marshal::run(&input);
            }
        }
    }
    let mut goodbye = vec![0];
    goodbye.extend((2 * TIMES as u32 + 1).to_le_bytes());
    goodbye.push(70);
    goodbye.extend(b"\x12\0".repeat(TIMES));
    verify_fuzz::frames::run(&goodbye);
}
