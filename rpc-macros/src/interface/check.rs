//! What cannot be one interface, although each of its methods can be read.

use std::collections::HashMap;

use super::model::{Argument, Interface};
use crate::message::check::unique_fields;
use crate::message::model::Field;
use crate::names;
use crate::problems::Problems;

/// Reports names and numbers that two methods or two arguments share.
pub(crate) fn interface(interface: &Interface, problems: &mut Problems) {
    let mut seen = HashMap::new();
    for method in &interface.methods {
        if let Some(other) = seen.insert(method.id, &method.name) {
            let what = match *other == method.name {
                true => format!("two methods are called `{other}` on the wire"),
                false => format!("`{other}` and `{}` have one number on the wire", method.name),
            };
            let rust_name = names::plain(&method.ident);
            let advice = format!("give this one another name, `#[rpc(name = \"other_{rust_name}\")]`");
            problems.at_span(method.span, format!("{what}: {advice}"));
        }
        arguments(&method.arguments, problems);
    }
}

fn arguments(arguments: &[Argument], problems: &mut Problems) {
    let fields: Vec<&Field> = arguments.iter().map(|argument| &argument.field).collect();
    for field in fields.iter().filter(|field| !names::is_identifier(&field.name)) {
        problems.at_span(
            field.span,
            "name this argument: the name, without `_` before it, becomes the field's name on the wire",
        );
    }
    unique_fields(&fields, "arguments", problems);
}
