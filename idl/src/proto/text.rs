//! The text of a `.proto`, formatted as `buf format` does it.

use super::scope::Scope;
use super::words;
use crate::describe::case::json_name;
use crate::descriptor::{
    EnumDescriptor, FieldDescriptor, FieldType, FileDescriptor, IdempotencyLevel, Label, MessageDescriptor,
    MethodDescriptor, MethodKind, ReservedRange, ServiceDescriptor,
};
use std::fmt::Write;

impl FileDescriptor {
    /// The text of the `.proto`: interfaces, messages and enums with their docs, numbers as they are on the wire. The
    /// same description always gives the same text.
    ///
    /// What protobuf has no word for stands in comments: narrower numbers, fields that must be set, errors of methods.
    /// Extensions and groups of foreign `proto2` files are left out.
    #[must_use]
    pub fn to_proto(&self) -> String {
        let proto3 = self.syntax == "proto3";
        let mut text = Text { out: String::new(), indent: 0, scope: Scope::of(self), proto3 };
        text.line(format_args!("syntax = \"{}\";", if proto3 { "proto3" } else { "proto2" }));
        if !self.package.is_empty() {
            text.line(format_args!("\npackage {};", self.package));
        }
        let mut imports: Vec<&String> = self.dependency.iter().collect();
        imports.sort();
        for (i, import) in imports.into_iter().enumerate() {
            let blank = if i == 0 { "\n" } else { "" };
            text.line(format_args!("{blank}import {};", quoted(import)));
        }
        for service in &self.service {
            text.service(service);
        }
        let root = text.scope.package().to_owned();
        for message in &self.message_type {
            text.line(format_args!(""));
            text.message(message, &root);
        }
        for described in &self.enum_type {
            text.line(format_args!(""));
            text.enumeration(described);
        }
        text.out
    }
}

