//! See [`verify_fuzz::callee_handshake`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verify_fuzz::in_time(verify_fuzz::callee_handshake::run, bytes));
