//! Whether callers of an older interface and an exporter of a newer one understand each other.
//!
//! It depends on the direction. Old callers send arguments, which the new exporter must be able to read; it
//! sends results, which they must be able to read. So a type is compared once for each way that it travels,
//! as who sends it and who receives it. Breaking is what the receiver cannot read, or would read as something
//! else than what was meant.

use super::fits::{self, Fit};
use super::index::{Described, Index, value_name};
use super::interface::Interface;
use crate::descriptor::{
    EnumDescriptor, FieldDescriptor, FieldType, Label, MessageDescriptor, MethodDescriptor,
    MethodKind, MethodNotes, TypeNotes,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// How many fields are compared at most: a description from elsewhere must not keep us busy for long.
const FIELDS_MAX: usize = 262_144;

/// One difference between two interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Callers built with the old interface must not call an exporter of the new one.
    pub breaking: bool,
    /// The difference, in words for the author of the interface.
    pub what: String,
}

/// What changed from `old`, which callers were built with, to `new`, which the exporter has. Nothing that the
/// wire shows changed if the list is empty.
#[must_use]
pub fn compare(old: &Interface, new: &Interface) -> Vec<Change> {
    let mut comparison = Comparison {
        old: Index::of(old.file()),
        new: Index::of(new.file()),
        scopes: [old, new].map(|side| format!(".{}.", side.file().package).replace("..", ".")),
        changes: Vec::new(),
        told: HashMap::new(),
        seen: HashSet::new(),
        queue: VecDeque::new(),
        fields: 0,
    };
    comparison.methods(&old.service().method, &new.service().method);
    while let Some(pair) = comparison.queue.pop_front() {
        comparison.types(&pair);
        if comparison.fields > FIELDS_MAX {
            comparison.report(true, "the types are too large to be compared".into());
            break;
        }
    }
    comparison.changes
}

/// Which way a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// From old callers to the new exporter.
    Argument,
    /// From the new exporter to old callers.
    Result,
    /// The same, within an error: of one that a caller cannot read, it still learns that there was one.
    Error,
}

/// A message or an enum, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair<'a> {
    old: &'a str,
    new: &'a str,
    way: Way,
    /// Its fields are the arguments, or the result, of this method.
    method: Option<&'a str>,
}

struct Comparison<'a> {
    old: Index<'a>,
    new: Index<'a>,
    /// What stands in front of the names of the package, on both sides.
    scopes: [String; 2],
    changes: Vec<Change>,
    /// The place of each change, by its words.
    told: HashMap<String, usize>,
    seen: HashSet<Pair<'a>>,
    queue: VecDeque<Pair<'a>>,
    /// How many were compared.
    fields: usize,
}

impl<'a> Comparison<'a> {
    fn report(&mut self, breaking: bool, what: String) {
        match self.told.get(&what) {
            // The same type, travelling the other way.
            Some(place) => self.changes[*place].breaking |= breaking,
            None => {
                self.told.insert(what.clone(), self.changes.len());
                self.changes.push(Change { breaking, what });
            }
        }
    }

