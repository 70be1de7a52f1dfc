//! Syntax to model: names, numbers and forms.

use proc_macro2::Span;
use quote::format_ident;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Index, Member, Path, Type};

use super::model::{Body, CALL_ERROR_TAG, Field, Message, Payload, Variant};
use crate::problems::Problems;
use crate::settings::{Pinned, Settings};
use crate::spans::located;
use crate::{docs, names};

const ON_TYPE: &str = "a type takes `name = \"…\"`, `transparent` (a struct of one field), `prost` (a struct that prost made) and `crate = \"…\"`";
const ON_FIELD: &str = "a field takes `tag = 3`, `name = \"…\"` and `as = \"int64\"`";
const ON_ONLY_FIELD: &str = "the field of a transparent struct is the type itself on the wire";
const ON_VARIANT: &str = "a variant takes `tag = 3`, `name = \"…\"` and `other`";
const ON_ERROR_VARIANT: &str =
    "a variant of an error takes `tag = 3`, `name = \"…\"`, `code = \"not_found\"`, `call`, `text` and `other`";
const ON_ONLY_VALUE: &str =
    "the only unnamed field of a variant takes `as = \"int64\"`; its number and name are the variant's";

/// The types of the wire that Rust has no type of its own for, and their marker types.
const WIRE_TYPES: [(&str, &str); 6] = [
    ("int32", "Int32"),
    ("int64", "Int64"),
    ("fixed32", "Fixed32"),
    ("fixed64", "Fixed64"),
    ("sfixed32", "Sfixed32"),
    ("sfixed64", "Sfixed64"),
];

/// Reads a type that derives `Message`. `None`: nothing that could be read further.
pub(crate) fn message(input: &DeriveInput, problems: &mut Problems) -> Option<Message> {
    read(input, problems, |settings, problems| match &input.data {
        Data::Struct(_) if settings.flag("prost", problems).is_some() => {
            Some(Body::Prost(descriptors(settings, problems)))
        }
        Data::Struct(data) if settings.flag("transparent", problems).is_some() => {
            transparent(input, &data.fields, problems)
        }
        Data::Struct(data) => Some(Body::Fields(fields(&data.fields, problems))),
        Data::Enum(data) => {
            if let Some(span) = settings.flag("prost", problems) {
                problems
                    .at_span(span, "`prost` is for messages: an enum of prost's is a number, and travels as an `i32`");
            }
            let variants: Vec<&syn::Variant> = data.variants.iter().collect();
            let with_data = variants.iter().any(|variant| !variant.fields.is_empty());
            let form = match with_data {
                true => Form::Oneof,
                false => Form::Numbers,
            };
            let variants = self::variants(&variants, form, problems);
            Some(match with_data {
                true => Body::Oneof(variants),
                false => Body::Numbers(variants),
            })
        }
        Data::Union(data) => {
            problems.at(data.union_token, "a union does not say which of its fields is there: write an enum");
            None
        }
    })
}

/// Reads an enum that derives `RemoteError`. Always a oneof, for one of its variants holds data.
pub(crate) fn remote_error(input: &DeriveInput, problems: &mut Problems) -> Option<Message> {
    read(input, problems, |_, problems| {
        let Data::Enum(data) = &input.data else {
            problems.at(
                &input.ident,
                "an error of a call has at least two forms, yours and the runtime's: write an enum \
                 with a variant `Call(#[from] CallError)`",
            );
            return None;
        };
        let variants: Vec<&syn::Variant> = data.variants.iter().collect();
        Some(Body::Oneof(self::variants(&variants, Form::Error, problems)))
    })
}

fn read(
    input: &DeriveInput,
    problems: &mut Problems,
    body: impl FnOnce(&mut Settings, &mut Problems) -> Option<Body>,
) -> Option<Message> {
    for lifetime in input.generics.lifetimes() {
        problems.at(
            lifetime,
            "what travels owns what it holds: write `String`, `Vec<T>` or `Bytes` in place of a reference",
        );
    }
    let mut settings = Settings::of(&input.attrs, problems);
    let krate = settings.krate(problems);
    let name = settings.name(problems);
    let body = body(&mut settings, problems);
    settings.finish("a type", ON_TYPE, problems);
    Some(Message {
        ident: input.ident.clone(),
        generics: input.generics.clone(),
        krate,
        name: name.map_or_else(|| names::plain(&input.ident), |name| name.value()),
        docs: docs::text(&input.attrs),
        body: body?,
    })
}

