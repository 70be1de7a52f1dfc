//! The generics of the stubs' implementations, and what each type in the interface must be.
//!
//! Each argument, result and error type stands once in the `where` clause of each implementation, at the user's own
//! tokens. The bodies are then checked as if it held, and a type that cannot travel is one error and not one for each use.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Generics, Path, Type, parse_quote};

use crate::interface::model::{Interface, Kind, Method, Passing};
use crate::spans::{located, moved};
use crate::types;

/// The interface's own parameters, required to travel.
pub(super) fn plain(interface: &Interface) -> Generics {
    let krate = &interface.krate;
    let mut generics = interface.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#krate::idl::Message));
    }
    generics
}

/// The same, with the implementor as a parameter. `unsized_too`: it may be behind a pointer.
pub(super) fn with_implementor(interface: &Interface, unsized_too: bool) -> Generics {
    let mut generics = plain(interface);
    let implementor = interface.implementor();
    let ident = &interface.ident;
    let (_, ty_generics, _) = interface.generics.split_for_impl();
    generics.params.push(match unsized_too {
        true => parse_quote!(#implementor: #ident #ty_generics + ?::core::marker::Sized),
        false => parse_quote!(#implementor: #ident #ty_generics),
    });
    generics
}

/// These generics with what every type in the interface must be.
pub(super) fn checked(interface: &Interface, mut generics: Generics) -> Generics {
    let mut seen = HashSet::new();
    let predicates = &mut generics.make_where_clause().predicates;
    let all = interface.methods.iter().flat_map(|method| of_method(interface, method));
    for predicate in all {
        if seen.insert(predicate.to_string()) {
            predicates.push(parse_quote!(#predicate));
        }
    }
    generics
}

fn of_method(interface: &Interface, method: &Method) -> Vec<TokenStream> {
    let krate = &interface.krate;
    let arguments = method.arguments.iter().filter_map(|argument| {
        let held = &argument.field.ty;
        match (&argument.passing, &argument.field.wire_as) {
            // What the callee holds is the runtime's own.
            (Passing::Stream, _) => Some(predicate(held, &quote!(#krate::StreamArgument))),
            (Passing::Text | Passing::Bytes, _) => None,
            (Passing::Slice(element), _) => message(element, krate),
            (_, None) => message(held, krate),
            (_, Some(marker)) => {
                let bound = quote!(#krate::idl::wire_as::As<#krate::idl::wire_as::#marker>);
                Some(predicate(held, &bound))
            }
        }
    });
    let mut predicates: Vec<TokenStream> = arguments.collect();
    let output = &method.output;
    match (types::result(output), method.kind) {
        _ if method.server_streams => predicates.push(predicate(output, &quote!(#krate::StreamOutcome))),
        (Some((value, error)), _) => {
            predicates.extend(message(value, krate));
            predicates.push(predicate(error, &quote!(#krate::RemoteError)));
        }
        (None, Kind::Oneway) => {
            predicates.push(predicate(output, &quote!(#krate::Outcome<Value = ()>)));
        }
        (None, _) => predicates.push(predicate(output, &quote!(#krate::Outcome))),
    }
    predicates
}

/// That the type travels, unless it is plain that it does.
fn message(ty: &Type, krate: &Path) -> Option<TokenStream> {
    (!types::is_scalar(ty)).then(|| predicate(ty, &quote!(#krate::idl::Message)))
}

/// A condition that stands at the type's place with all its tokens, or the whole attribute would be shown as wrong.
fn predicate(ty: &Type, bound: &TokenStream) -> TokenStream {
    let span = located(ty);
    let bound = moved(bound, span);
    quote_spanned!(span=> #ty: #bound)
}
