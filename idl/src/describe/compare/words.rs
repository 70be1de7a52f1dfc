//! What changed, in words that a person can act on: the places and the types.

use super::{Comparison, EMPTY_NAME, Pair, Way, fits};
use crate::descriptor::{FieldDescriptor, FieldType, Label};

impl Comparison<'_> {
    /// What the words are about: a method, or a type by the name that it had.
    pub(super) fn subject(&self, pair: &Pair<'_>) -> String {
        match (pair.method, self.short_names(pair)) {
            (Some(method), _) => method.to_owned(),
            (None, [old, new]) if old == new || pair.new == EMPTY_NAME => old,
            (None, [_, new]) if pair.old == EMPTY_NAME => new,
            (None, [old, new]) => format!("{old} (now {new})"),
        }
    }

    /// The field of this number, in words.
    pub(super) fn place(&self, pair: &Pair<'_>, variants: bool, tag: u32) -> String {
        let noun = match (pair.method, pair.way) {
            (Some(method), Way::Argument) => return format!("{method}: argument {tag}"),
            (Some(method), _) => return format!("{method}: the result"),
            (None, _) if variants => "variant",
            (None, _) => "field",
        };
        format!("{}: {noun} {tag}", self.subject(pair))
    }

    /// The names of a pair without their packages.
    pub(super) fn short_names(&self, pair: &Pair<'_>) -> [String; 2] {
        [self.short_name(0, pair.old), self.short_name(1, pair.new)]
    }

    fn short_name(&self, side: usize, full_name: &str) -> String {
        let name = full_name.strip_prefix(&self.scopes[side]).unwrap_or(full_name);
        name.trim_start_matches('.').to_owned()
    }

    /// The types of two fields in words.
    pub(super) fn type_names(&self, old: &FieldDescriptor, new: &FieldDescriptor) -> [String; 2] {
        let words = |side: usize, field: &FieldDescriptor| {
            let name = match (fits::narrowed(field), field.type_name.as_str()) {
                ("", "") => format!("{:?}", field.r#type).to_lowercase(),
                ("", named) if old.r#type == new.r#type => self.short_name(side, named),
                ("", named) => {
                    let kind = if field.r#type == FieldType::Enum { "enum" } else { "message" };
                    format!("{kind} {}", self.short_name(side, named))
                }
                (narrowed, _) => narrowed.to_owned(),
            };
            match field.label {
                Label::Repeated => format!("a list of {name}"),
                Label::Optional | Label::Required => name,
            }
        };
        [words(0, old), words(1, new)]
    }
}