/// `descriptors = "…"`: where the `FileDescriptorSet` is that has the type in it.
pub(crate) fn descriptors(settings: &mut Settings, problems: &mut Problems) -> Option<Path> {
    let path = settings.text("descriptors", "super::FILE_DESCRIPTOR_SET", problems)?;
    path.parse().map_err(|error| problems.add(error)).ok()
}

fn transparent(input: &DeriveInput, fields: &Fields, problems: &mut Problems) -> Option<Body> {
    if fields.len() != 1 {
        problems.at(
            &input.ident,
            "`transparent` needs exactly one field: leave it out, or put the fields into a type of their own",
        );
        return None;
    }
    let field = fields.iter().next()?;
    let settings = Settings::of(&field.attrs, problems);
    settings.finish("this field", ON_ONLY_FIELD, problems);
    let field = self::field(field, 0, "value".into());
    Some(Body::Transparent(Box::new(field)))
}

/// Reads fields and numbers them: each has one more than the field before it, unless it is pinned.
fn fields(fields: &Fields, problems: &mut Problems) -> Vec<Field> {
    let mut tag = 0;
    let mut all = Vec::with_capacity(fields.len());
    for (position, syntax) in fields.iter().enumerate() {
        let mut field = field(syntax, position, unnamed(position, fields.len()));
        let mut settings = Settings::of(&syntax.attrs, problems);
        tag = number(settings.tag(problems), tag, &mut field.span);
        field.tag = tag;
        if let Some(name) = settings.name(problems) {
            field.name = name.value();
        }
        field.wire_as = wire_as(&mut settings, problems);
        settings.finish("a field", ON_FIELD, problems);
        all.push(field);
    }
    all
}

/// The field without what its attributes say.
fn field(field: &syn::Field, position: usize, unnamed: String) -> Field {
    let (member, name, local) = match &field.ident {
        Some(ident) => {
            let name = names::plain(ident);
            let local = format_ident!("field_{name}", span = located(ident));
            (Member::Named(ident.clone()), name, local)
        }
        None => {
            let local = format_ident!("field_{}", position + 1, span = located(&field.ty));
            (Member::Unnamed(Index::from(position)), unnamed, local)
        }
    };
    Field {
        member,
        local,
        ty: field.ty.clone(),
        tag: 1,
        name,
        docs: docs::text(&field.attrs),
        wire_as: None,
        span: field.ident.as_ref().map_or(field.ty.span(), Ident::span),
    }
}

fn unnamed(position: usize, count: usize) -> String {
    match count {
        1 => "value".into(),
        _ => format!("field_{}", position + 1),
    }
}

/// What was pinned, else one more than the number before. `span` becomes that of a pinned number.
pub(crate) fn number(pinned: Option<Pinned>, previous: u32, span: &mut Span) -> u32 {
    let Some(pinned) = pinned else {
        return previous.saturating_add(1);
    };
    *span = pinned.span;
    pinned.number
}

/// The marker type of `as = "…"`.
pub(crate) fn wire_as(settings: &mut Settings, problems: &mut Problems) -> Option<Ident> {
    let chosen = settings.text("as", "int64", problems)?;
    let value = chosen.value();
    let known = WIRE_TYPES.iter().find(|(wire, _)| *wire == value);
    if known.is_none() {
        let all = WIRE_TYPES.map(|(wire, _)| format!("\"{wire}\"")).join(", ");
        problems.at(&chosen, format!("write one of {all}"));
    }
    known.map(|(_, marker)| Ident::new(marker, chosen.span()))
}

/// What an enum's variants are on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Numbers of an enum.
    Numbers,
    /// Fields of a oneof.
    Oneof,
    /// Fields of a oneof, among them the runtime's own error.
    Error,
}

