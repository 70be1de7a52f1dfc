//! What cannot travel, although it can be read.

use std::collections::HashSet;

use proc_macro2::Span;

use super::model::{Body, CALL_ERROR_TAG, Field, Message, Payload, Variant};
use crate::problems::Problems;
use crate::settings::tag_mistake;

/// Reports numbers and names that two things share, and variants that stand for too much.
pub(crate) fn message(message: &Message, problems: &mut Problems) {
    for fields in message.field_lists() {
        let fields: Vec<&Field> = fields.iter().collect();
        unique_fields(&fields, "fields", problems);
    }
    match &message.body {
        Body::Fields(_) | Body::Transparent(_) | Body::Prost(_) => {}
        Body::Numbers(variants) => {
            variants_in_general(message, variants, problems);
            enum_numbers(variants, problems);
        }
        Body::Oneof(variants) => {
            variants_in_general(message, variants, problems);
            let numbers = numbered(variants).map(|variant| (variant.tag, variant.span));
            tags(numbers, problems);
        }
    }
}

/// Reports what an error enum lacks, besides what holds for every enum.
pub(crate) fn remote_error(error: &Message, problems: &mut Problems) {
    message(error, problems);
    let Body::Oneof(variants) = &error.body else {
        return;
    };
    let mut calls = variants.iter().filter(|variant| matches!(variant.payload, Payload::CallError(_)));
    if calls.next().is_none() {
        problems.at(
            &error.ident,
            "every call can fail on its way: add a variant `Call(#[from] CallError)`, \
             marked `#[rpc(call)]` if the type has another name here",
        );
    }
    for second in calls {
        problems.at(
            &second.ident,
            "one variant holds the runtime's `CallError`, and there is one already: remove this one",
        );
    }
    for variant in numbered(variants).filter(|variant| variant.tag >= CALL_ERROR_TAG) {
        let what = format!("the variants of an error have tags below {CALL_ERROR_TAG}");
        problems.at_span(variant.span, what);
    }
}

fn variants_in_general(message: &Message, variants: &[Variant], problems: &mut Problems) {
    if variants.is_empty() {
        problems.at(
            &message.ident,
            "an enum without variants has no value that could travel: add a variant, or write `()`",
        );
    }
    let numbers = numbered(variants).map(|variant| (variant.tag, variant.span));
    unique(numbers, problems, |tag| {
        format!("two variants have tag {tag}: give one of them another, `#[rpc(tag = …)]`")
    });
    let names = numbered(variants).map(|variant| (&variant.name, variant.ident.span()));
    unique(names, problems, |name| {
        format!("two variants are called `{name}` on the wire: give one of them another name")
    });
    let others = variants.iter().filter_map(|variant| variant.other);
    for second in others.skip(1) {
        problems.at_span(second, "one variant can stand for what is unknown: keep one `other`");
    }
    for variant in variants {
        let stands_for_other_things = variant.other.is_some() || variant.default.is_some();
        if stands_for_other_things && !matches!(variant.payload, Payload::Unit) {
            problems.at(&variant.ident, "this variant stands for a value that did not come, so it can hold no data");
        }
    }
}

/// An enum's numbers are 31 bits wide, and 0 is what absence means; only one variant can mean it.
fn enum_numbers(variants: &[Variant], problems: &mut Problems) {
    for variant in variants {
        if i32::try_from(variant.tag).is_err() {
            problems.at_span(variant.span, "the numbers of an enum end at 2147483647");
        }
    }
    let zero = variants.iter().find(|variant| variant.tag == 0);
    let default = variants.iter().find(|variant| variant.default.is_some());
    if let (Some(zero), Some(default)) = (zero, default)
        && zero.ident != default.ident
    {
        problems.at_span(zero.span, "number 0 is what absence means, and `#[default]` marks another variant for that");
    }
}

/// Reports numbers and names that two of these share. `what` they are is a word in the plural.
pub(crate) fn unique_fields(fields: &[&Field], what: &str, problems: &mut Problems) {
    let numbers = fields.iter().map(|field| (field.tag, field.span));
    tags(numbers.clone(), problems);
    unique(numbers, problems, |tag| format!("two {what} have tag {tag}: give one of them another, `#[rpc(tag = …)]`"));
    let names = fields.iter().map(|field| (&field.name, field.span));
    unique(names, problems, |name| {
        format!("two {what} are called `{name}` on the wire: give one of them another name")
    });
}

fn tags(all: impl Iterator<Item = (u32, Span)>, problems: &mut Problems) {
    for (tag, span) in all {
        if let Some(what) = tag_mistake(tag) {
            problems.at_span(span, what);
        }
    }
}

/// The variants that have a number of their own.
fn numbered(variants: &[Variant]) -> impl Iterator<Item = &Variant> {
    variants.iter().filter(|variant| !matches!(variant.payload, Payload::CallError(_) | Payload::Text))
}

fn unique<K: std::hash::Hash + Eq>(
    all: impl Iterator<Item = (K, Span)>,
    problems: &mut Problems,
    what: impl Fn(&K) -> String,
) {
    let mut seen = HashSet::new();
    for (key, span) in all {
        let what = what(&key);
        if !seen.insert(key) {
            problems.at_span(span, what);
        }
    }
}
