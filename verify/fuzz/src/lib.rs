//! Untrusted bytes: each module is one fuzz target. Its `run` does with an input what the product does with what a
//! stranger sends, and panics if a promise is broken: bytes never panic, never hang, and cost memory for what came,
//! not for what was claimed. Damage is refused, never taken for something else.
//!
//! `run` (the script beside this crate) searches with libFuzzer for inputs that reach new code; `cargo test` runs the
//! inputs that were found so far, `corpus/`, once.

mod bounds;
pub mod callee_handshake;
pub mod caller_handshake;
pub mod first_byte;
pub mod frames;
mod input;
pub mod marshal;
mod peer;
pub mod registry_records;

pub use bounds::in_time;

/// What a target does with an input.
pub type Run = fn(&[u8]);

/// Every target, by the name of its binary and of its folder in `corpus/`.
pub const TARGETS: [(&str, Run); 6] = [
    ("callee_handshake", callee_handshake::run),
    ("caller_handshake", caller_handshake::run),
    ("first_byte", first_byte::run),
    ("frames", frames::run),
    ("marshal", marshal::run),
    ("registry_records", registry_records::run),
];
