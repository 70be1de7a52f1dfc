//! The types of a file by their full names.

use crate::descriptor::{EnumDescriptor, FileDescriptor, MessageDescriptor};
use std::collections::HashMap;

/// A type of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Described<'a> {
    Message(&'a MessageDescriptor),
    Enum(&'a EnumDescriptor),
}

/// The types of a file and of those that it brings along, to be found by their full names.
///
/// Names stay where they are, in the file: a description from elsewhere may nest a thousand types in one of a long name.
#[derive(Debug)]
pub(super) struct Index<'a> {
    /// By the number of what is around it and its name: what it is, and its own number.
    known: HashMap<(usize, &'a str), (Known<'a>, usize)>,
}

/// What a part of a name stands for.
#[derive(Debug, Clone, Copy)]
enum Known<'a> {
    Package,
    Type(Described<'a>),
}

/// The number of what is around the outermost packages.
const ROOT: usize = 0;

impl<'a> Index<'a> {
    pub(super) fn of(file: &'a FileDescriptor) -> Self {
        let mut index = Self { known: HashMap::new() };
        let mut last = ROOT;
        let imported = file.options.as_ref().map_or(&[][..], |options| &options.rpc.files);
        for file in imported.iter().chain([file]) {
            let package = index.package(&file.package, &mut last);
            index.enter(package, &file.message_type, &file.enum_type, &mut last);
        }
        index
    }

    /// The number of a package.
    fn package(&mut self, name: &'a str, last: &mut usize) -> usize {
        let parts = name.split('.').filter(|part| !part.is_empty());
        parts.fold(ROOT, |around, part| {
            let (_, number) = self.known.entry((around, part)).or_insert_with(|| {
                *last += 1;
                (Known::Package, *last)
            });
            *number
        })
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
            self.known.insert((around, &described.name), (Known::Type(Described::Enum(described)), *last));
        }
        for message in messages {
            *last += 1;
            self.known.insert((around, &message.name), (Known::Type(Described::Message(message)), *last));
            // No deeper than a description may be nested when it is decoded.
            self.enter(*last, &message.nested_type, &message.enum_type, last);
        }
    }

    /// The type of this full name, which has a leading dot.
    pub(super) fn get(&self, full_name: &str) -> Option<Described<'a>> {
        let (mut found, mut around) = (Known::Package, ROOT);
        for name in full_name.strip_prefix('.')?.split('.') {
            (found, around) = *self.known.get(&(around, name))?;
        }
        match found {
            Known::Type(described) => Some(described),
            Known::Package => None,
        }
    }
}

/// Takes the enum's name off the names of its values: `COLOR_RED` is `RED`.
pub(super) fn value_names<'a>(described: &EnumDescriptor) -> impl Fn(&'a str) -> &'a str {
    let prefix = super::case::screaming(&described.name);
    move |value| value.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('_')).unwrap_or(value)
}
