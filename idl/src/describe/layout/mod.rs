//! From described types to descriptors: which messages there are, and what nests in which.
//!
//! Tuples, lists in lists and the like have no name in Rust. Their messages are nested in the message that
//! needs them, named after the field: `Node.Size`.

mod draft;
mod field;

use super::case::{screaming, snake};
use super::registry::{Body, Content, Field, Registry, Type, Value, Variant};
use super::shape::{Shape, WellKnown};
use crate::descriptor::{
    EnumDescriptor, EnumOptions, EnumValueDescriptor, EnumValueOptions, MessageDescriptor, Notes, TypeNotes,
};
use draft::{Draft, ValueType};

/// Lays out the types of one package.
pub(super) struct Layout<'r> {
    registry: &'r Registry,
    names: &'r [String],
    /// The package with a dot before and after it.
    scope: String,
    /// The files of Google's that are needed, in order.
    pub(super) imports: Vec<String>,
    pub(super) problems: Vec<String>,
}

impl<'r> Layout<'r> {
    pub(super) fn new(registry: &'r Registry, names: &'r [String], package: &str) -> Self {
        let scope = match package {
            "" => ".".into(),
            package => format!(".{package}."),
        };
        let (imports, problems) = (Vec::new(), Vec::new());
        Self { registry, names, scope, imports, problems }
    }

    /// The full name of a type of the package.
    pub(super) fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.scope)
    }

    /// All types of the registry.
    pub(super) fn types(&mut self) -> (Vec<MessageDescriptor>, Vec<EnumDescriptor>) {
        let (mut messages, mut enums) = (Vec::new(), Vec::new());
        for (described, name) in self.registry.types().iter().zip(self.names) {
            let mut notes = TypeNotes {
                docs: described.docs.into(),
                origin: format!("{}::{}", described.module, described.name),
                ..TypeNotes::default()
            };
            match &described.body {
                Body::Message(fields) => messages.push(self.message(name, fields, notes)),
                Body::Oneof { variants, open, default } => {
                    notes.open = *open;
                    notes.default = default.map(|tag| tag as i32);
                    messages.push(self.oneof(name, variants, notes));
                }
                Body::Enumeration { values, open, default } => {
                    notes.open = *open;
                    notes.default = *default;
                    enums.push(enumeration(name, values, notes));
                }
            }
        }
        (messages, enums)
    }

    /// The message that a shape is as a whole: itself, or one made for it, called `name`.
    pub(super) fn whole(&mut self, shape: &Shape, name: &str) -> (String, Option<MessageDescriptor>) {
        match shape {
            Shape::WellKnown(known) => (self.well_known(*known), None),
            Shape::Foreign(name) => (format!(".{name}"), None),
            Shape::Named(place) if !is_enumeration(&self.registry.types()[place.0]) => {
                (self.full_name(&self.names[place.0]), None)
            }
            nameless => {
                let full_name = self.full_name(name);
                let draft = Draft::new(name, &full_name, TypeNotes::default());
                (full_name, Some(self.nameless(nameless, draft)))
            }
        }
    }

    /// A struct, or the message of a method.
    pub(super) fn message(&mut self, name: &str, fields: &[Field], notes: TypeNotes) -> MessageDescriptor {
        let draft = Draft::new(name, &self.full_name(name), notes);
        self.with_fields(draft, fields)
    }

    /// An enum with data: a message with one oneof.
    fn oneof(&mut self, name: &str, variants: &[Variant], notes: TypeNotes) -> MessageDescriptor {
        let mut draft = Draft::new(name, &self.full_name(name), notes);
        for variant in variants {
            let name = snake(variant.name);
            let value = match &variant.content {
                Content::One(shape) => self.value(shape, &name, &mut draft),
                Content::Fields(fields) => {
                    let nested = draft.nested(&name);
                    let type_name = nested.full_name().to_owned();
                    let made = self.with_fields(nested, fields);
                    draft.nest(made);
                    ValueType::message(type_name)
                }
            };
            draft.push(value.into_field(variant.tag, &name, variant.docs, false));
        }
        draft.finish_variants()
    }

    fn well_known(&mut self, known: WellKnown) -> String {
        let (file, name) = match known {
            WellKnown::Empty => ("empty", "Empty"),
            WellKnown::Duration => ("duration", "Duration"),
            WellKnown::Timestamp => ("timestamp", "Timestamp"),
        };
        let import = format!("google/protobuf/{file}.proto");
        if let Err(place) = self.imports.binary_search(&import) {
            self.imports.insert(place, import);
        }
        format!(".google.protobuf.{name}")
    }
}

/// An enum without data. Protobuf wants a value 0 first, and values named apart from those of other enums.
fn enumeration(name: &str, values: &[Value], notes: TypeNotes) -> EnumDescriptor {
    let prefix = screaming(name);
    let described = values.iter().map(|value| {
        let notes = Notes { docs: value.docs.into() };
        EnumValueDescriptor {
            name: format!("{prefix}_{}", screaming(value.name)),
            number: Some(value.number),
            options: (!value.docs.is_empty()).then_some(EnumValueOptions { rpc: notes }),
        }
    });
    let mut value: Vec<_> = described.collect();
    match value.iter().position(|value| value.number() == 0) {
        Some(zero) => value[..=zero].rotate_right(1),
        None => {
            let name = format!("{prefix}_UNSPECIFIED");
            value.insert(0, EnumValueDescriptor { name, number: Some(0), options: None });
        }
    }
    let options = Some(EnumOptions { rpc: notes, ..Default::default() });
    EnumDescriptor { name: name.into(), value, options, ..Default::default() }
}

fn is_enumeration(described: &Type) -> bool {
    matches!(described.body, Body::Enumeration { .. })
}
