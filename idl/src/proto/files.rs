//! Several descriptions as files that fit together: each type once, imports before what imports them.

use crate::describe::case::screaming;
use crate::describe::{WELL_KNOWN, file_name};
use crate::descriptor::{EnumDescriptor, FileDescriptor, FileDescriptorSet, MessageDescriptor};
use crate::{Interface, Writer, encode_message};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What Protocol Buffers brings along, as a set; a test keeps it in step.
const WELL_KNOWN_SET: &[u8] = include_bytes!("well_known.bin");

/// Descriptions as files; made by [`files`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    /// Those that are imported before those that import them.
    pub files: Vec<FileDescriptor>,
    /// What could not be solved well, in words for the author of the interfaces.
    pub problems: Vec<String>,
}

impl Files {
    /// A `FileDescriptorSet`, with docs where protobuf's tools look for them.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let file = self.files.iter().map(|file| file.clone().with_comments()).collect();
        let mut out = Writer::new();
        encode_message(&FileDescriptorSet { file }, &mut out);
        out.into_bytes()
    }
}

/// The files of these interfaces and of all that they use, Google's own included. No type is in two of them.
///
/// Interfaces of one package that share a type come into one file, named after the package. Where they mean different
/// things by one name, each gets its interface's name in front: on the wire nothing changes by that.
#[must_use]
pub fn files(interfaces: &[Interface]) -> Files {
    let mut problems = Vec::new();
    let mut all: Vec<FileDescriptor> = Vec::new();
    for interface in interfaces {
        let mut main = interface.file().clone();
        let imported = main.options.take().map(|options| options.rpc.files).unwrap_or_default();
        for file in imported.into_iter().chain([main]) {
            match all.iter_mut().find(|known| known.name == file.name && known.package == file.package) {
                Some(known) => unite(known, file, &mut problems),
                None => all.push(file),
            }
        }
    }
    let mut all = part(all, &mut problems);
    add_well_known(&mut all);
    Files { files: in_order(all), problems }
}

/// Adds to a file what it does not have yet of another one.
fn unite(known: &mut FileDescriptor, file: FileDescriptor, problems: &mut Vec<String>) {
    add(&mut known.message_type, file.message_type, |message| &message.name, problems);
    add(&mut known.enum_type, file.enum_type, |described| &described.name, problems);
    add(&mut known.service, file.service, |service| &service.name, problems);
    let imports: BTreeSet<String> = known.dependency.drain(..).chain(file.dependency).collect();
    known.dependency = imports.into_iter().collect();
}

fn add<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>, name: fn(&T) -> &String, problems: &mut Vec<String>) {
    for thing in more {
        match known.iter().find(|other| name(other) == name(&thing)) {
            Some(other) if *other == thing => {}
            Some(_) => problems.push(format!(
                "two things are called `{}` and differ, and one of them was left out: build all from one version, or \
                 name them apart with `#[rpc(name = \"…\")]`",
                name(&thing)
            )),
            None => known.push(thing),
        }
    }
}

/// Makes one file of those files of a package that define the same types.
fn part(all: Vec<FileDescriptor>, problems: &mut Vec<String>) -> Vec<FileDescriptor> {
    let mut packages: BTreeMap<String, Vec<FileDescriptor>> = BTreeMap::new();
    for file in all {
        packages.entry(file.package.clone()).or_default().push(file);
    }
    let mut parted = Vec::new();
    for (package, files) in packages {
        let definitions = files.iter().flat_map(|file| defined(file).into_keys().map(String::from));
        let shared = twice(definitions);
        let (mut sharing, alone): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| defined(file).keys().any(|name| shared.contains(*name)));
        parted.extend(alone);
        rename_conflicts(&mut sharing, problems);
        let mut sharing = sharing.into_iter();
        if let Some(mut one) = sharing.next() {
            sharing.for_each(|file| unite(&mut one, file, problems));
            one.name = name_of_package(&package).map_or(one.name, |name| file_name(&package, name));
            parted.push(one);
        }
    }
    parted
}

/// A file's messages and enums, by name.
fn defined(file: &FileDescriptor) -> BTreeMap<&str, Definition<'_>> {
    let messages = file.message_type.iter().map(|message| (message.name.as_str(), Definition::Message(message)));
    let enums = file.enum_type.iter().map(|described| (described.name.as_str(), Definition::Enum(described)));
    messages.chain(enums).collect()
}

#[derive(PartialEq)]
enum Definition<'a> {
    Message(&'a MessageDescriptor),
    Enum(&'a EnumDescriptor),
}

fn twice(names: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !seen.insert(name.clone())).collect()
}

