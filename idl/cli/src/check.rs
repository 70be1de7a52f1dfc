//! `idl check`: what changed between two versions.

use crate::input;
use idl::Interface;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What changed, in words.
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) is_breaking: bool,
}

pub(crate) fn check(old: &Path, new: &Path, includes: &[PathBuf]) -> Result<Report, String> {
    let (old, new) = (interfaces(old, includes)?, interfaces(new, includes)?);
    let mut text = String::new();
    let (mut changes, mut breaking) = (0, 0);
    let mut tell = |text: &mut String, is_breaking: bool, what: &str| {
        changes += 1;
        breaking += usize::from(is_breaking);
        let _ = writeln!(text, "  {}: {what}", if is_breaking { "breaking" } else { "fine" });
    };
    for interface in &old {
        let name = interface.name();
        match new.iter().find(|other| other.name() == name) {
            None => {
                let _ = writeln!(text, "{name}");
                tell(&mut text, true, "the interface is gone");
            }
            Some(other) => {
                let mut found = idl::compare(interface, other);
                // What matters first.
                found.sort_by_key(|change| !change.breaking);
                if !found.is_empty() {
                    let _ = writeln!(text, "{name}");
                }
                for change in found {
                    tell(&mut text, change.breaking, &change.what);
                }
            }
        }
    }
    for interface in new.iter().filter(|interface| old.iter().all(|other| other.name() != interface.name())) {
        let _ = writeln!(text, "{}", interface.name());
        tell(&mut text, false, "the interface is new");
    }
    let _ = match (changes, breaking) {
        (0, _) => writeln!(text, "nothing has changed that callers can see"),
        (1, 0) => writeln!(text, "1 change, and callers do not break"),
        (1, _) => writeln!(text, "1 change, and it breaks callers"),
        (_, 0) => writeln!(text, "{changes} changes, and none breaks callers"),
        _ => writeln!(text, "{changes} changes, {breaking} of them breaking"),
    };
    Ok(Report { text, is_breaking: breaking > 0 })
}

fn interfaces(path: &Path, includes: &[PathBuf]) -> Result<Vec<Interface>, String> {
    let interfaces = input::read(path, includes)?.interfaces();
    if interfaces.is_empty() {
        return Err(format!("{} has no service in it, so there is nothing that callers could call", path.display()));
    }
    Ok(interfaces)
}