    fn methods(&mut self, old: &'a [MethodDescriptor], new: &'a [MethodDescriptor]) {
        let by_name = |methods: &'a [MethodDescriptor]| {
            methods
                .iter()
                .map(|method| (method.name.as_str(), method))
                .collect::<BTreeMap<_, _>>()
        };
        let (old, new) = (by_name(old), by_name(new));
        for (name, method) in &old {
            match new.get(name) {
                Some(other) => self.method(name, method, other),
                None => self.report(true, format!("{name} is gone")),
            }
        }
        for name in new.keys().filter(|name| !old.contains_key(*name)) {
            self.report(false, format!("{name} is new"));
        }
    }

    fn method(&mut self, name: &'a str, old: &'a MethodDescriptor, new: &'a MethodDescriptor) {
        let (old_notes, new_notes) = (method_notes(old), method_notes(new));
        let kinds = (method_kind(old), method_kind(new));
        let kind = match kinds {
            (MethodKind::Plain, MethodKind::Idempotent) => Some((false, "is idempotent now")),
            (MethodKind::Idempotent, MethodKind::Plain) => Some((
                true,
                "is not idempotent any more, and old callers may run it twice",
            )),
            (MethodKind::Oneway, MethodKind::Plain | MethodKind::Idempotent) => {
                Some((true, "is not oneway any more"))
            }
            (MethodKind::Plain | MethodKind::Idempotent, MethodKind::Oneway) => {
                Some((true, "is oneway now, and old callers wait for a result"))
            }
            _ => None,
        };
        if let Some((breaking, words)) = kind {
            self.report(breaking, format!("{name} {words}"));
        }
        for (old, new, what) in [
            (old.client_streaming, new.client_streaming, "arguments"),
            (old.server_streaming, new.server_streaming, "results"),
        ] {
            if old != new {
                let words = if new {
                    "one, is a stream"
                } else {
                    "a stream, is one"
                };
                self.report(true, format!("{name}: of {what} there was {words}"));
            }
        }
        let whole = old_notes.is_some_and(|n| n.whole) || new_notes.is_some_and(|n| n.whole);
        let method = (!whole).then_some(name);
        let (old_type, new_type) = (&old.input_type, &new.input_type);
        self.named(Pair {
            old: old_type,
            new: new_type,
            way: Way::Argument,
            method,
        });
        let (old_type, new_type) = (&old.output_type, &new.output_type);
        self.named(Pair {
            old: old_type,
            new: new_type,
            way: Way::Result,
            method,
        });
        let old_error = old_notes.map_or("", |notes| &notes.error);
        let new_error = new_notes.map_or("", |notes| &notes.error);
        match (old_error, new_error) {
            ("", "") => {}
            ("", _) => self.report(true, format!("{name} has an error of its own now")),
            (_, "") => self.report(false, format!("{name} has no error of its own any more")),
            (old, new) => self.named(Pair {
                old,
                new,
                way: Way::Error,
                method: None,
            }),
        }
    }

    /// Puts two messages or enums on the list of what is to be compared, once.
    fn named(&mut self, pair: Pair<'a>) {
        if self.seen.insert(pair) {
            self.queue.push_back(pair);
        }
    }

    fn types(&mut self, pair: &Pair<'a>) {
        match (find(&self.old, pair.old), find(&self.new, pair.new)) {
            (Some(Described::Message(old)), Some(Described::Message(new))) => {
                self.messages(pair, old, new);
            }
            (Some(Described::Enum(old)), Some(Described::Enum(new))) => self.enums(pair, old, new),
            // One of Google's, of which the name says all.
            (None, None) if pair.old == pair.new => {}
            _ => {
                let [old, new] = self.short_names(pair);
                let subject = pair
                    .method
                    .map_or(String::new(), |method| format!("{method}: "));
                self.report(true, format!("{subject}what was {old} is {new}"));
            }
        }
    }

    fn messages(
        &mut self,
        pair: &Pair<'a>,
        old: &'a MessageDescriptor,
        new: &'a MessageDescriptor,
    ) {
        let (old_notes, new_notes) = (message_notes(old), message_notes(new));
        let variants =
            [old_notes, new_notes].map(|notes| notes.is_some_and(|notes| notes.variants));
        if variants[0] != variants[1] {
            let words = if variants[1] {
                "a struct, is an enum"
            } else {
                "an enum, is a struct"
            };
            return self.report(true, format!("{} was {words}", self.subject(pair)));
        }
        let unknown_is_read = match pair.way {
            Way::Argument => takes_unknown(new_notes),
            Way::Result | Way::Error => takes_unknown(old_notes),
        };
        let by_tag = |message: &'a MessageDescriptor| {
            message
                .field
                .iter()
                .map(|field| (field.number, field))
                .collect::<BTreeMap<_, _>>()
        };
        let (old, new) = (by_tag(old), by_tag(new));
        let tags: BTreeSet<u32> = old.keys().chain(new.keys()).copied().collect();
        self.fields += tags.len() + 1;
        for tag in tags {
            let place = self.place(pair, variants[0], tag);
            match (old.get(&tag), new.get(&tag)) {
                (Some(old), Some(new)) if old.name != new.name => {
                    self.report(
                        true,
                        format!("{place} was `{}`, is `{}`", old.name, new.name),
                    );
                }
                (Some(old), Some(new)) => self.fields(pair, &place, old, new),
                (Some(gone), None) if variants[0] => {
                    let place = format!("{place} (`{}`) is gone", gone.name);
                    self.sent_by_one(pair, &place, pair.way == Way::Argument, unknown_is_read);
                }
                (None, Some(added)) if variants[0] => {
                    let place = format!("{place} (`{}`) is new", added.name);
                    self.sent_by_one(pair, &place, pair.way != Way::Argument, unknown_is_read);
                }
                (Some(gone), None) => self.field_gone(pair, &place, gone),
                (None, Some(added)) => self.field_added(pair, &place, added),
                (None, None) => {}
            }
        }
    }

    fn field_gone(&mut self, pair: &Pair<'a>, place: &str, gone: &FieldDescriptor) {
        let place = format!("{place} (`{}`) is gone", gone.name);
        match pair.way {
            Way::Argument => {
                self.report(
                    false,
                    format!("{place}: what old callers say in it is ignored"),
                );
            }
            Way::Result | Way::Error if is_required(gone) => {
                self.report(
                    true,
                    format!("{place}, and old callers cannot read without it"),
                );
            }
            Way::Result | Way::Error => {
                self.report(false, format!("{place}: old callers read it as empty"));
            }
        }
    }

    fn field_added(&mut self, pair: &Pair<'a>, place: &str, added: &FieldDescriptor) {
        let place = format!("{place} (`{}`) is new", added.name);
        match pair.way {
            Way::Argument if is_required(added) => {
                self.report(
                    true,
                    format!("{place}, and has no default for old callers' sake"),
                );
            }
            Way::Argument => self.report(false, format!("{place}: of old callers it is empty")),
            Way::Result | Way::Error => {
                self.report(false, format!("{place}: old callers do not see it"));
            }
        }
    }

    /// A variant or a number that only one side knows.
    fn sent_by_one(&mut self, pair: &Pair<'a>, place: &str, by_sender: bool, is_read: bool) {
        if !by_sender || is_read {
            return self.report(false, place.into());
        }
        match pair.way {
            Way::Argument => self.report(true, format!("{place}, and old callers may send it")),
            Way::Result => {
                self.report(true, format!("{place}, and old callers cannot read it"));
            }
            Way::Error => {
                self.report(
                    false,
                    format!("{place}: old callers see an error they cannot read"),
                );
            }
        }
    }

    /// Two fields of one number and name.
    fn fields(
        &mut self,
        pair: &Pair<'a>,
        place: &str,
        old: &'a FieldDescriptor,
        new: &'a FieldDescriptor,
    ) {
        let place = match pair.method {
            Some(_) if pair.way == Way::Result => place.to_owned(),
            _ => format!("{place} (`{}`)", old.name),
        };
        let (sent, taken) = match pair.way {
            Way::Argument => (old, new),
            Way::Result | Way::Error => (new, old),
        };
        let repeated = [old, new].map(|field| field.label == Label::Repeated);
        let was_is = |comparison: &Self| {
            let [old, new] = comparison.type_names(old, new);
            format!("{place} was {old}, is {new}")
        };
        if repeated[0] != repeated[1] {
            return self.report(true, was_is(self));
        }
        match (old.r#type, new.r#type) {
            (FieldType::Message, FieldType::Message) | (FieldType::Enum, FieldType::Enum) => {
                let (old, new, way) = (&old.type_name, &new.type_name, pair.way);
                self.named(Pair {
                    old,
                    new,
                    way,
                    method: None,
                });
            }
            (FieldType::Message | FieldType::Enum, _)
            | (_, FieldType::Message | FieldType::Enum) => {
                return self.report(true, was_is(self));
            }
            _ => match fits::fit(sent, taken) {
                Fit::Always => {
                    let [old, new] = self.type_names(old, new);
                    if old != new {
                        self.report(false, was_is(self));
                    }
                }
                Fit::Sometimes => {
                    return self.report(true, was_is(self) + ", and not every value fits");
                }
                Fit::Never => return self.report(true, was_is(self)),
            },
        }
        match (old.proto3_optional, new.proto3_optional) {
            (false, true) => self.report(
                pair.way != Way::Argument && is_required(old),
                format!("{place} is optional now"),
            ),
            (true, false) => self.report(
                pair.way == Way::Argument && is_required(new),
                format!("{place} is not optional any more"),
            ),
            _ => {}
        }
    }

    fn enums(&mut self, pair: &Pair<'a>, old: &'a EnumDescriptor, new: &'a EnumDescriptor) {
        let notes = |described: &'a EnumDescriptor| described.options.as_ref().map(|o| &o.rpc);
        let is_open = match pair.way {
            Way::Argument => notes(new).is_some_and(|notes| notes.open),
            Way::Result | Way::Error => notes(old).is_some_and(|notes| notes.open),
        };
        let by_number = |described: &'a EnumDescriptor| {
            let values = described.value.iter();
            values
                .map(|value| (value.number, value_name(described, &value.name)))
                .collect::<BTreeMap<_, _>>()
        };
        let (old, new) = (by_number(old), by_number(new));
        let numbers: BTreeSet<i32> = old.keys().chain(new.keys()).copied().collect();
        self.fields += numbers.len() + 1;
        for number in numbers {
            let place = format!("{}: number {number}", self.subject(pair));
            match (old.get(&number), new.get(&number)) {
                (Some(old), Some(new)) if old != new => {
                    self.report(true, format!("{place} was {old}, is {new}"));
                }
                (Some(gone), None) => {
                    let place = format!("{place} ({gone}) is gone");
                    self.sent_by_one(pair, &place, pair.way == Way::Argument, is_open);
                }
                (None, Some(added)) => {
                    let place = format!("{place} ({added}) is new");
                    self.sent_by_one(pair, &place, pair.way != Way::Argument, is_open);
                }
                _ => {}
            }
        }
    }

    /// What the words are about: a method, or a type by the name that it had.
    fn subject(&self, pair: &Pair<'_>) -> String {
        match (pair.method, self.short_names(pair)) {
            (Some(method), _) => method.to_owned(),
            (None, [old, new]) if old == new || pair.new == EMPTY_NAME => old,
            (None, [_, new]) if pair.old == EMPTY_NAME => new,
            (None, [old, new]) => format!("{old} (now {new})"),
        }
    }

    /// The field of this number, in words.
    fn place(&self, pair: &Pair<'_>, variants: bool, tag: u32) -> String {
        let noun = match (pair.method, pair.way) {
            (Some(method), Way::Argument) => return format!("{method}: argument {tag}"),
            (Some(method), _) => return format!("{method}: the result"),
            (None, _) if variants => "variant",
            (None, _) => "field",
        };
        format!("{}: {noun} {tag}", self.subject(pair))
    }

    /// The names of a pair without their packages.
    fn short_names(&self, pair: &Pair<'_>) -> [String; 2] {
        [self.short_name(0, pair.old), self.short_name(1, pair.new)]
    }

    fn short_name(&self, side: usize, full_name: &str) -> String {
        let name = full_name
            .strip_prefix(&self.scopes[side])
            .unwrap_or(full_name);
        name.trim_start_matches('.').to_owned()
    }

    /// The types of two fields in words.
    fn type_names(&self, old: &FieldDescriptor, new: &FieldDescriptor) -> [String; 2] {
        let words = |side: usize, field: &FieldDescriptor| {
            let name = match (fits::narrowed(field), field.type_name.as_str()) {
                ("", "") => format!("{:?}", field.r#type).to_lowercase(),
                ("", named) if old.r#type == new.r#type => self.short_name(side, named),
                ("", named) => {
                    let kind = if field.r#type == FieldType::Enum {
                        "enum"
                    } else {
                        "message"
                    };
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

/// What a variant without data holds; fields may be added to it later.
const EMPTY_NAME: &str = ".google.protobuf.Empty";

static EMPTY: MessageDescriptor = MessageDescriptor {
    name: String::new(),
    field: Vec::new(),
    nested_type: Vec::new(),
    enum_type: Vec::new(),
    options: None,
    oneof_decl: Vec::new(),
};

fn find<'a>(index: &Index<'a>, full_name: &str) -> Option<Described<'a>> {
    match full_name {
        EMPTY_NAME => Some(Described::Message(&EMPTY)),
        _ => index.get(full_name),
    }
}

fn method_notes(method: &MethodDescriptor) -> Option<&MethodNotes> {
    method.options.as_ref().map(|options| &options.rpc)
}

fn message_notes(message: &MessageDescriptor) -> Option<&TypeNotes> {
    message.options.as_ref().map(|options| &options.rpc)
}

/// Whether an enum with data reads a variant that it does not know.
fn takes_unknown(notes: Option<&TypeNotes>) -> bool {
    notes.is_some_and(|notes| notes.open || notes.default.is_some())
}

fn is_required(field: &FieldDescriptor) -> bool {
    field
        .options
        .as_ref()
        .is_some_and(|options| options.rpc.required)
}

fn method_kind(method: &MethodDescriptor) -> MethodKind {
    method_notes(method).map_or(MethodKind::Plain, |notes| notes.kind)
}
