//! Names as they stand on the wire, and the number that a method's name becomes.

use syn::Ident;
use syn::ext::IdentExt;

/// The name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// `check_out` becomes `CheckOut`: the name of a method in an interface's description.
pub(crate) fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for word in name.split('_') {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            camel.extend(first.to_uppercase());
            camel.push_str(letters.as_str());
        }
    }
    camel
}

/// FNV-1a with 32 bits: the number by which a call names its method.
///
/// A hash and not a position, so that adding a method or moving one changes no other's number.
pub(crate) fn method_id(wire_name: &str) -> u32 {
    wire_name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Whether the name may stand in a description: a letter, then letters, digits and `_`.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Whether the name is a package: identifiers joined by dots.
pub(crate) fn is_package(name: &str) -> bool {
    name.split('.').all(is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words are joined with capitals, and nothing else about them changes.
    #[test]
    fn methods_get_camel_case_names() {
        assert_eq!(camel_case("check_out"), "CheckOut");
        assert_eq!(camel_case("get_2d"), "Get2d");
        assert_eq!(camel_case("_x__y"), "XY");
        assert_eq!(camel_case("run"), "Run");
    }

    /// The two published test vectors of FNV-1a.
    #[test]
    fn method_ids_are_fnv_1a() {
        assert_eq!(method_id(""), 0x811c_9dc5);
        assert_eq!(method_id("foobar"), 0xbf9c_f968);
    }

    /// What a description can hold, and what it cannot.
    #[test]
    fn packages_are_identifiers_joined_by_dots() {
        assert!(is_package("library.v1"));
        assert!(!is_package("library."));
        assert!(!is_package("1st.v1"));
        assert!(!is_package("a-b"));
    }
}
