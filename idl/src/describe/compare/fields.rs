//! What became of the fields of a message, and of the variants of an enum.

use super::super::index::value_names;
use super::super::order;
use super::fits::{self, Fit};
use super::{Comparison, Pair, Way};
use crate::descriptor::{EnumDescriptor, FieldDescriptor, FieldType, Label, MessageDescriptor, TypeNotes};

impl<'a> Comparison<'a> {
    /// Two messages, field by field or variant by variant.
    pub(super) fn messages(&mut self, pair: &Pair<'a>, old: &'a MessageDescriptor, new: &'a MessageDescriptor) {
        let (old_notes, new_notes) = (message_notes(old), message_notes(new));
        let variants = [old_notes, new_notes].map(|notes| notes.is_some_and(|n| n.variants));
        if variants[0] != variants[1] {
            let words = if variants[1] { "a struct, is an enum" } else { "an enum, is a struct" };
            return self.report(true, format!("{} was {words}", self.subject(pair)));
        }
        let unknown_is_read = match pair.way {
            Way::Argument => takes_unknown(new_notes),
            Way::Result | Way::Error => takes_unknown(old_notes),
        };
        let both = order::beside(&old.field, &new.field, |field| order::number(field.number));
        self.fields += both.len() + 1;
        for sides in both {
            if self.is_too_much() {
                return;
            }
            let Some(field) = sides[0].or(sides[1]) else { continue };
            let place = self.place(pair, variants[0], field.number);
            match sides.into() {
                (Some(old), Some(new)) if old.name != new.name => {
                    self.report(true, format!("{place} was `{}`, is `{}`", old.name, new.name));
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
                self.report(false, format!("{place}: what old callers say in it is ignored"));
            }
            Way::Result | Way::Error if is_required(gone) => {
                self.report(true, format!("{place}, and old callers cannot read without it"));
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
                self.report(true, format!("{place}, and has no default for old callers' sake"));
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
                self.report(false, format!("{place}: old callers see an error they cannot read"));
            }
        }
    }

    /// Two fields of one number and name.
    fn fields(&mut self, pair: &Pair<'a>, place: &str, old: &'a FieldDescriptor, new: &'a FieldDescriptor) {
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
                self.named(Pair { old, new, way, method: None });
            }
            (FieldType::Message | FieldType::Enum, _) | (_, FieldType::Message | FieldType::Enum) => {
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
            (false, true) => {
                self.report(pair.way != Way::Argument && is_required(old), format!("{place} is optional now"))
            }
            (true, false) => {
                self.report(pair.way == Way::Argument && is_required(new), format!("{place} is not optional any more"))
            }
            _ => {}
        }
    }

    /// Two enums without data, number by number.
    pub(super) fn enums(&mut self, pair: &Pair<'a>, old: &'a EnumDescriptor, new: &'a EnumDescriptor) {
        let notes = |described: &'a EnumDescriptor| described.options.as_ref().map(|o| &o.rpc);
        let is_open = match pair.way {
            Way::Argument => notes(new).is_some_and(|notes| notes.open),
            Way::Result | Way::Error => notes(old).is_some_and(|notes| notes.open),
        };
        let short_names = [value_names(old), value_names(new)];
        let both = order::beside(&old.value, &new.value, |value| order::number(value.number()));
        self.fields += both.len() + 1;
        for [old, new] in both {
            if self.is_too_much() {
                return;
            }
            let Some(value) = old.or(new) else { continue };
            let place = format!("{}: number {}", self.subject(pair), value.number());
            let [short_old, short_new] = &short_names;
            match (old.map(|old| short_old(&old.name)), new.map(|new| short_new(&new.name))) {
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
}

fn message_notes(message: &MessageDescriptor) -> Option<&TypeNotes> {
    message.options.as_ref().map(|options| &options.rpc)
}

/// Whether an enum with data reads a variant that it does not know.
fn takes_unknown(notes: Option<&TypeNotes>) -> bool {
    notes.is_some_and(|notes| notes.open || notes.default.is_some())
}

fn is_required(field: &FieldDescriptor) -> bool {
    field.options.as_ref().is_some_and(|options| options.rpc.required)
}
