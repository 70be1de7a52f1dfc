//! Syntax to model: a method's arguments, as the fields of its request.

use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, Member, Pat, PatType, Path, Signature, Type, TypeReference, parse_quote};

use super::model::{Argument, Passing};
use crate::message::model::Field;
use crate::message::read::{number, wire_as};
use crate::problems::Problems;
use crate::settings::Settings;
use crate::spans::located;
use crate::{names, types};

const ON_ARGUMENT: &str = "an argument takes `tag = 3`, `name = \"…\"` and `as = \"int64\"`";

/// What to do in place of a generic method.
pub(crate) const GENERIC: &str = "a method cannot be generic, for the callee must know the type: write the type, use an enum, or make \
     the interface generic";

/// Reads all arguments but the first, and numbers them: each has one more than the one before it, unless it is pinned.
pub(crate) fn read_all(signature: &Signature, krate: &Path, problems: &mut Problems) -> Vec<Argument> {
    let mut tag = 0;
    let mut all = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(typed) = input else { continue };
        let mut settings = Settings::of(&typed.attrs, problems);
        let mut span = typed.pat.span();
        tag = number(settings.tag(problems), tag, &mut span);
        let pinned_name = settings.name(problems);
        let wire_as = wire_as(&mut settings, problems);
        settings.finish("an argument", ON_ARGUMENT, problems);
        let Some(ident) = name(typed, problems) else {
            continue;
        };
        let (passing, held) = passing(&typed.ty, krate, problems);
        if wire_as.is_some() && matches!(passing, Passing::Text | Passing::Bytes | Passing::Slice(_) | Passing::Stream)
        {
            problems.at(&typed.ty, "`as` is for integers, and for `Option` and `Vec` of integers: take the `Vec`");
        }
        let wire_name = names::plain(ident).trim_start_matches('_').to_owned();
        all.push(Argument {
            ident: ident.clone(),
            ty: (*typed.ty).clone(),
            field: Field {
                member: Member::Named(ident.clone()),
                local: format_ident!("argument_{wire_name}", span = located(ident)),
                ty: held,
                tag,
                name: pinned_name.map_or(wire_name, |name| name.value()),
                docs: String::new(),
                wire_as,
                span,
            },
            passing,
        });
    }
    all
}

fn name<'a>(typed: &'a PatType, problems: &mut Problems) -> Option<&'a Ident> {
    let Pat::Ident(pattern) = &*typed.pat else {
        problems.at(&typed.pat, "name this argument: the name becomes the field's name on the wire");
        return None;
    };
    Some(&pattern.ident)
}

/// How an argument of this type is passed, and the type that the callee holds.
fn passing(ty: &Type, krate: &Path, problems: &mut Problems) -> (Passing, Type) {
    let Type::Reference(reference) = types::bare(ty) else {
        if types::is_streaming(ty) {
            return (Passing::Stream, ty.clone());
        }
        if types::is_open_stream(ty) {
            problems.at(ty, "write `Streaming<T>`: a caller makes one of any stream, with `Streaming::new(stream)`");
        } else if types::is_open(ty) {
            problems.at(ty, GENERIC);
        } else if types::borrows(ty) {
            problems.at(
                ty,
                "only a whole argument can be borrowed, as `&str`, `&[T]` or `&T`: own what is inside, \
                 as in `Option<String>`",
            );
        }
        return (Passing::Owned, ty.clone());
    };
    check_reference(reference, problems);
    let elem = types::bare(&reference.elem);
    match elem {
        Type::Slice(slice) if types::is_word(&slice.elem, "u8") => {
            let bytes = quote_spanned!(located(ty)=> #krate::idl::Bytes);
            (Passing::Bytes, parse_quote!(#bytes))
        }
        Type::Slice(slice) => {
            let elem = &slice.elem;
            let list = quote_spanned!(located(elem)=> ::std::vec::Vec<#elem>);
            (Passing::Slice(elem.clone()), parse_quote!(#list))
        }
        _ if types::is_word(elem, "str") => {
            let text = quote_spanned!(located(ty)=> #krate::idl::Text);
            (Passing::Text, parse_quote!(#text))
        }
        _ => (Passing::Reference, elem.clone()),
    }
}

fn check_reference(reference: &TypeReference, problems: &mut Problems) {
    if reference.mutability.is_some() {
        problems.at(reference, "the callee has a copy: take the value, and return the changed one");
    }
    if let Some(lifetime) = &reference.lifetime
        && lifetime.ident != "_"
    {
        problems.at(lifetime, "leave the lifetime out: the argument is lent for the call");
    }
    if types::is_open(&reference.elem) {
        problems.at(&reference.elem, GENERIC);
    } else if types::borrows(&reference.elem) {
        problems.at(&reference.elem, "only a whole argument can be borrowed: own what is inside");
    }
}
