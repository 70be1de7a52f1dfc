//! Descriptions that were not written by this crate: of a `.proto`, as protobuf's own tools write them.

use super::case::json_name;
use super::interface::Interface;
use super::registry::Foreign;
use crate::descriptor::{
    EnumDescriptor, FileDescriptor, FileDescriptorSet, FileNotes, FileOptions, IdempotencyLevel, Label, Location,
    MessageDescriptor, MethodKind, ServiceDescriptor,
};
use crate::{DecodeError, from_slice};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The folder of the files that every implementation of Protocol Buffers brings along.
pub(crate) const WELL_KNOWN: &str = "google/protobuf/";
/// The one of them that is imported for options, of which nothing is kept.
const FOR_OPTIONS: &str = "google/protobuf/descriptor.proto";

impl FileDescriptorSet {
    /// Reads a set of descriptions, as `protoc --descriptor_set_out`, `buf build` and this crate write it. Comments
    /// become docs, if the set has them (`--include_source_info`).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut set: Self = from_slice(bytes)?;
        for file in &mut set.file {
            take_comments(file);
            file.message_type.iter_mut().for_each(note);
            file.enum_type.iter_mut().for_each(open);
        }
        Ok(set)
    }

    /// Every interface in the set, each complete in itself.
    #[must_use]
    pub fn interfaces(&self) -> Vec<Interface> {
        let services = self.file.iter().flat_map(|file| file.service.iter().map(move |service| (file, service)));
        services.map(|(file, service)| interface_of(file, service.clone(), &self.file)).collect()
    }
}

/// The description of an interface of which types stand in descriptions of others. `ours` has all but these.
pub(super) fn complete(mut ours: FileDescriptor, types: &[Foreign], mut problems: Vec<String>) -> Interface {
    if types.is_empty() {
        return Interface::new(ours, problems);
    }
    let mut files: Vec<FileDescriptor> = Vec::new();
    for foreign in types {
        match FileDescriptorSet::from_bytes(foreign.descriptors) {
            Ok(set) => {
                let new = set.file.into_iter().filter(|file| files.iter().all(|known| known.name != file.name));
                files.extend(new.collect::<Vec<_>>());
            }
            Err(error) => problems.push(format!("descriptors of other types cannot be read: {error}")),
        }
    }
    let well_known = crate::proto::well_known().file;
    let new = well_known.into_iter().filter(|file| files.iter().all(|known| known.name != file.name));
    files.extend(new.collect::<Vec<_>>());
    let owners = Owners::of(&files);
    for name in types.iter().flat_map(|foreign| &foreign.names) {
        if owners.get(&format!(".{name}")).is_none() {
            problems.push(format!(
                "of `{name}` only the name is known: derive `Message` with `#[rpc(prost, descriptors = \"…\")]` and the \
                 path of its `FileDescriptorSet`"
            ));
        }
    }
    let service = ours.service.first().cloned().unwrap_or_default();
    let is_its_own = |file: &&FileDescriptor| {
        file.package == ours.package && file.service.iter().any(|other| other.name == service.name)
    };
    let own = files.iter().find(is_its_own).filter(|_| ours.message_type.is_empty() && ours.enum_type.is_empty());
    let mut main = match own {
        // It came from that `.proto`, so that is what describes it.
        Some(own) => FileDescriptor { service: vec![service], ..own.clone() },
        None => std::mem::take(&mut ours),
    };
    attach(&mut main, &files);
    Interface::new(main, problems)
}

/// The interface of one service of `file`, with all that it needs of `files`.
pub(super) fn interface_of(file: &FileDescriptor, service: ServiceDescriptor, files: &[FileDescriptor]) -> Interface {
    let mut service = service;
    for method in &mut service.method {
        let options = method.options.get_or_insert_default();
        // What only this crate writes is not there: request and response are messages like any other.
        options.rpc.whole |= options.rpc.error.is_empty();
        if options.idempotency_level != IdempotencyLevel::Unknown && options.rpc.kind == MethodKind::Plain {
            options.rpc.kind = MethodKind::Idempotent;
        }
    }
    let mut main = file.clone();
    main.service = vec![service];
    attach(&mut main, files);
    Interface::new(main, Vec::new())
}

/// Puts those of `files` into the notes of `main` that it needs, and says so in its imports.
pub(super) fn attach(main: &mut FileDescriptor, files: &[FileDescriptor]) {
    let owners = Owners::of(files);
    let mut needed: BTreeMap<&str, FileDescriptor> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    main.dependency = imports(main, &owners, &mut names);
    while let Some(name) = names.pop() {
        let Some(owner) = files.iter().find(|file| file.name == name) else { continue };
        if owner.name == main.name || owner.name.starts_with(WELL_KNOWN) || needed.contains_key(owner.name.as_str()) {
            continue;
        }
        let mut owner_alone = owner.clone();
        owner_alone.service.clear();
        owner_alone.dependency = imports(&owner_alone, &owners, &mut names);
        needed.insert(&owner.name, owner_alone);
    }
    main.options =
        (!needed.is_empty()).then(|| FileOptions { rpc: FileNotes { files: needed.into_values().collect() } });
}

/// The names of the files that were asked for, and of those whose types they use, and so on.
#[cfg(feature = "compile")]
pub(crate) fn needed_files(files: &[FileDescriptor], asked: &[String]) -> BTreeSet<String> {
    let owners = Owners::of(files);
    let mut needed = BTreeSet::new();
    let mut names = asked.to_vec();
    while let Some(name) = names.pop() {
        if let Some(file) = files.iter().find(|file| file.name == name)
            && needed.insert(name)
        {
            imports(file, &owners, &mut names);
        }
    }
    needed
}

