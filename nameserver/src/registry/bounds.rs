//! Every bound of the registry, by name, and the check of what comes in against them.

use std::time::Duration;

use rpc_runtime::directory::nameserver::Refusal;
use rpc_runtime::directory::{Entry, RegisterMode, Registration};

/// Registrations at one time.
pub const ENTRIES_MAX: usize = 100_000;
/// Bytes of all entries together.
pub const ENTRIES_BYTES_MAX: usize = 256 << 20;
/// Bytes of one entry: names, endpoints, labels and groups.
pub const ENTRY_BYTES_MAX: usize = 8 << 10;
/// Bytes of an interface's full name.
pub const INTERFACE_BYTES_MAX: usize = 256;
/// Bytes of an instance's name.
pub const INSTANCE_BYTES_MAX: usize = 128;
/// Bytes of the beginning of an automatic name: it is completed with a number of up to 20 digits.
pub const AUTO_BYTES_MAX: usize = INSTANCE_BYTES_MAX - 21;
/// Endpoints of one entry.
pub const ENDPOINTS_MAX: usize = 16;
/// Bytes of one endpoint.
pub const ENDPOINT_BYTES_MAX: usize = 256;
/// Labels of one entry.
pub const LABELS_MAX: usize = 32;
/// Bytes of a label's name.
pub const LABEL_KEY_BYTES_MAX: usize = 64;
/// Bytes of a label's value; it may be empty.
pub const LABEL_VALUE_BYTES_MAX: usize = 256;
/// Groups of one entry.
pub const GROUPS_MAX: usize = 16;
/// Bytes of a group's name.
pub const GROUP_BYTES_MAX: usize = 128;
/// Bytes of an owner; it may be empty.
pub const OWNER_BYTES_MAX: usize = 128;
/// The shortest time to live: with less, renewals would be the nameserver's main business.
pub const TTL_MIN: Duration = Duration::from_millis(100);
/// The longest time to live.
pub const TTL_MAX: Duration = Duration::from_secs(3600);
/// Where no registry's numbers arrive: what is read from disk may not exceed it, so that counting on cannot overflow.
pub const COUNTER_MAX: u64 = 1 << 62;
/// Registrations of one renewal call.
pub const RENEWALS_MAX: usize = 10_000;
/// Changes that wait for the disk; beyond that new ones are refused.
pub const PENDING_MAX: usize = 8_192;
/// Changes that a watcher can catch up with; one that is further behind gets a snapshot.
pub const HISTORY_MAX: usize = 100_000;
/// Bytes of the entries in that history.
pub const HISTORY_BYTES_MAX: usize = 64 << 20;
/// Ended registrations whose end is remembered, so that they do not come back.
pub const ENDED_MAX: usize = 100_000;
/// Bytes of entries in one reply: a page of a snapshot, a batch of events, what a lookup found.
pub const REPLY_BYTES_MAX: usize = 512 << 10;

/// What one entry counts towards the bounds in bytes: its text, and a flat rate for what holds it.
pub fn size(entry: &Entry) -> usize {
    const FLAT: usize = 128;
    let labels: usize = entry.labels.iter().map(|(key, value)| key.len() + value.len()).sum();
    let lists: usize = entry.endpoints.iter().chain(&entry.groups).map(String::len).sum();
    FLAT + entry.interface.len() + entry.instance.len() + labels + lists
}

/// Whether `registration` is within the bounds and says what it must; otherwise what to change.
pub fn check(registration: &Registration) -> Result<(), Refusal> {
    interface(&registration.interface)?;
    match registration.mode {
        RegisterMode::AutoNamed if registration.instance.is_empty() => {}
        RegisterMode::AutoNamed => text("beginning of the instance name", &registration.instance, AUTO_BYTES_MAX)?,
        RegisterMode::Exclusive | RegisterMode::Takeover => {
            text("instance name", &registration.instance, INSTANCE_BYTES_MAX)?;
        }
    }
    if registration.endpoints.is_empty() {
        return invalid(
            "there is no endpoint: say where to reach the exporter, `tcp://10.0.0.7:4711` or `unix:/run/store.sock`",
        );
    }
    count("endpoints", registration.endpoints.len(), ENDPOINTS_MAX)?;
    for endpoint in &registration.endpoints {
        text("endpoint", endpoint, ENDPOINT_BYTES_MAX)?;
        if endpoint.contains(char::is_whitespace) {
            return invalid(format!("endpoint {endpoint:?} contains white space: remove it"));
        }
    }
    count("labels", registration.labels.len(), LABELS_MAX)?;
    for (key, value) in &registration.labels {
        text("label name", key, LABEL_KEY_BYTES_MAX)?;
        if !value.is_empty() {
            text("label value", value, LABEL_VALUE_BYTES_MAX)?;
        }
    }
    count("groups", registration.groups.len(), GROUPS_MAX)?;
    for group in &registration.groups {
        text("group name", group, GROUP_BYTES_MAX)?;
    }
    if !registration.owner.is_empty() {
        text("owner", &registration.owner, OWNER_BYTES_MAX)?;
    }
    if !(TTL_MIN..=TTL_MAX).contains(&registration.ttl) {
        let ttl = registration.ttl;
        return invalid(format!("the ttl is {ttl:?}: choose one between {TTL_MIN:?} and {TTL_MAX:?}"));
    }
    Ok(())
}

