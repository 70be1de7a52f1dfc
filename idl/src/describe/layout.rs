//! From described types to descriptors: which messages there are, and what nests in which.
//!
//! Tuples, lists in lists and the like have no name in Rust. Their messages are nested in the message that
//! needs them, named after the field: `Node.Size`.

use super::case::{camel, screaming, snake};
use super::registry::{Body, Content, Field, Registry, Type, Value, Variant};
use super::shape::{Scalar, Shape, WellKnown};
use crate::descriptor::{
    EnumDescriptor, EnumOptions, EnumValueDescriptor, EnumValueOptions, FieldDescriptor,
    FieldNotes, FieldOptions, FieldType, Label, MessageDescriptor, MessageOptions, Notes,
    OneofDescriptor, TypeNotes,
};
use std::collections::BTreeSet;

/// Lays out the types of one package.
pub(super) struct Layout<'r> {
    registry: &'r Registry,
    names: &'r [String],
    /// The package with a dot before and after it.
    scope: String,
    /// The files of Google's that are needed.
    pub(super) imports: BTreeSet<String>,
    pub(super) problems: Vec<String>,
}

/// What a single value is on the wire.
struct ValueType {
    r#type: FieldType,
    type_name: String,
    narrowed: String,
}

impl<'r> Layout<'r> {
    pub(super) fn new(registry: &'r Registry, names: &'r [String], package: &str) -> Self {
        let scope = if package.is_empty() {
            ".".into()
        } else {
            format!(".{package}.")
        };
        Self {
            registry,
            names,
            scope,
            imports: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    /// The full name of a type of the package.
    pub(super) fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.scope)
    }

    /// All types of the registry.
    pub(super) fn types(&mut self) -> (Vec<MessageDescriptor>, Vec<EnumDescriptor>) {
        let (mut messages, mut enums) = (Vec::new(), Vec::new());
        for (described, name) in self.registry.types().iter().zip(self.names) {
            let notes = TypeNotes {
                docs: described.docs.into(),
                origin: format!("{}::{}", described.module, described.name),
                ..TypeNotes::default()
            };
            match &described.body {
                Body::Message(fields) => messages.push(self.message(name, fields, notes)),
                Body::Oneof {
                    variants,
                    open,
                    default,
                } => {
                    let default = default.map(|tag| tag as i32);
                    let notes = TypeNotes {
                        open: *open,
                        default,
                        variants: true,
                        ..notes
                    };
                    messages.push(self.oneof(name, variants, notes));
                }
                Body::Enumeration {
                    values,
                    open,
                    default,
                } => {
                    let notes = TypeNotes {
                        open: *open,
                        default: *default,
                        ..notes
                    };
                    enums.push(enumeration(name, values, notes));
                }
            }
        }
        (messages, enums)
    }

    /// The message that a shape is as a whole: itself, or one made for it, called `name`.
    pub(super) fn whole(
        &mut self,
        shape: &Shape,
        name: &str,
    ) -> (String, Option<MessageDescriptor>) {
        match shape {
            Shape::WellKnown(known) => (self.well_known(*known), None),
            Shape::Named(place) if !is_enumeration(&self.registry.types()[place.0]) => {
                (self.full_name(&self.names[place.0]), None)
            }
            Shape::Tuple(parts) => {
                let fields = self.tuple_fields(parts);
                let made = self.message(name, &fields, TypeNotes::default());
                (self.full_name(name), Some(made))
            }
            Shape::Result(value, error) => {
                let full_name = self.full_name(name);
                let made = self.result(name, &full_name, value, error);
                (full_name, Some(made))
            }
            other => {
                let fields = [self.field_of(1, "value", other)];
                let made = self.message(name, &fields, TypeNotes::default());
                (self.full_name(name), Some(made))
            }
        }
    }

    /// A message of the package.
    pub(super) fn message(
        &mut self,
        name: &str,
        fields: &[Field],
        notes: TypeNotes,
    ) -> MessageDescriptor {
        let full_name = self.full_name(name);
        self.message_at(name, &full_name, fields, notes)
    }

    fn message_at(
        &mut self,
        name: &str,
        full_name: &str,
        fields: &[Field],
        notes: TypeNotes,
    ) -> MessageDescriptor {
        let mut message = MessageDescriptor {
            name: name.into(),
            ..Default::default()
        };
        message.options = type_options(notes);
        for field in fields {
            self.field(field, full_name, &mut message);
        }
        // The oneofs that stand for `optional` come after all others, as protobuf wants it.
        for field in message
            .field
            .iter_mut()
            .filter(|field| field.proto3_optional)
        {
            field.oneof_index = Some(message.oneof_decl.len() as u32);
            let name = format!("_{}", field.name);
            message.oneof_decl.push(OneofDescriptor { name });
        }
        message
    }

