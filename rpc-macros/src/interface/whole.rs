//! `#[rpc(message)]`: a method whose one argument is the request itself, and whose result is the response.

use syn::{FnArg, Signature, Type};

use super::model::{Argument, Passing};
use crate::problems::Problems;
use crate::types;

const NO_MESSAGE: &str =
    "is no message, as `message` wants it: write a struct that derives `Message`, or remove `message`";

/// Reports what cannot be a whole request or a whole response.
pub(crate) fn check(signature: &Signature, arguments: &[Argument], output: Option<&Type>, problems: &mut Problems) {
    for more in arguments.iter().skip(1) {
        problems.at(
            &more.ident,
            "with `message` the first argument is the whole request: put all of them into one struct, or remove `message`",
        );
    }
    for input in &signature.inputs {
        let FnArg::Typed(typed) = input else { continue };
        for attribute in typed.attrs.iter().filter(|attribute| attribute.path().is_ident("rpc")) {
            problems
                .at(attribute, "with `message` this argument is the request itself, and no field of it: remove this");
        }
    }
    if let Some(argument) = arguments.first() {
        let is_message = match argument.passing {
            Passing::Owned | Passing::Reference => is_message(&argument.field.ty),
            // Each item is a message.
            Passing::Stream => true,
            Passing::Text | Passing::Bytes | Passing::Slice(_) => false,
        };
        if !is_message {
            problems.at(&argument.ty, format!("`{}` {NO_MESSAGE}", types::written(&argument.ty)));
        }
    }
    if let Some((value, _)) = output.and_then(types::result)
        && !is_message(value)
    {
        problems.at(value, format!("`{}` {NO_MESSAGE}", types::written(value)));
    }
}

/// Whether it may be a message, as far as its tokens tell.
fn is_message(ty: &Type) -> bool {
    match types::bare(ty) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        ty => types::is_streaming(ty) || !types::is_no_result(ty),
    }
}
