//! The types of a file by their full names.

use crate::descriptor::{EnumDescriptor, FileDescriptor, MessageDescriptor};
use std::collections::HashMap;

/// A type of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Described<'a> {
    Message(&'a MessageDescriptor),
    Enum(&'a EnumDescriptor),
}

/// The types of a file by their full names, with a leading dot.
#[derive(Debug)]
pub(super) struct Index<'a>(HashMap<String, Described<'a>>);

impl<'a> Index<'a> {
    pub(super) fn of(file: &'a FileDescriptor) -> Self {
        let mut index = Self(HashMap::new());
        let scope = if file.package.is_empty() { String::new() } else { format!(".{}", file.package) };
        index.enter(&scope, &file.message_type, &file.enum_type);
        index
    }

    fn enter(&mut self, scope: &str, messages: &'a [MessageDescriptor], enums: &'a [EnumDescriptor]) {
        for described in enums {
            self.0.insert(format!("{scope}.{}", described.name), Described::Enum(described));
        }
        for message in messages {
            let name = format!("{scope}.{}", message.name);
            // No deeper than a description may be nested when it is decoded.
            self.enter(&name, &message.nested_type, &message.enum_type);
            self.0.insert(name, Described::Message(message));
        }
    }

    pub(super) fn get(&self, full_name: &str) -> Option<Described<'a>> {
        self.0.get(full_name).copied()
    }
}

/// An enum's value without the enum's name in front: `COLOR_RED` is `RED`.
pub(super) fn value_name<'a>(described: &EnumDescriptor, value: &'a str) -> &'a str {
    let prefix = super::case::screaming(&described.name);
    let short = value.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('_'));
    short.unwrap_or(value)
}