    /// An enum with data: a message with one oneof.
    fn oneof(&mut self, name: &str, variants: &[Variant], notes: TypeNotes) -> MessageDescriptor {
        let full_name = self.full_name(name);
        let mut message = MessageDescriptor {
            name: name.into(),
            ..Default::default()
        };
        message.options = type_options(notes);
        for variant in variants {
            let name = snake(variant.name);
            let value = match &variant.content {
                Content::One(shape) => self.value(shape, &name, &full_name, &mut message),
                Content::Fields(fields) => {
                    let (nested, nested_name) = nested_name(&name, &full_name, &message);
                    let notes = TypeNotes::default();
                    let made = self.message_at(&nested, &nested_name, fields, notes);
                    message.nested_type.push(made);
                    ValueType::message(nested_name)
                }
            };
            let field = value.into_field(variant.tag, &name, variant.docs, false);
            message.field.push(FieldDescriptor {
                oneof_index: Some(0),
                ..field
            });
        }
        let mut name = "variant".to_owned();
        while message.field.iter().any(|field| field.name == name) {
            name.push('_');
        }
        message.oneof_decl.push(OneofDescriptor { name });
        message
    }

    /// Adds a field to `message`, and what it needs nested in it.
    fn field(&mut self, field: &Field, full_name: &str, message: &mut MessageDescriptor) {
        let (mut label, mut optional) = (Label::Optional, false);
        let value = match &field.shape {
            Shape::Optional(inner) => {
                optional = true;
                self.value(inner, &field.name, full_name, message)
            }
            Shape::List(inner) => {
                label = Label::Repeated;
                self.value(inner, &field.name, full_name, message)
            }
            Shape::Map(key, value) => {
                label = Label::Repeated;
                self.pairs(key, value, &field.name, full_name, message)
            }
            single => self.value(single, &field.name, full_name, message),
        };
        if message.field.iter().any(|other| other.name == field.name) {
            self.problems
                .push(format!("{} has two fields `{}`", message.name, field.name));
        }
        message.field.push(FieldDescriptor {
            label,
            proto3_optional: optional,
            ..value.into_field(field.tag, &field.name, &field.docs, field.required)
        });
    }

    /// A shape as a single value: what takes several fields to say becomes a nested message.
    fn value(
        &mut self,
        shape: &Shape,
        field: &str,
        full_name: &str,
        message: &mut MessageDescriptor,
    ) -> ValueType {
        match shape {
            Shape::Scalar { scalar, narrowed } => ValueType {
                r#type: (*scalar).into(),
                type_name: String::new(),
                narrowed: narrowed.to_string(),
            },
            Shape::Named(place) => {
                let type_name = self.full_name(&self.names[place.0]);
                match is_enumeration(&self.registry.types()[place.0]) {
                    true => ValueType {
                        r#type: FieldType::Enum,
                        ..ValueType::message(type_name)
                    },
                    false => ValueType::message(type_name),
                }
            }
            Shape::WellKnown(known) => ValueType::message(self.well_known(*known)),
            nameless => {
                let (name, nested_name) = nested_name(field, full_name, message);
                let made = match nameless {
                    Shape::Tuple(parts) => {
                        let fields = self.tuple_fields(parts);
                        self.message_at(&name, &nested_name, &fields, TypeNotes::default())
                    }
                    Shape::Result(value, error) => self.result(&name, &nested_name, value, error),
                    container => {
                        let fields = [self.field_of(1, "value", container)];
                        self.message_at(&name, &nested_name, &fields, TypeNotes::default())
                    }
                };
                message.nested_type.push(made);
                ValueType::message(nested_name)
            }
        }
    }

    /// The pairs of a map; protobuf calls it a map if it knows keys of this type.
    fn pairs(
        &mut self,
        key: &Shape,
        value: &Shape,
        field: &str,
        full_name: &str,
        message: &mut MessageDescriptor,
    ) -> ValueType {
        let is_map = is_map_key(key);
        let field = if is_map {
            format!("{field}_entry")
        } else {
            field.to_owned()
        };
        let (name, nested_name) = nested_name(&field, full_name, message);
        if is_map && name != camel(&field) {
            self.problems.push(format!(
                "{}: two names need the message `{name}`",
                message.name
            ));
        }
        let mut entry = MessageDescriptor {
            name,
            ..Default::default()
        };
        // Key and value stand alone, like elements of a list.
        for (number, name, shape) in [(1, "key", key), (2, "value", value)] {
            let value = self.value(shape, name, &nested_name, &mut entry);
            entry.field.push(value.into_field(number, name, "", false));
        }
        if is_map {
            entry.options.get_or_insert_default().map_entry = true;
        }
        message.nested_type.push(entry);
        ValueType::message(nested_name)
    }

