//! See [`verify_fuzz::registry_records`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verify_fuzz::in_time(verify_fuzz::registry_records::run, bytes));
