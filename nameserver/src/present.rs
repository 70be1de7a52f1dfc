//! What is in the registry, for people and for programs: tables and JSON.

use comfy_table::{Table, presets};
use rpc_runtime::directory::nameserver::Change;
use rpc_runtime::directory::{Entry, EntryState};
use serde_json::{Value, json};

/// The entries as a table, one row each, in the order given; in words if there is none.
pub fn table<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["INTERFACE", "INSTANCE", "STATE", "EPOCH", "ENDPOINTS", "LABELS", "GROUPS"]);
    for entry in entries {
        table.add_row([
            entry.interface.clone(),
            entry.instance.clone(),
            state(entry.state).to_owned(),
            entry.epoch.number.to_string(),
            entry.endpoints.join(" "),
            labels(entry),
            entry.groups.join(" "),
        ]);
    }
    if table.is_empty() { "nothing is registered".to_owned() } else { table.trim_fmt() }
}

/// An entry as JSON.
pub fn entry(entry: &Entry) -> Value {
    json!({
        "interface": entry.interface,
        "instance": entry.instance,
        "state": state(entry.state),
        "epoch": entry.epoch.number,
        "registry": entry.epoch.registry.to_string(),
        "incarnation": entry.incarnation.as_uuid().to_string(),
        "endpoints": entry.endpoints,
        "labels": entry.labels,
        "groups": entry.groups,
    })
}

/// A change in one line.
pub fn change(change: &Change) -> String {
    match change {
        Change::Put(entry) => {
            let Entry { interface, instance, epoch, endpoints, .. } = &**entry;
            let (state, endpoints) = (state(entry.state), endpoints.join(" "));
            format!("+ {interface}/{instance}  {state}  epoch {}  {endpoints}", epoch.number)
        }
        Change::Removed { name, epoch, why } => {
            let why = why.map_or_else(|| "no longer selected".to_owned(), |why| why.to_string());
            format!("- {name}  {why}  epoch {}", epoch.number)
        }
    }
}

/// A change as JSON, with its revision.
pub fn change_json(revision: u64, change: &Change) -> Value {
    match change {
        Change::Put(put) => json!({ "revision": revision, "change": "put", "entry": entry(put) }),
        Change::Removed { name, epoch, why } => json!({
            "revision": revision,
            "change": "removed",
            "interface": name.interface,
            "instance": name.instance,
            "epoch": epoch.number,
            "why": why.map(|why| why.to_string()),
        }),
    }
}

fn state(state: EntryState) -> &'static str {
    match state {
        EntryState::Live => "live",
        EntryState::Suspect => "suspect",
        EntryState::Draining => "draining",
    }
}

fn labels(entry: &Entry) -> String {
    let labels: Vec<_> = entry.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    labels.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::World;

    fn entries() -> Vec<Entry> {
        let mut world = World::new();
        let mut store = crate::registry::testing::registration("a-m", 1);
        store.labels.insert("zone".into(), "b".into());
        store.groups = vec!["east".into(), "north".into()];
        world.register(store).expect("free");
        world.enter("n-z", 2);
        world.find(rpc_runtime::Selector::Any)
    }

    /// People see one line an entry, aligned, without frames; and words when there is nothing.
    #[test]
    fn tables_are_plain() {
        let expected = [
            " INTERFACE         INSTANCE  STATE  EPOCH  ENDPOINTS          LABELS  GROUPS",
            " library.v1.Store  a-m       live   1      tcp://127.0.0.1:1  zone=b  east north",
            " library.v1.Store  n-z       live   2      tcp://127.0.0.1:2",
        ];
        assert_eq!(table(&entries()).lines().collect::<Vec<_>>(), expected);
        assert_eq!(table(&[]), "nothing is registered");
    }

    /// Programs find every field under its name.
    #[test]
    fn json_has_every_field() {
        let value = entry(&entries()[0]);
        assert_eq!(value["instance"], "a-m");
        assert_eq!(value["epoch"], 1);
        assert_eq!(value["labels"]["zone"], "b");
        assert_eq!(value["groups"][1], "north");
        assert_eq!(value["incarnation"], "00000000-0000-0000-0000-000000000001");
    }
}
