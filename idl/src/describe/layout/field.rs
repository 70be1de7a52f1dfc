//! The fields of a message, and the nested messages that they need.

use super::draft::{Draft, ValueType};
use super::{Layout, is_enumeration};
use crate::describe::case::camel;
use crate::describe::registry::{Body, Field};
use crate::describe::shape::{Scalar, Shape};
use crate::descriptor::{FieldDescriptor, FieldType, Label, MessageDescriptor};

impl Layout<'_> {
    pub(super) fn with_fields(&mut self, mut draft: Draft, fields: &[Field]) -> MessageDescriptor {
        for field in fields {
            self.field(field, &mut draft);
        }
        draft.finish()
    }

    fn field(&mut self, field: &Field, draft: &mut Draft) {
        let (mut label, mut proto3_optional) = (Label::Optional, false);
        let value = match &field.shape {
            Shape::Optional(inner) => {
                proto3_optional = true;
                self.value(inner, &field.name, draft)
            }
            Shape::List(inner) => {
                label = Label::Repeated;
                self.value(inner, &field.name, draft)
            }
            Shape::Map(key, value) => {
                label = Label::Repeated;
                self.pairs(key, value, &field.name, draft)
            }
            single => self.value(single, &field.name, draft),
        };
        if draft.has_field(&field.name) {
            self.problems.push(format!("{} has two fields `{}`", draft.name(), field.name));
        }
        draft.push(FieldDescriptor {
            label,
            proto3_optional,
            ..value.into_field(field.tag, &field.name, &field.docs, field.required)
        });
    }

    /// A shape as a single value: what takes several fields to say becomes a nested message.
    pub(super) fn value(&mut self, shape: &Shape, field: &str, draft: &mut Draft) -> ValueType {
        match shape {
            Shape::Scalar { scalar, narrowed } => {
                ValueType { r#type: (*scalar).into(), type_name: String::new(), narrowed: narrowed.to_string() }
            }
            Shape::Named(place) => {
                let mut value = ValueType::message(self.full_name(&self.names[place.0]));
                if is_enumeration(&self.registry.types()[place.0]) {
                    value.r#type = FieldType::Enum;
                }
                value
            }
            Shape::WellKnown(known) => ValueType::message(self.well_known(*known)),
            Shape::Foreign(name) => ValueType::message(format!(".{name}")),
            nameless => {
                let nested = draft.nested(field);
                let type_name = nested.full_name().to_owned();
                let made = self.nameless(nameless, nested);
                draft.nest(made);
                ValueType::message(type_name)
            }
        }
    }

    /// The message for a shape that has no name of its own.
    pub(super) fn nameless(&mut self, shape: &Shape, mut draft: Draft) -> MessageDescriptor {
        match shape {
            Shape::Tuple(parts) => {
                let numbered = parts.iter().zip(1..);
                let fields: Vec<Field> =
                    numbered.map(|(part, tag)| self.unnamed_field(tag, &format!("field_{tag}"), part)).collect();
                self.with_fields(draft, &fields)
            }
            Shape::Result(value, error) => {
                self.singles([("ok", value), ("err", error)], &mut draft);
                draft.finish_variants()
            }
            other => {
                let field = self.unnamed_field(1, "value", other);
                self.with_fields(draft, &[field])
            }
        }
    }

    /// The pairs of a map; protobuf calls it a map if it knows keys of this type.
    fn pairs(&mut self, key: &Shape, value: &Shape, field: &str, draft: &mut Draft) -> ValueType {
        let is_map = is_map_key(key);
        let name = if is_map { format!("{field}_entry") } else { field.to_owned() };
        let mut entry = draft.nested(&name);
        if is_map && entry.name() != camel(&name) {
            let problem = format!("{}: two names need the message `{}`", draft.name(), camel(&name));
            self.problems.push(problem);
        }
        let type_name = entry.full_name().to_owned();
        if is_map {
            // In a `.proto` nothing can be nested in an entry, so what its value needs stands beside it.
            let key = self.value(key, "key", draft);
            let value = self.value(value, &format!("{field}_value"), draft);
            entry.push(key.into_field(1, "key", "", false));
            entry.push(value.into_field(2, "value", "", false));
            draft.nest(entry.finish_map_entry());
        } else {
            self.singles([("key", key), ("value", value)], &mut entry);
            draft.nest(entry.finish());
        }
        ValueType::message(type_name)
    }

    /// Two fields whose values stand alone, like elements of a list.
    fn singles(&mut self, two: [(&str, &Shape); 2], draft: &mut Draft) {
        for ((name, shape), number) in two.into_iter().zip(1..) {
            let value = self.value(shape, name, draft);
            draft.push(value.into_field(number, name, "", false));
        }
    }

    fn unnamed_field(&self, tag: u32, name: &str, shape: &Shape) -> Field {
        let required = self.is_required(shape);
        Field { tag, name: name.into(), docs: String::new(), shape: shape.clone(), required }
    }

    /// Whether a field of this shape may not be absent. Of a struct's fields it is known already.
    fn is_required(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Scalar { scalar, narrowed } => *scalar == Scalar::Bytes && !narrowed.is_empty(),
            Shape::Named(place) => match &self.registry.types()[place.0].body {
                Body::Message(fields) => fields.iter().any(|field| field.required),
                Body::Oneof { open, default, .. } => !open && default.is_none(),
                Body::Enumeration { values, open, default } => {
                    !open && default.is_none() && values.iter().all(|value| value.number != 0)
                }
            },
            Shape::Tuple(parts) => parts.iter().any(|part| self.is_required(part)),
            Shape::Result(..) => true,
            Shape::WellKnown(_) | Shape::Foreign(_) | Shape::Optional(_) | Shape::List(_) | Shape::Map(..) => false,
        }
    }
}

/// Protobuf's maps have keys that are integers, bools or text.
fn is_map_key(shape: &Shape) -> bool {
    match shape {
        Shape::Scalar { scalar, .. } => !matches!(scalar, Scalar::Double | Scalar::Float | Scalar::Bytes),
        _ => false,
    }
}