struct Text {
    out: String,
    indent: usize,
    scope: Scope,
    proto3: bool,
}

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let start = self.out.len();
        // Writing to a `String` cannot fail.
        let _ = self.out.write_fmt(line);
        if self.out.len() > start {
            let blanks = self.out[start..].len() - self.out[start..].trim_start_matches('\n').len();
            self.out.insert_str(start + blanks, &"  ".repeat(self.indent));
        }
        self.out.push('\n');
    }

    /// `head {`, the body, `}`; `head {}` if the body is empty.
    fn block(&mut self, head: std::fmt::Arguments<'_>, body: impl FnOnce(&mut Self)) {
        self.line(format_args!("{head} {{"));
        let start = self.out.len();
        self.indent += 1;
        body(self);
        self.indent -= 1;
        if self.out.len() == start {
            self.out.insert(start - 1, '}');
        } else {
            self.line(format_args!("}}"));
        }
    }

    fn comment(&mut self, docs: &str) {
        for line in docs.lines() {
            match line.trim_end() {
                "" => self.line(format_args!("//")),
                line => self.line(format_args!("// {line}")),
            }
        }
    }

    fn service(&mut self, service: &ServiceDescriptor) {
        self.line(format_args!(""));
        self.comment(service.options.as_ref().map_or("", |options| &options.rpc.docs));
        self.block(format_args!("service {}", service.name), |text| {
            for (i, method) in service.method.iter().enumerate() {
                let notes = method.options.as_ref().map(|options| &options.rpc);
                let has_comment = notes.is_some_and(|notes| !notes.docs.is_empty() || !notes.error.is_empty());
                if i > 0 && has_comment {
                    text.line(format_args!(""));
                }
                text.method(method);
            }
        });
    }

    fn method(&mut self, method: &MethodDescriptor) {
        let around = self.scope.package();
        let input = self.scope.spell(&method.input_type, around).to_owned();
        let output = self.scope.spell(&method.output_type, around).to_owned();
        let stream = |is_stream| if is_stream { "stream " } else { "" };
        let head = format!(
            "rpc {}({}{input}) returns ({}{output})",
            method.name,
            stream(method.client_streaming),
            stream(method.server_streaming)
        );
        let Some(options) = &method.options else {
            return self.line(format_args!("{head};"));
        };
        self.comment(&options.rpc.docs);
        let error = self.scope.spell(&options.rpc.error, self.scope.package()).to_owned();
        if !error.is_empty() {
            self.comment(&format!("Fails with {error}."));
        }
        if options.rpc.kind == MethodKind::Oneway {
            self.comment("One-way: the answer is empty and does not wait for the end of the call.");
        }
        let level = match options.idempotency_level {
            IdempotencyLevel::Unknown => return self.line(format_args!("{head};")),
            IdempotencyLevel::NoSideEffects => "NO_SIDE_EFFECTS",
            IdempotencyLevel::Idempotent => "IDEMPOTENT",
        };
        self.block(format_args!("{head}"), |text| text.line(format_args!("option idempotency_level = {level};")));
    }

    fn message(&mut self, message: &MessageDescriptor, around: &str) {
        let full_name = format!("{around}.{}", message.name);
        self.comment(message.options.as_ref().map_or("", |options| &options.rpc.docs));
        self.block(format_args!("message {}", message.name), |text| {
            let start = text.out.len();
            let separate = |text: &mut Self| {
                if text.out.len() > start {
                    text.line(format_args!(""));
                }
            };
            text.reserved(&message.reserved_range, &message.reserved_name, 1);
            let nested = message.nested_type.iter().filter(|nested| !is_map_entry(nested));
            for nested in nested {
                separate(text);
                text.message(nested, &full_name);
            }
            for described in &message.enum_type {
                separate(text);
                text.enumeration(described);
            }
            if text.out.len() > start && !message.field.is_empty() {
                text.line(format_args!(""));
            }
            text.fields(message, &full_name);
        });
    }

    /// Each oneof stands where the first of its fields does.
    fn fields(&mut self, message: &MessageDescriptor, full_name: &str) {
        let mut written = vec![false; message.oneof_decl.len()];
        for field in &message.field {
            let group = field.oneof_index.filter(|_| !field.proto3_optional).map(|index| index as usize);
            let Some((index, oneof)) = group.and_then(|index| Some((index, message.oneof_decl.get(index)?))) else {
                self.field(field, message, full_name);
                continue;
            };
            if std::mem::replace(&mut written[index], true) {
                continue;
            }
            self.block(format_args!("oneof {}", oneof.name), |text| {
                let members = message.field.iter().filter(|other| other.oneof_index == field.oneof_index);
                for member in members {
                    text.field(member, message, full_name);
                }
            });
        }
    }

    fn field(&mut self, field: &FieldDescriptor, message: &MessageDescriptor, around: &str) {
        let entry = message.nested_type.iter().find(|nested| {
            let name = field.type_name.strip_prefix(around).and_then(|rest| rest.strip_prefix('.'));
            is_map_entry(nested) && name == Some(&nested.name)
        });
        let mut comment = words::of_field(field);
        let (label, r#type) = match entry.map(|entry| entry.field.as_slice()) {
            Some([key, value]) => {
                comment = [("key: ", key), ("value: ", value)]
                    .map(|(which, part)| (which, words::of_field(part)))
                    .into_iter()
                    .filter(|(_, words)| !words.is_empty())
                    .map(|(which, words)| format!("{which}{words}"))
                    .collect::<Vec<_>>()
                    .join("; ");
                ("", format!("map<{}, {}>", self.r#type(key, around), self.r#type(value, around)))
            }
            _ => (self.label(field), self.r#type(field, around)),
        };
        let comment = if comment.is_empty() { comment } else { format!(" // {comment}") };
        self.comment(field.options.as_ref().map_or("", |options| &options.rpc.docs));
        let options = self.field_options(field);
        self.line(format_args!("{label}{} {} = {}{options};{comment}", r#type, field.name, field.number));
    }

    fn label(&self, field: &FieldDescriptor) -> &'static str {
        match field.label {
            Label::Repeated => "repeated ",
            Label::Required => "required ",
            Label::Optional if field.proto3_optional => "optional ",
            Label::Optional if !self.proto3 && field.oneof_index.is_none() => "optional ",
            Label::Optional => "",
        }
    }

    fn r#type(&self, field: &FieldDescriptor, around: &str) -> String {
        match field.r#type {
            FieldType::Message | FieldType::Enum | FieldType::Group => {
                self.scope.spell(&field.type_name, around).to_owned()
            }
            scalar => format!("{scalar:?}").to_lowercase(),
        }
    }

    fn field_options(&self, field: &FieldDescriptor) -> String {
        let mut options = Vec::new();
        if !field.default_value.is_empty() {
            let value = match field.r#type {
                FieldType::String => quoted(&field.default_value),
                // Escaped already.
                FieldType::Bytes => format!("\"{}\"", field.default_value),
                _ => field.default_value.clone(),
            };
            options.push(format!("default = {value}"));
        }
        if !field.json_name.is_empty() && field.json_name != json_name(&field.name) {
            options.push(format!("json_name = {}", quoted(&field.json_name)));
        }
        if let Some(packed) = field.options.as_ref().and_then(|options| options.packed) {
            options.push(format!("packed = {packed}"));
        }
        if options.is_empty() { String::new() } else { format!(" [{}]", options.join(", ")) }
    }

    fn enumeration(&mut self, described: &EnumDescriptor) {
        self.comment(described.options.as_ref().map_or("", |options| &options.rpc.docs));
        self.block(format_args!("enum {}", described.name), |text| {
            let start = text.out.len();
            if described.options.as_ref().is_some_and(|options| options.allow_alias) {
                text.line(format_args!("option allow_alias = true;"));
            }
            text.reserved(&described.reserved_range, &described.reserved_name, 0);
            if text.out.len() > start {
                text.line(format_args!(""));
            }
            for value in &described.value {
                text.comment(value.options.as_ref().map_or("", |options| &options.rpc.docs));
                text.line(format_args!("{} = {};", value.name, value.number()));
            }
        });
    }

    /// `beyond`: how far the end of a range lies beyond its last number.
    fn reserved(&mut self, ranges: &[ReservedRange], names: &[String], beyond: i32) {
        if !ranges.is_empty() {
            let ranges = ranges.iter().map(|range| {
                let last = range.end.saturating_sub(beyond);
                if last == range.start { last.to_string() } else { format!("{} to {last}", range.start) }
            });
            let ranges: Vec<_> = ranges.collect();
            self.line(format_args!("reserved {};", ranges.join(", ")));
        }
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
            self.line(format_args!("reserved {};", names.join(", ")));
        }
    }
}

fn is_map_entry(message: &MessageDescriptor) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry)
}

/// Text as a literal.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => literal.extend(['\\', letter]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\0'..='\x1f' => {
                let _ = write!(literal, "\\x{:02x}", u32::from(letter));
            }
            _ => literal.push(letter),
        }
    }
    literal.push('"');
    literal
}
