//! See [`verify_fuzz::first_byte`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verify_fuzz::in_time(verify_fuzz::first_byte::run, bytes));