/// Whether `name` can be the full name of an interface.
pub fn interface(name: &str) -> Result<(), Refusal> {
    text("interface name", name, INTERFACE_BYTES_MAX)?;
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
        return Ok(());
    }
    invalid(format!(
        "interface name {name:?} has characters other than letters, digits, `_` and `.`: \
         give the full name, like `library.v1.Store`"
    ))
}

/// Whether the size of an entry is within its bound.
pub fn entry(entry: &Entry) -> Result<(), Refusal> {
    let bytes = size(entry);
    if bytes <= ENTRY_BYTES_MAX {
        return Ok(());
    }
    invalid(format!(
        "the entry takes {bytes} bytes, at most {ENTRY_BYTES_MAX} are kept: \
         use shorter or fewer labels, groups and endpoints"
    ))
}

fn text(what: &str, value: &str, bytes_max: usize) -> Result<(), Refusal> {
    if value.is_empty() {
        return invalid(format!("the {what} is empty: give one of 1 to {bytes_max} bytes"));
    }
    if value.len() > bytes_max {
        let bytes = value.len();
        return invalid(format!("the {what} has {bytes} bytes, at most {bytes_max} are kept: shorten it"));
    }
    if value.contains(char::is_control) || value.trim() != value {
        return invalid(format!("the {what} {value:?} has control characters, or white space at an end: remove them"));
    }
    Ok(())
}

fn count(what: &str, count: usize, max: usize) -> Result<(), Refusal> {
    if count <= max {
        return Ok(());
    }
    invalid(format!("there are {count} {what}, at most {max} are kept: leave some out"))
}

/// A refusal of what came in; `what` says what to change.
pub fn invalid<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid { what: what.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::registration;

    fn refused(change: impl FnOnce(&mut Registration)) -> String {
        let mut registration = registration("a-m", 1);
        change(&mut registration);
        check(&registration).expect_err("out of bounds").to_string()
    }

    /// Whatever is out of bounds is refused in words that say which bound, and what to do.
    #[test]
    fn refusals_say_what_to_do() {
        assert_eq!(check(&registration("a-m", 1)), Ok(()));
        let long = |n: usize| "x".repeat(n);
        let cases = [
            (refused(|r| r.interface = "Store!".into()), "give the full name"),
            (refused(|r| r.interface = long(257)), "at most 256"),
            (refused(|r| r.instance = String::new()), "the instance name is empty"),
            (refused(|r| r.instance = long(129)), "at most 128"),
            (refused(|r| r.instance = " a".into()), "remove them"),
            (refused(|r| r.instance = "a\nb".into()), "remove them"),
            (refused(|r| r.endpoints = vec![]), "say where to reach"),
            (refused(|r| r.endpoints = vec!["tcp://a b".into()]), "white space"),
            (refused(|r| r.endpoints = vec![long(257)]), "at most 256"),
            (refused(|r| r.endpoints = vec!["tcp://a:1".into(); 17]), "17 endpoints, at most 16"),
            (refused(|r| r.labels = (0..33).map(|n| (n.to_string(), long(1))).collect()), "33 labels, at most 32"),
            (refused(|r| r.labels = [(long(65), long(1))].into()), "at most 64"),
            (refused(|r| r.labels = [(long(1), long(257))].into()), "at most 256"),
            (refused(|r| r.groups = vec!["g".into(); 17]), "17 groups, at most 16"),
            (refused(|r| r.groups = vec![long(129)]), "at most 128"),
            (refused(|r| r.owner = long(129)), "at most 128"),
            (refused(|r| r.ttl = Duration::from_millis(99)), "between 100ms and 3600s"),
            (refused(|r| r.ttl = Duration::from_secs(3601)), "between 100ms and 3600s"),
        ];
        for (said, expected) in cases {
            assert!(said.contains(expected), "{said:?} should say {expected:?}");
        }
    }

    /// A label's value and the beginning of an automatic name may be empty.
    #[test]
    fn what_may_be_empty() {
        let mut registration = registration("", 1);
        registration.mode = RegisterMode::AutoNamed;
        registration.labels.insert("canary".into(), String::new());
        assert_eq!(check(&registration), Ok(()));
    }
}
