//! Syntax to model: one method.

use syn::{
    Attribute, FnArg, GenericParam, Path, Receiver, ReceiverKind, ReturnType, Signature, TraitItemFn, Type, parse_quote,
};

use super::model::{Kind, Method, Timeout};
use super::{argument, streams, timeout, whole};
use crate::problems::Problems;
use crate::settings::Settings;
use crate::{docs, names, types};

const ON_METHOD: &str = "a method takes `idempotent`, `oneway`, `timeout = \"5s\"`, `name = \"…\"` and `message`";

/// Methods that stubs have from other traits. One of the interface's by that name could not be called.
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

/// Reads a method. `None`: it has no result type to go on with.
pub(crate) fn read(function: &TraitItemFn, krate: &Path, problems: &mut Problems) -> Option<Method> {
    let signature = &function.sig;
    let mut settings = Settings::of(&function.attrs, problems);
    let pinned_name = settings.name(problems);
    let kind = kind(&mut settings, problems);
    let timeout = timeout(&mut settings, problems);
    let whole = settings.flag("message", problems).is_some();
    settings.finish("a method", ON_METHOD, problems);
    for attribute in function.attrs.iter().filter(is_conditional) {
        problems.at(
            attribute,
            "a method is there or not for everybody: put it into an interface of its own, under `#[cfg]`",
        );
    }
    form(signature, problems);
    receiver(signature, problems);
    let arguments = argument::read_all(signature, krate, problems);
    let output = output(signature, kind, problems);
    if whole {
        whole::check(signature, &arguments, output.as_ref(), problems);
    }
    let (client_streams, server_streams) = streams::check(&arguments, output.as_ref(), kind, problems);
    let rust_name = names::plain(&signature.ident);
    if TAKEN.contains(&rust_name.as_str()) {
        let what = format!(
            "`{rust_name}` is taken: every stub has a method of that name. Call it otherwise; its name \
             on the wire can stay, `#[rpc(name = \"{rust_name}\")]`"
        );
        problems.at(&signature.ident, what);
    }
    let span = pinned_name.as_ref().map_or(signature.ident.span(), |name| name.span());
    let name = match pinned_name {
        // For a foreign `.proto`, whose names are spelled in any way.
        Some(name) if whole => name.value(),
        name => names::camel_case(&name.map_or(rust_name, |name| name.value())),
    };
    if !names::is_identifier(&name) {
        problems.at_span(span, "the name on the wire begins with a letter: write `#[rpc(name = \"…\")]`");
    }
    Some(Method {
        ident: signature.ident.clone(),
        id: names::method_id(&name),
        name,
        docs: docs::text(&function.attrs),
        kind,
        timeout,
        whole,
        arguments,
        client_streams,
        server_streams,
        output: output?,
        span,
    })
}

fn is_conditional(attribute: &&Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

fn kind(settings: &mut Settings, problems: &mut Problems) -> Kind {
    let idempotent = settings.flag("idempotent", problems);
    let oneway = settings.flag("oneway", problems);
    match (idempotent, oneway) {
        (Some(_), Some(oneway)) => {
            problems
                .at_span(oneway, "a one-way call is never repeated, so it cannot be idempotent too: keep one of them");
            Kind::Plain
        }
        (Some(_), None) => Kind::Idempotent,
        (None, Some(_)) => Kind::Oneway,
        (None, None) => Kind::Plain,
    }
}

fn timeout(settings: &mut Settings, problems: &mut Problems) -> Option<Timeout> {
    let text = settings.text("timeout", "5s", problems)?;
    let parsed = timeout::parse(&text.value());
    parsed.map_err(|advice| problems.at(&text, advice)).ok()
}

/// What stands around the name: `async`, and little else.
fn form(signature: &Signature, problems: &mut Problems) {
    if signature.asyncness.is_none() {
        let what = match &signature.output {
            ReturnType::Type(_, ty) if types::is_open_stream(ty) => streams::INSTEAD,
            ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)) => {
                "write `async fn`, and as its result what the future gives"
            }
            _ => "write `async fn`: a call waits for the network",
        };
        problems.at(signature.fn_token, what);
    }
    if let Some(token) = signature.constness {
        problems.at(token, "remove `const`: a call cannot run at compile time");
    }
    if let syn::Safety::Unsafe(token) = signature.safety {
        problems.at(token, "remove `unsafe`: the callee cannot rely on what its caller promises in words");
    }
    if let Some(abi) = &signature.abi {
        problems.at(abi, "remove `extern`: the stub speaks for other languages");
    }
    for parameter in &signature.generics.params {
        match parameter {
            GenericParam::Lifetime(_) => {
                problems.at(parameter, "leave the lifetime out: every argument is lent for the call");
            }
            GenericParam::Type(_) | GenericParam::Const(_) => problems.at(parameter, argument::GENERIC),
        }
    }
    if let Some(clause) = &signature.generics.where_clause {
        problems.at(clause, "remove the `where` clause: a method asks nothing that its types do not say");
    }
    if let Some(variadic) = &signature.variadic {
        problems.at(variadic, "write a `Vec`: each argument has a type");
    }
}

fn receiver(signature: &Signature, problems: &mut Problems) {
    let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else {
        problems.at(&signature.ident, "write `&self` as the first argument: a call goes to an implementation");
        return;
    };
    if let Some(what) = wrong_receiver(receiver) {
        problems.at(receiver, what);
    }
}

fn wrong_receiver(receiver: &Receiver) -> Option<&'static str> {
    match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => None,
        ReceiverKind::Reference(_, _, Some(_)) => {
            Some("write `&self`: calls run side by side; keep what changes behind a `Mutex` or an atomic")
        }
        ReceiverKind::Reference(_, Some(_), None) => {
            Some("write `&self`, without a lifetime: nothing that is returned can borrow from it")
        }
        _ => Some("write `&self`: the implementation stays, and serves other calls meanwhile"),
    }
}

/// What the method returns, unless that cannot be a result.
fn output(signature: &Signature, kind: Kind, problems: &mut Problems) -> Option<Type> {
    const OWN_ERROR: &str = "or your own error that derives `RemoteError`";
    let ty = match &signature.output {
        ReturnType::Default => {
            let what = format!("every call can fail: write `-> Result<(), CallError>`, {OWN_ERROR}");
            problems.at(&signature.ident, what);
            return None;
        }
        ReturnType::Type(_, ty) => &**ty,
    };
    if signature.asyncness.is_none() && types::is_open(ty) {
        // Said already, where `async` is missing.
        return Some(parse_quote!(#ty));
    }
    if types::is_open_stream(ty) {
        problems.at(ty, streams::INSTEAD);
    } else if types::is_open(ty) {
        problems.at(ty, "name the type: both sides must know what comes back");
    } else if types::is_no_result(ty) {
        let written = types::written(&ty);
        problems.at(ty, format!("every call can fail: write `Result<{written}, CallError>`, {OWN_ERROR}"));
    } else if types::borrows(ty) {
        problems.at(ty, "what comes back is the caller's own: write `String`, `Vec<T>` or `Bytes`, not a reference");
    }
    if let (Kind::Oneway, Some((value, _))) = (kind, types::result(ty))
        && !matches!(types::bare(value), Type::Tuple(tuple) if tuple.elems.is_empty())
    {
        problems.at(value, "a one-way call brings nothing back: write `()` here, or remove `oneway`");
    }
    Some(ty.clone())
}
