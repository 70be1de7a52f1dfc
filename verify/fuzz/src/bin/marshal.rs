//! See [`verify_fuzz::marshal`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verify_fuzz::in_time(verify_fuzz::marshal::run, bytes));
