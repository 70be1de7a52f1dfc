//! Whether every scalar that one side sends is one that the other side takes.

use crate::descriptor::{FieldDescriptor, FieldType};
use std::ops::RangeInclusive;

/// How a scalar that was sent suits the type of who receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Always,
    /// Some values are out of range.
    Sometimes,
    /// It is something else on the wire, or would be read as another value.
    Never,
}

/// The Rust type whose range is narrower than the wire's, or nothing.
pub(super) fn narrowed(field: &FieldDescriptor) -> &str {
    field.options.as_ref().map_or("", |options| &options.rpc.narrowed)
}

/// How values of `sent` suit `taken`. Both are scalars.
pub(super) fn fit(sent: &FieldDescriptor, taken: &FieldDescriptor) -> Fit {
    if sent.r#type == taken.r#type && narrowed(sent) == narrowed(taken) {
        return Fit::Always;
    }
    if let (Some((sent_form, sent_range)), Some((taken_form, taken_range))) = (integer(sent), integer(taken)) {
        if sent_form != taken_form {
            return Fit::Never;
        }
        // Of the numbers below, some are no `char`.
        let gap = narrowed(taken) == "char" && *sent_range.end() >= 0xd800;
        let within = taken_range.contains(sent_range.start()) && taken_range.contains(sent_range.end());
        return if within && !gap { Fit::Always } else { Fit::Sometimes };
    }
    match (sent.r#type, taken.r#type) {
        (FieldType::Bytes, FieldType::Bytes) => match (length(sent), length(taken)) {
            (_, None) => Fit::Always,
            (Some(sent), Some(taken)) if sent == taken => Fit::Always,
            (Some(_), Some(_)) => Fit::Never,
            (None, Some(_)) => Fit::Sometimes,
        },
        (FieldType::String, FieldType::Bytes) if length(taken).is_none() => Fit::Always,
        (FieldType::String, FieldType::Bytes) | (FieldType::Bytes, FieldType::String) => Fit::Sometimes,
        (sent, taken) if sent == taken => Fit::Always,
        _ => Fit::Never,
    }
}

/// How an integer is written.
#[derive(PartialEq, Eq)]
enum Form {
    Unsigned,
    TwosComplement,
    Zigzag,
    Fixed(FieldType),
}

/// How an integer is written, and which ones there are.
fn integer(field: &FieldDescriptor) -> Option<(Form, RangeInclusive<i128>)> {
    let u32s = 0..=u32::MAX.into();
    let u64s = 0..=u64::MAX.into();
    let i32s = i32::MIN.into()..=i32::MAX.into();
    let i64s = i64::MIN.into()..=i64::MAX.into();
    let (form, wire): (_, RangeInclusive<i128>) = match field.r#type {
        FieldType::Uint32 => (Form::Unsigned, u32s),
        FieldType::Uint64 => (Form::Unsigned, u64s),
        FieldType::Int32 => (Form::TwosComplement, i32s),
        FieldType::Int64 => (Form::TwosComplement, i64s),
        FieldType::Sint32 => (Form::Zigzag, i32s),
        FieldType::Sint64 => (Form::Zigzag, i64s),
        FieldType::Fixed32 => (Form::Fixed(FieldType::Fixed32), u32s),
        FieldType::Fixed64 => (Form::Fixed(FieldType::Fixed64), u64s),
        FieldType::Sfixed32 => (Form::Fixed(FieldType::Sfixed32), i32s),
        FieldType::Sfixed64 => (Form::Fixed(FieldType::Sfixed64), i64s),
        _ => return None,
    };
    let rust: RangeInclusive<i128> = match narrowed(field) {
        "u8" => 0..=u8::MAX.into(),
        "u16" => 0..=u16::MAX.into(),
        "u32" => 0..=u32::MAX.into(),
        "u64" | "usize" => 0..=u64::MAX.into(),
        "i8" => i8::MIN.into()..=i8::MAX.into(),
        "i16" => i16::MIN.into()..=i16::MAX.into(),
        "i32" => i32::MIN.into()..=i32::MAX.into(),
        "i64" | "isize" => i64::MIN.into()..=i64::MAX.into(),
        "char" => 0..=u32::from(char::MAX).into(),
        _ => i128::MIN..=i128::MAX,
    };
    Some((form, *wire.start().max(rust.start())..=*wire.end().min(rust.end())))
}

/// The fixed length of bytes, as the words say it.
fn length(field: &FieldDescriptor) -> Option<&str> {
    match narrowed(field) {
        "" => None,
        "Uuid" => Some("16"),
        array => Some(array.trim_start_matches("[u8; ").trim_end_matches(']')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::{FieldNotes, FieldOptions};
    use FieldType::{Bool, Bytes, Int64, Sint32, Sint64, String, Uint32, Uint64};

    fn field(r#type: FieldType, narrowed: &str) -> FieldDescriptor {
        let rpc = FieldNotes { narrowed: narrowed.into(), ..Default::default() };
        FieldDescriptor { r#type, options: Some(FieldOptions { packed: None, rpc }), ..Default::default() }
    }

    /// What is sent fits if every value of it is one of the receiver's, written in the same way.
    #[test]
    fn ranges_and_forms() {
        for (sent, taken, expected) in [
            ((Uint32, "u8"), (Uint32, ""), Fit::Always),
            ((Uint32, ""), (Uint32, "u8"), Fit::Sometimes),
            ((Uint32, ""), (Uint64, ""), Fit::Always),
            ((Uint64, ""), (Uint32, ""), Fit::Sometimes),
            ((Sint64, ""), (Sint32, "i16"), Fit::Sometimes),
            ((Uint32, ""), (Sint32, ""), Fit::Never),
            ((Int64, "u8"), (Int64, "u64"), Fit::Always),
            ((Int64, ""), (Int64, "u64"), Fit::Sometimes),
            ((Uint32, "u8"), (Uint32, "char"), Fit::Always),
            ((Uint32, "u16"), (Uint32, "char"), Fit::Sometimes),
            ((Uint32, "char"), (Uint32, ""), Fit::Always),
            ((Bytes, "Uuid"), (Bytes, "[u8; 16]"), Fit::Always),
            ((Bytes, "Uuid"), (Bytes, "[u8; 4]"), Fit::Never),
            ((Bytes, ""), (Bytes, "[u8; 4]"), Fit::Sometimes),
            ((String, ""), (Bytes, ""), Fit::Always),
            ((Bytes, ""), (String, ""), Fit::Sometimes),
            ((Bool, ""), (Uint32, ""), Fit::Never),
        ] {
            let found = fit(&field(sent.0, sent.1), &field(taken.0, taken.1));
            assert_eq!(found, expected, "{sent:?} to {taken:?}");
        }
    }
}