fn variants(syntax: &[&syn::Variant], form: Form, problems: &mut Problems) -> Vec<Variant> {
    let mut tag = 0;
    let mut all = Vec::with_capacity(syntax.len());
    for variant in syntax {
        let mut settings = Settings::of(&variant.attrs, problems);
        let pinned = settings.tag(problems);
        let mut span = variant.ident.span();
        let name = settings.name(problems);
        let mut read = Variant {
            ident: variant.ident.clone(),
            tag: 0,
            name: name.map_or_else(|| names::plain(&variant.ident), |name| name.value()),
            docs: docs::text(&variant.attrs),
            payload: Payload::Unit,
            code: None,
            other: settings.flag("other", problems),
            default: default_span(&variant.attrs),
            span,
        };
        let call = form == Form::Error && is_call(variant, &mut settings, problems);
        let text = form == Form::Error && settings.flag("text", problems).is_some();
        if form == Form::Error {
            read.code = code(call, &mut settings, problems);
        }
        match form {
            Form::Error => settings.finish("a variant of an error", ON_ERROR_VARIANT, problems),
            _ => settings.finish("a variant", ON_VARIANT, problems),
        }
        if call || text {
            // These have a number that no peer chooses, and take none from the others.
            read.tag = CALL_ERROR_TAG;
            if let Some(pinned) = pinned {
                problems.at_span(pinned.span, "this variant has the runtime's own number");
            }
            read.payload = match call {
                true => call_error(variant, problems),
                false => Payload::Text,
            };
        } else {
            tag = number(pinned, tag, &mut span);
            read.tag = tag;
            read.span = span;
            read.payload = payload(&variant.fields, problems);
        }
        all.push(read);
    }
    all
}

/// The codes of gRPC, as `#[rpc(code = "…")]` has them.
const CODES: [&str; 16] = [
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// The variant of the runtime's `Code` that a variant of an error asks for.
fn code(is_call: bool, settings: &mut Settings, problems: &mut Problems) -> Option<Ident> {
    let text = settings.text("code", "not_found", problems)?;
    if is_call {
        problems.at(&text, "the error in this variant has its own code: remove this one");
    } else if CODES.contains(&text.value().as_str()) {
        return Some(Ident::new(&names::camel_case(&text.value()), text.span()));
    } else {
        problems.at(&text, format!("this is none of gRPC's codes: {}", CODES.join(", ")));
    }
    None
}

fn default_span(attributes: &[Attribute]) -> Option<Span> {
    let default = attributes.iter().find(|a| a.path().is_ident("default"));
    default.map(Spanned::span)
}

fn payload(fields: &Fields, problems: &mut Problems) -> Payload {
    match fields {
        fields if fields.is_empty() => Payload::Unit,
        Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => {
            let syntax = &unnamed.unnamed[0];
            let mut field = field(syntax, 0, "value".into());
            let mut settings = Settings::of(&syntax.attrs, problems);
            field.wire_as = wire_as(&mut settings, problems);
            settings.finish("this field", ON_ONLY_VALUE, problems);
            Payload::Value(Box::new(field))
        }
        fields => Payload::Fields(self::fields(fields, problems)),
    }
}

/// Whether the variant holds the runtime's `CallError`: by its type's last word, or because it says so.
fn is_call(variant: &syn::Variant, settings: &mut Settings, problems: &mut Problems) -> bool {
    let said = settings.flag("call", problems).is_some();
    let mut fields = variant.fields.iter();
    let by_type = match (fields.next(), fields.next()) {
        (Some(field), None) => is_call_error(&field.ty),
        _ => false,
    };
    said || by_type
}

fn is_call_error(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == "CallError" && last.arguments.is_empty())
}

fn call_error(variant: &syn::Variant, problems: &mut Problems) -> Payload {
    let mut fields = variant.fields.iter();
    match (fields.next(), fields.next()) {
        (Some(only), None) => Payload::CallError(Box::new(field(only, 0, "value".into()))),
        _ => {
            problems
                .at(variant, "the variant of the runtime's error holds nothing else: write `Call(#[from] CallError)`");
            Payload::Unit
        }
    }
}