/// The files that hold the types which `file` uses. They are also put on the list of `found` ones.
fn imports(file: &FileDescriptor, owners: &Owners<'_>, found: &mut Vec<String>) -> Vec<String> {
    let mut all = BTreeSet::new();
    let mut used = Vec::new();
    file.message_type.iter().for_each(|message| uses(message, &mut used));
    for method in file.service.iter().flat_map(|service| &service.method) {
        used.extend([method.input_type.as_str(), method.output_type.as_str()]);
    }
    let mut is_all_known = true;
    for name in used {
        match owners.get(name) {
            Some(owner) if owner != file.name => {
                all.insert(owner.to_owned());
            }
            Some(_) => {}
            None => is_all_known &= !name.starts_with(".google.protobuf."),
        }
    }
    if !is_all_known {
        // Google's files need not be among those known.
        let unknown = file.dependency.iter().filter(|name| name.starts_with(WELL_KNOWN) && !owners.has_file(name));
        all.extend(unknown.filter(|name| *name != FOR_OPTIONS).cloned());
    }
    found.extend(all.iter().cloned());
    all.into_iter().collect()
}

fn uses<'a>(message: &'a MessageDescriptor, used: &mut Vec<&'a str>) {
    used.extend(message.field.iter().map(|field| field.type_name.as_str()));
    message.nested_type.iter().for_each(|nested| uses(nested, used));
}

/// Which file each type is in.
struct Owners<'a> {
    files: HashMap<String, &'a str>,
}

impl<'a> Owners<'a> {
    fn of(files: &'a [FileDescriptor]) -> Self {
        let mut owners = Self { files: HashMap::new() };
        for file in files {
            let scope = if file.package.is_empty() { String::new() } else { format!(".{}", file.package) };
            let messages = file.message_type.iter().map(|message| &message.name);
            for name in messages.chain(file.enum_type.iter().map(|described| &described.name)) {
                owners.files.insert(format!("{scope}.{name}"), &file.name);
            }
        }
        owners
    }

    /// The file of this type, or of the outermost message that it is nested in.
    fn get(&self, name: &str) -> Option<&'a str> {
        let mut name = name;
        loop {
            if let Some(file) = self.files.get(name) {
                return Some(file);
            }
            name = &name[..name.rfind('.')?];
        }
    }

    fn has_file(&self, name: &str) -> bool {
        self.files.values().any(|known| *known == name)
    }
}

/// Numbers that nobody knows are kept by who reads them; so a new value of an enum breaks nothing.
fn open(described: &mut EnumDescriptor) {
    let options = described.options.get_or_insert_default();
    if options.rpc.origin.is_empty() {
        options.rpc.open = true;
    }
}

/// Notes what a `.proto` says in other words than we do, and forgets what it says twice.
fn note(message: &mut MessageDescriptor) {
    for field in &mut message.field {
        if field.label == Label::Required {
            field.options.get_or_insert_default().rpc.required = true;
        }
        if field.json_name == json_name(&field.name) {
            field.json_name.clear();
        }
    }
    message.enum_type.iter_mut().for_each(open);
    message.nested_type.iter_mut().for_each(note);
}

/// Moves comments to where descriptions have their docs.
fn take_comments(file: &mut FileDescriptor) {
    let Some(info) = file.source_code_info.take() else { return };
    for Location { path, leading_comments, .. } in info.location {
        let lines: Vec<&str> = leading_comments.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let docs = lines.join("\n").trim().to_owned();
        if !docs.is_empty()
            && let Some(place) = place(file, &path)
        {
            *place = docs;
        }
    }
}

/// Where the docs of what a path leads to are kept. The numbers are those of the fields in `descriptor.proto`.
fn place<'f>(file: &'f mut FileDescriptor, path: &[i32]) -> Option<&'f mut String> {
    let (&[kind, index], rest) = path.split_first_chunk()?;
    let index = usize::try_from(index).ok()?;
    match kind {
        4 => in_message(file.message_type.get_mut(index)?, rest),
        5 => in_enum(file.enum_type.get_mut(index)?, rest),
        6 => {
            let service = file.service.get_mut(index)?;
            match *rest {
                [] => Some(&mut service.options.get_or_insert_default().rpc.docs),
                [2, method] => {
                    let method = service.method.get_mut(usize::try_from(method).ok()?)?;
                    Some(&mut method.options.get_or_insert_default().rpc.docs)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn in_message<'f>(message: &'f mut MessageDescriptor, path: &[i32]) -> Option<&'f mut String> {
    let Some((&[kind, index], rest)) = path.split_first_chunk() else {
        return path.is_empty().then(|| &mut message.options.get_or_insert_default().rpc.docs);
    };
    let index = usize::try_from(index).ok()?;
    match (kind, rest) {
        (2, []) => Some(&mut message.field.get_mut(index)?.options.get_or_insert_default().rpc.docs),
        (3, _) => in_message(message.nested_type.get_mut(index)?, rest),
        (4, _) => in_enum(message.enum_type.get_mut(index)?, rest),
        _ => None,
    }
}

fn in_enum<'f>(described: &'f mut EnumDescriptor, path: &[i32]) -> Option<&'f mut String> {
    match *path {
        [] => Some(&mut described.options.get_or_insert_default().rpc.docs),
        [2, value] => {
            let value = described.value.get_mut(usize::try_from(value).ok()?)?;
            Some(&mut value.options.get_or_insert_default().rpc.docs)
        }
        _ => None,
    }
}
