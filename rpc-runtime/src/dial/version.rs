//! Whether an exporter's version of an interface will do for a caller's: what differs is compared, and refused only if it
//! breaks calls.

use bytes::Bytes;
use idl::Interface;

use crate::error::{CallError, ErrorKind};

/// Refuses an exporter whose interface breaks calls, and names what does.
pub(super) fn accept(interface: &Interface, description: &Bytes) -> Result<(), CallError> {
    let name = interface.name();
    let exported = read(&name, description)?;
    let changes = match shared_with(interface, &exported) {
        Some(shared) => idl::compare(&shared, &exported),
        None => return Err(wrong(format!("the exporter's `{name}` has none of the methods that this caller's has"))),
    };
    let breaking: Vec<_> = changes.iter().filter(|change| change.breaking).map(|change| change.what.as_str()).collect();
    if breaking.is_empty() {
        return Ok(());
    }
    Err(wrong(format!(
        "the exporter's `{name}` differs from this caller's in a way that breaks calls: {}; build both from the same version",
        breaking.join("; ")
    )))
}

/// What an exporter says of its interface `name`.
pub(super) fn read(name: &str, description: &Bytes) -> Result<Interface, CallError> {
    let exported = Interface::from_bytes(description)
        .map_err(|error| wrong(format!("the exporter's description of `{name}` cannot be read: {error}")))?;
    match exported.name() {
        exported_name if exported_name == name => Ok(exported),
        other => Err(wrong(format!("the exporter describes `{other}` where `{name}` was asked for"))),
    }
}

fn wrong(text: String) -> CallError {
    CallError::never(ErrorKind::WrongInterface, text)
}

/// The caller's interface without the methods that the exporter does not have: calls of those are refused one by
/// one, and harm no other. `None` if nothing is left.
fn shared_with(interface: &Interface, exported: &Interface) -> Option<Interface> {
    let mut file = interface.file().clone();
    let methods = &mut file.service.first_mut()?.method;
    let all = methods.len();
    methods.retain(|method| exported.methods().any(|other| other.name() == method.name));
    match methods.len() {
        0 if all > 0 => None,
        left if left == all => Some(interface.clone()),
        _ => idl::to_vec(&file).ok().and_then(|bytes| Interface::from_bytes(&bytes).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description is that of the interface which was asked for, or the import fails.
    #[test]
    fn another_interface_is_refused() {
        let description = Interface::build("library.v1", "Store", "").finish().to_bytes();
        assert!(read("library.v1.Store", &description).is_ok());
        for (name, description, words) in [
            ("library.v2.Store", description, "describes `library.v1.Store` where `library.v2.Store` was asked for"),
            ("library.v1.Store", Bytes::from_static(b"\xff"), "cannot be read"),
        ] {
            let error = read(name, &description).expect_err(words);
            assert_eq!(error.kind(), ErrorKind::WrongInterface);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
