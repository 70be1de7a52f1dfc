//! The wording of compile errors: each file has one mistake, and beside it stands what the user is told.
//!
//! After a wanted change, `TRYBUILD=overwrite cargo test -p rpc-runtime --test compile_fail` writes the texts anew.

/// Every mistake is reported once, at its own tokens, in words that say what to write instead.
#[test]
fn mistakes_are_reported_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