/// Where one name means different things, each gets the name of its interface in front. Others that speak of them then
/// differ too, so this is done until nothing does.
fn rename_conflicts(files: &mut [FileDescriptor], problems: &mut Vec<String>) {
    /// Names grow each time, so that they are apart soon.
    const ROUNDS_MAX: usize = 64;
    for _ in 0..ROUNDS_MAX {
        let conflicts = conflicts(files);
        if conflicts.is_empty() {
            return;
        }
        for name in conflicts {
            for file in files.iter_mut().filter(|file| defined(file).contains_key(name.as_str())) {
                let Some(service) = file.service.first().map(|service| service.name.clone()) else { continue };
                rename(file, &name, &format!("{service}{name}"));
                if !is_of_method(file, &format!("{service}{name}")) {
                    problems.push(format!(
                        "`{name}` means different things in the interfaces of `{}`, and is `{service}{name}` in that of \
                         `{service}`: name them apart with `#[rpc(name = \"…\")]`",
                        file.package
                    ));
                }
            }
        }
    }
}

fn conflicts(files: &[FileDescriptor]) -> BTreeSet<String> {
    let mut conflicts = BTreeSet::new();
    let mut first: BTreeMap<&str, Definition<'_>> = BTreeMap::new();
    for (name, definition) in files.iter().flat_map(defined) {
        match first.get(name) {
            Some(known) if *known != definition => {
                conflicts.insert(name.to_owned());
            }
            Some(_) => {}
            None => {
                first.insert(name, definition);
            }
        }
    }
    conflicts
}

/// Whether a message was made for a method's arguments or result.
fn is_of_method(file: &FileDescriptor, name: &str) -> bool {
    let mut named = file.message_type.iter().filter(|message| message.name == name);
    named.any(|message| message.options.as_ref().is_none_or(|options| options.rpc.origin.is_empty()))
}

fn rename(file: &mut FileDescriptor, old: &str, new: &str) {
    let scope = if file.package.is_empty() { ".".into() } else { format!(".{}.", file.package) };
    let (old_name, new_name) = (format!("{scope}{old}"), format!("{scope}{new}"));
    let change = |name: &mut String| {
        if let Some(rest) = name.strip_prefix(&old_name)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            *name = format!("{new_name}{rest}");
        }
    };
    for message in &mut file.message_type {
        if message.name == old {
            message.name = new.to_owned();
        }
        change_uses(message, &change);
    }
    for described in file.enum_type.iter_mut().filter(|described| described.name == old) {
        described.name = new.to_owned();
        // Values stand beside their enum, and bear its name.
        let (old, new) = (screaming(old), screaming(new));
        for value in &mut described.value {
            value.name = value.name.replacen(&old, &new, 1);
        }
    }
    for method in file.service.iter_mut().flat_map(|service| &mut service.method) {
        change(&mut method.input_type);
        change(&mut method.output_type);
        if let Some(options) = &mut method.options {
            change(&mut options.rpc.error);
        }
    }
}

fn change_uses(message: &mut MessageDescriptor, change: &dyn Fn(&mut String)) {
    message.field.iter_mut().for_each(|field| change(&mut field.type_name));
    message.nested_type.iter_mut().for_each(|nested| change_uses(nested, change));
}

/// The last part of a package that is no version: `library` of `library.v1`.
fn name_of_package(package: &str) -> Option<&str> {
    let is_version =
        |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    package.split('.').rfind(|part| !part.is_empty() && !is_version(part))
}

/// The files that Protocol Buffers brings along.
pub(crate) fn well_known() -> FileDescriptorSet {
    // It is a part of this crate, so it can be read.
    FileDescriptorSet::from_bytes(WELL_KNOWN_SET).unwrap_or_default()
}

fn add_well_known(all: &mut Vec<FileDescriptor>) {
    let mut set = well_known();
    let mut next = 0;
    while let Some(file) = all.get(next) {
        let missing: Vec<String> =
            file.dependency.iter().filter(|name| name.starts_with(WELL_KNOWN)).cloned().collect();
        for name in missing {
            if let Some(place) = set.file.iter().position(|file| file.name == name) {
                all.push(set.file.swap_remove(place));
            }
        }
        next += 1;
    }
}

/// Imports before what imports them; files that import each other, which none should, as they come.
fn in_order(mut waiting: Vec<FileDescriptor>) -> Vec<FileDescriptor> {
    let mut ordered: Vec<FileDescriptor> = Vec::new();
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.iter().map(|file| file.name.clone()).collect();
        let is_ready =
            |file: &FileDescriptor| file.dependency.iter().all(|name| *name == file.name || !names.contains(name));
        let ready = waiting.iter().position(is_ready).unwrap_or(0);
        ordered.push(waiting.remove(ready));
    }
    ordered
}
