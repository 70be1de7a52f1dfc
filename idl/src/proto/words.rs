//! What a `.proto` cannot say of a field, in words.

use crate::descriptor::FieldDescriptor;

/// Which values a field has beyond what its type says, and that it must be set; empty if its type says all.
pub(super) fn of_field(field: &FieldDescriptor) -> String {
    let Some(options) = &field.options else {
        return String::new();
    };
    let values = values(&options.rpc.narrowed);
    match (values.is_empty(), options.rpc.required) {
        (_, false) => values,
        (true, true) => "must be set".into(),
        (false, true) => values + "; must be set",
    }
}

fn values(narrowed: &str) -> String {
    let words = match narrowed {
        "" | "u64" | "usize" | "i64" | "isize" => "",
        "u8" => "0 to 255",
        "u16" => "0 to 65535",
        "u32" => "0 to 4294967295",
        "i8" => "-128 to 127",
        "i16" => "-32768 to 32767",
        "i32" => "-2147483648 to 2147483647",
        "char" => "a Unicode scalar value",
        "Uuid" => "a UUID in 16 bytes",
        other => {
            let length = other.strip_prefix("[u8; ").and_then(|rest| rest.strip_suffix(']'));
            return length.map_or_else(|| other.to_owned(), |length| format!("exactly {length} bytes"));
        }
    };
    words.to_owned()
}
