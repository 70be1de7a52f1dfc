//! The wording of compile errors about messages that prost made.
//!
//! After a wanted change, `TRYBUILD=overwrite cargo test -p compiled-protos --test compile_fail` writes the texts anew.

/// What lacks is named, at the type.
#[test]
fn mistakes_are_reported_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
