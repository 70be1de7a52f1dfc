//! The command that measures, in short: every contender's processes start, call, and end.
#![allow(missing_docs, reason = "a test")]

use std::process::Command;

use serde_json::Value;

/// Every contender is measured in every workload, and the report has a table, goals and plots.
#[test]
fn everything_is_measured() {
    let out = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["run", "--rounds", "1", "--seconds", "0.1", "--workloads", "lat,lat-1cpu,pipe,conns,big", "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let results: Value = serde_json::from_slice(&std::fs::read(out.path().join("results.json")).unwrap()).unwrap();
    assert_eq!(results["failures"], Value::Array(Vec::new()), "{said}");
    let runs = results["runs"].as_array().unwrap();
    for contender in ["rpc-runtime", "raw tokio", "raw blocking"] {
        // Five workloads, and two of them over Unix sockets.
        assert!(runs.iter().filter(|run| run["contender"] == contender).count() >= 7, "{contender}: {said}");
    }
    let page = std::fs::read_to_string(out.path().join("results.md")).unwrap();
    assert!(page.contains("| rpc-runtime |") && page.contains("pipe: ours / raw tokio"), "{page}");
    for file in ["lat-1cpu.svg", "pipe.png", "conns.svg", "big.png", "cpu.svg"] {
        assert!(out.path().join(file).exists(), "{file} was not drawn");
    }
}

/// A name that nobody has is answered by the names that there are.
#[test]
fn unknown_contenders_are_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(["run", "--only", "nobody"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("raw tokio"));
}
