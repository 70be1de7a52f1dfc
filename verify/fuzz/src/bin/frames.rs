//! See [`verify_fuzz::frames`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verify_fuzz::in_time(verify_fuzz::frames::run, bytes));
