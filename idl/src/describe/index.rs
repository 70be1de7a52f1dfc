//! The types of a file by their full names.

use crate::descriptor::{EnumDescriptor, FileDescriptor, MessageDescriptor};
use std::collections::HashMap;

/// A type of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Described<'a> {
    Message(&'a MessageDescriptor),
    Enum(&'a EnumDescriptor),
}

/// The types of a file, to be found by their full names.
///
/// Names stay where they are, in the file: a description from elsewhere may nest a thousand types in one of a long name.
#[derive(Debug)]
pub(super) struct Index<'a> {
    package: &'a str,
    /// By the number of the message around it and its name: the type, and its own number.
    types: HashMap<(usize, &'a str), (Described<'a>, usize)>,
}

/// The number of what is around the outermost types.
const FILE: usize = 0;

impl<'a> Index<'a> {
    pub(super) fn of(file: &'a FileDescriptor) -> Self {
        let mut index = Self { package: &file.package, types: HashMap::new() };
        index.enter(FILE, &file.message_type, &file.enum_type, &mut 0);
        index
    }

    fn enter(
        &mut self,
        around: usize,
        messages: &'a [MessageDescriptor],
        enums: &'a [EnumDescriptor],
        last: &mut usize,
    ) {
        for described in enums {
            *last += 1;
            self.types.insert((around, &described.name), (Described::Enum(described), *last));
        }
        for message in messages {
            *last += 1;
            self.types.insert((around, &message.name), (Described::Message(message), *last));
            // No deeper than a description may be nested when it is decoded.
            self.enter(*last, &message.nested_type, &message.enum_type, last);
        }
    }

    /// The type of this full name, which has a leading dot.
    pub(super) fn get(&self, full_name: &str) -> Option<Described<'a>> {
        let mut path = full_name.strip_prefix('.')?;
        if !self.package.is_empty() {
            path = path.strip_prefix(self.package)?.strip_prefix('.')?;
        }
        let (mut found, mut around) = (None, FILE);
        for name in path.split('.') {
            let (described, number) = *self.types.get(&(around, name))?;
            (found, around) = (Some(described), number);
        }
        found
    }
}

/// Takes the enum's name off the names of its values: `COLOR_RED` is `RED`.
pub(super) fn value_names<'a>(described: &EnumDescriptor) -> impl Fn(&'a str) -> &'a str {
    let prefix = super::case::screaming(&described.name);
    move |value| value.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('_')).unwrap_or(value)
}
