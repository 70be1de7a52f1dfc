//! The whole application, as a user runs it.

use crate::program::{objects, whole};

/// Everything runs, a store is killed and comes back, connections are cut; in the end the audit is good, and so is the exit code.
/// On the same data a second time, shelves go on where they were.
#[test]
fn it_survives_its_mishaps() {
    let dir = tempfile::tempdir().expect("a directory");
    objects(&dir.path().join("objects"));
    let (folder, data) = (dir.path().join("objects"), dir.path().join("data"));
    let (folder, data) = (folder.to_str().expect("text"), data.to_str().expect("text"));
    let common = ["--objects", folder, "--data", data, "--seconds", "3", "--away", "0.5", "--customers", "2"];
    for _ in 0..2 {
        let output = whole(&common);
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}\n{errors}");
        for words in [
            "kill -9",
            "is back, on the same shelf",
            "6 of 6",
            "audit: every object accounted for, double executions 0",
        ] {
            assert!(said.contains(words), "{words} is missing in\n{said}");
        }
    }
}

/// What cannot work is said in words, and the exit code says so too.
#[test]
fn it_says_what_is_wrong() {
    let output = whole(&["--objects", "/nowhere/at/all"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no folder of objects at /nowhere/at/all"));
    let empty = tempfile::tempdir().expect("a directory");
    let output = whole(&["--objects", empty.path().to_str().expect("text")]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to lend"));
}

/// Each program explains itself.
#[test]
fn every_program_has_help() {
    for program in ["run", "nameserver", "store", "client-manager", "customer", "supplier"] {
        let output = whole(&[program, "--help"]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("Usage:"), "{program}");
    }
}
