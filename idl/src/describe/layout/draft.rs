//! A message that is being laid out.

use crate::describe::case::camel;
use crate::descriptor::{
    FieldDescriptor, FieldNotes, FieldOptions, FieldType, MessageDescriptor, MessageOptions, OneofDescriptor, TypeNotes,
};

/// A message that is being laid out, and where it stands.
pub(super) struct Draft {
    full_name: String,
    message: MessageDescriptor,
}

/// What a single value is on the wire.
pub(super) struct ValueType {
    pub(super) r#type: FieldType,
    pub(super) type_name: String,
    pub(super) narrowed: String,
}

impl Draft {
    pub(super) fn new(name: &str, full_name: &str, notes: TypeNotes) -> Self {
        let options = (notes != TypeNotes::default()).then_some(MessageOptions { map_entry: false, rpc: notes });
        let message = MessageDescriptor { name: name.into(), options, ..Default::default() };
        Self { full_name: full_name.into(), message }
    }

    pub(super) fn name(&self) -> &str {
        &self.message.name
    }

    pub(super) fn full_name(&self) -> &str {
        &self.full_name
    }

    pub(super) fn has_field(&self, name: &str) -> bool {
        self.message.field.iter().any(|field| field.name == name)
    }

    pub(super) fn push(&mut self, field: FieldDescriptor) {
        self.message.field.push(field);
    }

    /// Starts a message nested in this one, named after a field.
    pub(super) fn nested(&self, field: &str) -> Self {
        let mut name = camel(field);
        while self.message.nested_type.iter().any(|nested| nested.name == name) {
            name.push('2');
        }
        Self::new(&name, &format!("{}.{name}", self.full_name), TypeNotes::default())
    }

    /// Takes in a message that [`nested`](Self::nested) started.
    pub(super) fn nest(&mut self, nested: MessageDescriptor) {
        self.message.nested_type.push(nested);
    }

    /// A message of fields.
    pub(super) fn finish(mut self) -> MessageDescriptor {
        let oneofs = &mut self.message.oneof_decl;
        // Each `optional` stands for a oneof with one field, as protobuf wants it.
        for field in self.message.field.iter_mut().filter(|field| field.proto3_optional) {
            field.oneof_index = Some(oneofs.len() as u32);
            oneofs.push(OneofDescriptor { name: format!("_{}", field.name) });
        }
        self.message
    }

    /// A message of which one field is present.
    pub(super) fn finish_variants(mut self) -> MessageDescriptor {
        let mut name = "variant".to_owned();
        while self.has_field(&name) {
            name.push('_');
        }
        for field in &mut self.message.field {
            field.oneof_index = Some(0);
        }
        self.message.oneof_decl.push(OneofDescriptor { name });
        self.message.options.get_or_insert_default().rpc.variants = true;
        self.message
    }

    /// The key and value of a map.
    pub(super) fn finish_map_entry(mut self) -> MessageDescriptor {
        self.message.options.get_or_insert_default().map_entry = true;
        self.message
    }
}

impl ValueType {
    pub(super) fn message(type_name: String) -> Self {
        Self { r#type: FieldType::Message, type_name, narrowed: String::new() }
    }

    pub(super) fn into_field(self, number: u32, name: &str, docs: &str, required: bool) -> FieldDescriptor {
        let notes = FieldNotes { docs: docs.into(), narrowed: self.narrowed, required };
        FieldDescriptor {
            name: name.into(),
            number,
            r#type: self.r#type,
            type_name: self.type_name,
            options: (notes != FieldNotes::default()).then_some(FieldOptions { packed: None, rpc: notes }),
            ..Default::default()
        }
    }
}
