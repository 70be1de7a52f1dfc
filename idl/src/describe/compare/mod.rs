//! Whether callers of an older interface and an exporter of a newer one understand each other.
//!
//! It depends on the direction. Old callers send arguments, which the new exporter must be able to read; it
//! sends results, which they must be able to read. So a type is compared once for each way that it travels,
//! as who sends it and who receives it. Breaking is what the receiver cannot read, or would read as something
//! else than what was meant.

mod fields;
mod fits;
mod words;

use super::index::{Described, Index};
use super::interface::Interface;
use super::order;
use crate::descriptor::{MessageDescriptor, MethodDescriptor, MethodKind, MethodNotes};
use std::collections::{HashMap, HashSet, VecDeque};

/// How many fields are compared at most: a description from elsewhere must not keep us busy for long.
const FIELDS_MAX: usize = 262_144;
/// Bytes of words about the differences: long names in many fields must not take memory without end.
const WORDS_BYTES_MAX: usize = 1 << 20;

/// One difference between two interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Callers built with the old interface must not call an exporter of the new one.
    pub breaking: bool,
    /// The difference, in words for the author of the interface.
    pub what: String,
}

/// What changed from `old`, which callers were built with, to `new`, which the exporter has. Interfaces of one
/// fingerprint have no changes. They may import from each other unless a change is breaking.
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
        words_bytes: 0,
    };
    comparison.methods(&old.service().method, &new.service().method);
    while let Some(pair) = comparison.queue.pop_front() {
        comparison.types(&pair);
        if comparison.is_too_much() {
            break;
        }
    }
    if comparison.is_too_much() {
        let what = "the types are too large, or differ too much, to be compared".into();
        comparison.changes.push(Change { breaking: true, what });
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
    words_bytes: usize,
}

impl<'a> Comparison<'a> {
    /// Whether enough was compared and said: who has sent the description means no good, or means something else.
    fn is_too_much(&self) -> bool {
        self.fields > FIELDS_MAX || self.words_bytes > WORDS_BYTES_MAX
    }

    fn report(&mut self, breaking: bool, what: String) {
        match self.told.get(&what) {
            // The same type, travelling the other way.
            Some(place) => self.changes[*place].breaking |= breaking,
            None if self.is_too_much() => {}
            None => {
                self.words_bytes += what.len();
                self.told.insert(what.clone(), self.changes.len());
                self.changes.push(Change { breaking, what });
            }
        }
    }

    fn methods(&mut self, old: &'a [MethodDescriptor], new: &'a [MethodDescriptor]) {
        let pairs = order::beside(old, new, |method| order::name(&method.name));
        for pair in &pairs {
            match *pair {
                [Some(old), Some(new)] => self.method(&old.name, old, new),
                [Some(old), None] => self.report(true, format!("{} is gone", old.name)),
                [None, _] => {}
            }
        }
        for pair in pairs {
            if let [None, Some(new)] = pair {
                self.report(false, format!("{} is new", new.name));
            }
        }
    }

    fn method(&mut self, name: &'a str, old: &'a MethodDescriptor, new: &'a MethodDescriptor) {
        let (old_notes, new_notes) = (method_notes(old), method_notes(new));
        let kind = match (method_kind(old), method_kind(new)) {
            (MethodKind::Plain, MethodKind::Idempotent) => Some((false, "is idempotent now")),
            (MethodKind::Idempotent, MethodKind::Plain) => {
                Some((true, "is not idempotent any more, and old callers may run it twice"))
            }
            (MethodKind::Oneway, MethodKind::Plain | MethodKind::Idempotent) => Some((true, "is not oneway any more")),
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
                let words = if new { "one, is a stream" } else { "a stream, is one" };
                self.report(true, format!("{name}: of {what} there was {words}"));
            }
        }
        let whole = [old_notes, new_notes].iter().flatten().any(|notes| notes.whole);
        // An item of a stream is named for itself.
        let taken = old.client_streaming || new.client_streaming;
        let given = old.server_streaming || new.server_streaming;
        for (old, new, way, is_whole) in [
            (&old.input_type, &new.input_type, Way::Argument, whole || taken),
            (&old.output_type, &new.output_type, Way::Result, whole || given),
        ] {
            let method = (!is_whole).then_some(name);
            self.named(Pair { old, new, way, method });
        }
        let old_error = old_notes.map_or("", |notes| &notes.error);
        let new_error = new_notes.map_or("", |notes| &notes.error);
        match (old_error, new_error) {
            ("", "") => {}
            ("", _) => self.report(true, format!("{name} has an error of its own now")),
            (_, "") => self.report(false, format!("{name} has no error of its own any more")),
            (old, new) => self.named(Pair { old, new, way: Way::Error, method: None }),
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
                let subject = pair.method.map_or(String::new(), |method| format!("{method}: "));
                self.report(true, format!("{subject}what was {old} is {new}"));
            }
        }
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
    reserved_range: Vec::new(),
    reserved_name: Vec::new(),
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

fn method_kind(method: &MethodDescriptor) -> MethodKind {
    method_notes(method).map_or(MethodKind::Plain, |notes| notes.kind)
}
