//! How a type is called where it is used: as short as protobuf's rules of lookup allow.

use crate::descriptor::{EnumDescriptor, FileDescriptor, MessageDescriptor};
use std::collections::HashSet;

/// Names that begin another statement where a field's type may stand.
const STATEMENTS: [&str; 15] = [
    "message",
    "enum",
    "oneof",
    "map",
    "option",
    "optional",
    "required",
    "repeated",
    "reserved",
    "extensions",
    "extend",
    "group",
    "stream",
    "returns",
    "rpc",
];

/// The names that are known in a file. All of them begin with a dot.
pub(super) struct Scope {
    package: String,
    known: HashSet<String>,
}

impl Scope {
    pub(super) fn of(file: &FileDescriptor) -> Self {
        let package = match file.package.as_str() {
            "" => String::new(),
            package => format!(".{package}"),
        };
        let mut scope = Self { package, known: HashSet::new() };
        let root = scope.package.clone();
        scope.with_prefixes(&root);
        scope.enter(&root, &file.message_type, &file.enum_type);
        for method in file.service.iter().flat_map(|service| &service.method) {
            scope.with_prefixes(&method.input_type);
            scope.with_prefixes(&method.output_type);
        }
        scope
    }

    fn enter(&mut self, around: &str, messages: &[MessageDescriptor], enums: &[EnumDescriptor]) {
        for described in enums {
            self.known.insert(format!("{around}.{}", described.name));
        }
        for message in messages {
            let name = format!("{around}.{}", message.name);
            for field in &message.field {
                self.with_prefixes(&field.type_name);
            }
            self.enter(&name, &message.nested_type, &message.enum_type);
            self.known.insert(name);
        }
    }

    /// The name, and the packages and messages that it stands in.
    fn with_prefixes(&mut self, name: &str) {
        if self.known.contains(name) {
            return;
        }
        for (dot, _) in name.match_indices('.').filter(|(dot, _)| *dot > 0) {
            self.known.insert(name[..dot].to_owned());
        }
        self.known.insert(name.to_owned());
    }

    pub(super) fn package(&self) -> &str {
        &self.package
    }

    /// How the type `name` is called within the message, or the package, `around`.
    pub(super) fn spell<'n>(&self, name: &'n str, around: &str) -> &'n str {
        let tails = || name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
        let fits = |tail: &&str| {
            let first = tail.split('.').next().unwrap_or(tail);
            !STATEMENTS.contains(&first) && self.resolve(tail, around).as_deref() == Some(name)
        };
        let is_ours = name.strip_prefix(&self.package).is_some_and(|rest| rest.starts_with('.'));
        let found = match is_ours && !self.package.is_empty() {
            // Other packages' types are called in full, where that is possible.
            false => tails().find(fits),
            true => tails().rfind(fits),
        };
        found.unwrap_or(name)
    }

    /// What protobuf takes `name` for: the first part is looked for from the inside out, and decides.
    fn resolve(&self, name: &str, around: &str) -> Option<String> {
        let first = name.split('.').next().unwrap_or(name);
        let mut around = around;
        loop {
            if self.known.contains(&format!("{around}.{first}")) {
                return Some(format!("{around}.{name}"));
            }
            around = &around[..around.rfind('.')?];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::FieldDescriptor;

    fn message(name: &str, nested: Vec<MessageDescriptor>) -> MessageDescriptor {
        MessageDescriptor { name: name.into(), nested_type: nested, ..Default::default() }
    }

    /// Names are as short as they can be without meaning something else.
    #[test]
    fn names_are_short_but_never_wrong() {
        let mut node =
            message("Node", vec![message("Size", vec![]), message("google", vec![]), message("Leaf", vec![])]);
        let timestamp = ".google.protobuf.Timestamp";
        node.field.push(FieldDescriptor { type_name: timestamp.into(), ..Default::default() });
        let leaf = message("Leaf", vec![message("Size", vec![])]);
        let file = FileDescriptor {
            package: "library.v1".into(),
            message_type: vec![node, leaf, message("option", vec![])],
            ..Default::default()
        };
        let scope = Scope::of(&file);
        let (in_node, outside) = (".library.v1.Node", ".library.v1");
        assert_eq!(scope.spell(".library.v1.Node.Size", in_node), "Size");
        assert_eq!(scope.spell(".library.v1.Node.Size", outside), "Node.Size");
        assert_eq!(scope.spell(".library.v1.Leaf", outside), "Leaf");
        assert_eq!(scope.spell(".library.v1.Leaf", in_node), "v1.Leaf");
        assert_eq!(scope.spell(timestamp, outside), "google.protobuf.Timestamp");
        assert_eq!(scope.spell(timestamp, in_node), timestamp);
        assert_eq!(scope.spell(".library.v1.option", outside), "v1.option");
    }
}
