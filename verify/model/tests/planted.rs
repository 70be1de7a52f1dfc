//! No switch in the protocol is left without a case.
#![cfg(verify)]

use std::path::Path;

use verify_model::planted::CASES;
use verify_model::streams;

/// The names that stand after `planted(Bug::` in the files of a directory and of those in it.
fn planted_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("the sources are beside this crate");
    let names = entries.flatten().flat_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return planted_in(&path);
        }
        let text = std::fs::read_to_string(&path).expect("a source file is text");
        let after = text.split("planted(Bug::").skip(1);
        after.map(|rest| rest.split(')').next().unwrap_or_default().to_owned()).collect()
    });
    names.collect()
}

#[test]
fn every_defect_of_the_protocol_has_a_case() {
    let protocol = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rpc-runtime/src/protocol");
    let planted = planted_in(&protocol);
    assert!(!planted.is_empty(), "no switch was found in {}", protocol.display());
    for name in planted {
        let is_tested = |bug| format!("{bug:?}") == name;
        let planted = CASES.iter().map(|case| (case.bug, case.partner));
        let mut planted = planted.chain(streams::CASES.iter().map(|case| (case.bug, case.partner)));
        let is_found = planted.any(|(bug, partner)| is_tested(bug) || partner.is_some_and(is_tested));
        assert!(is_found, "`Bug::{name}` is planted in the protocol, and no case of the model finds it");
    }
}
