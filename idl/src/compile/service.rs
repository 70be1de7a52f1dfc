//! The trait of one service.

use prost_build::{Comments, Method, Service};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Names that stubs have already; see the macro.
const TAKEN: [&str; 13] = [
    "as_ref",
    "borrow",
    "borrow_mut",
    "clone",
    "clone_from",
    "drop",
    "from",
    "into",
    "new",
    "to_owned",
    "try_from",
    "try_into",
    "type_id",
];

/// What a message may be called that the macro takes for something else.
const NO_MESSAGES: [&str; 2] = ["Bytes", "String"];

/// What is left out, and why; for the build script to tell.
pub(super) type LeftOut = Vec<String>;

/// Writes the trait. `descriptors`: where the set of its package is, seen from the trait. `is_taken` are names of types in the package.
pub(super) fn write(
    service: &Service,
    descriptors: Option<&str>,
    is_taken: impl Fn(&str) -> bool,
    out: &mut String,
) -> LeftOut {
    let mut left_out = Vec::new();
    let mut name = service.name.clone();
    // The trait, and what the macro makes beside it.
    while [name.clone(), format!("{name}Client"), format!("{name}Server"), format!("Dyn{name}")]
        .iter()
        .any(|name| is_taken(name))
    {
        name.push_str("Service");
    }
    let mut settings = Vec::new();
    if !service.package.is_empty() {
        settings.push(format!("package = \"{}\"", service.package));
    }
    if name != service.proto_name {
        settings.push(format!("name = \"{}\"", service.proto_name));
    }
    if let Some(path) = descriptors {
        settings.push(format!("descriptors = \"{path}\""));
    }
    docs(&service.comments, "", out);
    line(out, format_args!("#[::rpc_runtime::interface({})]", settings.join(", ")));
    line(out, format_args!("pub trait {name} {{"));
    let mut idents = BTreeSet::new();
    for method in &service.methods {
        match unusable(method) {
            None => self::method(method, &mut idents, out),
            Some(why) => {
                line(out, format_args!("    // `rpc {}` is left out: {why}.", method.proto_name));
                left_out.push(format!("{}/{} is left out: {why}", service.proto_name, method.proto_name));
            }
        }
    }
    line(out, format_args!("}}"));
    left_out
}

/// Why a method cannot be one of the trait.
fn unusable(method: &Method) -> Option<String> {
    let types = [(&method.input_proto_type, &method.input_type), (&method.output_proto_type, &method.output_type)];
    // Wrappers are plain numbers and texts in Rust, and most others have no names there.
    let is_unusable = |(proto, rust): &(&String, &String)| {
        let is_users = rust.starts_with("::") && !rust.starts_with("::rpc_runtime::");
        let google = proto.strip_prefix(".google.protobuf.").filter(|_| !is_users);
        google.is_some_and(|name| !["Any", "Duration", "Empty", "Timestamp"].contains(&name))
    };
    let (proto, _) = types.into_iter().find(is_unusable)?;
    let proto = proto.trim_start_matches('.');
    Some(format!("`{proto}` can be no whole request or reply: put it into a message"))
}

fn method(method: &Method, idents: &mut BTreeSet<String>, out: &mut String) {
    docs(&method.comments, "    ", out);
    let plain = method.name.trim_start_matches("r#");
    let mut ident = if TAKEN.contains(&plain) { format!("{plain}_") } else { method.name.clone() };
    // `GetX` and `get_x` are two methods.
    while !idents.insert(ident.clone()) {
        ident = format!("{}_", ident.trim_start_matches("r#"));
    }
    let mut settings = vec!["message".to_owned()];
    let is_stream = method.client_streaming || method.server_streaming;
    if !is_stream && method.options.idempotency_level.is_some_and(|level| level != 0) {
        settings.push("idempotent".into());
    }
    if camel(ident.trim_start_matches("r#")) != method.proto_name {
        settings.push(format!("name = \"{}\"", method.proto_name));
    }
    let request = match method.input_type.as_str() {
        "()" if !method.client_streaming => String::new(),
        input => format!(", request: {}", stream(method.client_streaming, message(input))),
    };
    let response = stream(method.server_streaming, message(&method.output_type));
    line(out, format_args!("    #[rpc({})]", settings.join(", ")));
    line(
        out,
        format_args!(
            "    async fn {ident}(&self{request}) -> ::core::result::Result<{response}, ::rpc_runtime::CallError>;"
        ),
    );
}

/// A type of another crate knows nothing of calls.
fn message(rust: &str) -> String {
    match rust.starts_with("::") {
        true => format!("::rpc_runtime::Prost<{rust}>"),
        false if NO_MESSAGES.contains(&rust) => format!("self::{rust}"),
        false => rust.to_owned(),
    }
}

fn stream(is_stream: bool, message: String) -> String {
    if is_stream { format!("::rpc_runtime::Streaming<{message}>") } else { message }
}

/// How the macro spells a method's name on the wire.
fn camel(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect()
}

fn docs(comments: &Comments, indent: &str, out: &mut String) {
    let mut text = String::new();
    comments.append_with_indent(0, &mut text);
    for docs in text.lines() {
        line(out, format_args!("{indent}{}", docs.trim_end()));
    }
}

fn line(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = out.write_fmt(line);
    out.push('\n');
}