    fn result(
        &mut self,
        name: &str,
        full_name: &str,
        value: &Shape,
        error: &Shape,
    ) -> MessageDescriptor {
        let mut message = MessageDescriptor {
            name: name.into(),
            ..Default::default()
        };
        message.options = type_options(TypeNotes {
            variants: true,
            ..Default::default()
        });
        for (number, name, shape) in [(1, "ok", value), (2, "err", error)] {
            let value = self.value(shape, name, full_name, &mut message);
            let field = value.into_field(number, name, "", false);
            message.field.push(FieldDescriptor {
                oneof_index: Some(0),
                ..field
            });
        }
        message.oneof_decl.push(OneofDescriptor {
            name: "variant".into(),
        });
        message
    }

    fn tuple_fields(&self, parts: &[Shape]) -> Vec<Field> {
        let field = |(i, shape)| self.field_of(i as u32 + 1, &format!("field_{}", i + 1), shape);
        parts.iter().enumerate().map(field).collect()
    }

    fn field_of(&self, tag: u32, name: &str, shape: &Shape) -> Field {
        let required = self.is_required(shape);
        Field {
            tag,
            name: name.into(),
            docs: String::new(),
            shape: shape.clone(),
            required,
        }
    }

    /// Whether a field of this shape may not be absent. Of a struct's fields it is known already.
    fn is_required(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Scalar { scalar, narrowed } => *scalar == Scalar::Bytes && !narrowed.is_empty(),
            Shape::Named(place) => match &self.registry.types()[place.0].body {
                Body::Message(fields) => fields.iter().any(|field| field.required),
                Body::Oneof { open, default, .. } => !open && default.is_none(),
                Body::Enumeration {
                    values,
                    open,
                    default,
                } => !open && default.is_none() && values.iter().all(|value| value.number != 0),
            },
            Shape::Tuple(parts) => parts.iter().any(|part| self.is_required(part)),
            Shape::Result(..) => true,
            Shape::WellKnown(_) | Shape::Optional(_) | Shape::List(_) | Shape::Map(..) => false,
        }
    }

    fn well_known(&mut self, known: WellKnown) -> String {
        let (file, name) = match known {
            WellKnown::Empty => ("empty", "Empty"),
            WellKnown::Duration => ("duration", "Duration"),
            WellKnown::Timestamp => ("timestamp", "Timestamp"),
        };
        self.imports.insert(format!("google/protobuf/{file}.proto"));
        format!(".google.protobuf.{name}")
    }
}

impl ValueType {
    fn message(type_name: String) -> Self {
        Self {
            r#type: FieldType::Message,
            type_name,
            narrowed: String::new(),
        }
    }

    fn into_field(self, number: u32, name: &str, docs: &str, required: bool) -> FieldDescriptor {
        let notes = FieldNotes {
            docs: docs.into(),
            narrowed: self.narrowed,
            required,
        };
        FieldDescriptor {
            name: name.into(),
            number,
            r#type: self.r#type,
            type_name: self.type_name,
            options: (notes != FieldNotes::default()).then_some(FieldOptions { rpc: notes }),
            ..Default::default()
        }
    }
}

/// An enum without data. Protobuf wants a value 0 first, and values named apart from those of other enums.
fn enumeration(name: &str, values: &[Value], notes: TypeNotes) -> EnumDescriptor {
    let prefix = screaming(name);
    let described = values.iter().map(|value| EnumValueDescriptor {
        name: format!("{prefix}_{}", screaming(value.name)),
        number: value.number,
        options: (!value.docs.is_empty()).then(|| EnumValueOptions {
            rpc: Notes {
                docs: value.docs.into(),
            },
        }),
    });
    let mut value: Vec<_> = described.collect();
    match value.iter().position(|value| value.number == 0) {
        Some(zero) => value[..=zero].rotate_right(1),
        None => {
            let name = format!("{prefix}_UNSPECIFIED");
            value.insert(
                0,
                EnumValueDescriptor {
                    name,
                    number: 0,
                    options: None,
                },
            );
        }
    }
    EnumDescriptor {
        name: name.into(),
        value,
        options: Some(EnumOptions { rpc: notes }),
    }
}

/// A name for a nested message, and the same in full.
fn nested_name(field: &str, full_name: &str, message: &MessageDescriptor) -> (String, String) {
    let mut name = camel(field);
    while message.nested_type.iter().any(|nested| nested.name == name) {
        name.push('2');
    }
    let nested_name = format!("{full_name}.{name}");
    (name, nested_name)
}

fn is_enumeration(described: &Type) -> bool {
    matches!(described.body, Body::Enumeration { .. })
}

/// Protobuf's maps have keys that are integers, bools or text.
fn is_map_key(shape: &Shape) -> bool {
    match shape {
        Shape::Scalar { scalar, .. } => {
            !matches!(scalar, Scalar::Double | Scalar::Float | Scalar::Bytes)
        }
        _ => false,
    }
}

fn type_options(notes: TypeNotes) -> Option<MessageOptions> {
    (notes != TypeNotes::default()).then_some(MessageOptions {
        map_entry: false,
        rpc: notes,
    })
}
