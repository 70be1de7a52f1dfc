//! The trait itself, with futures in place of `async`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, ItemTrait, Pat, ReturnType, Signature, Token, TraitItem, TraitItemFn, parse_quote};

use crate::interface::read::foreign;

/// The trait as it stands in the program: also one with mistakes, so that each is reported once.
pub(super) fn definition(definition: &ItemTrait) -> TokenStream {
    let mut definition = definition.clone();
    definition.attrs = foreign(&definition.attrs);
    definition.colon_token = Some(Token![:](definition.ident.span()));
    definition.supertraits = parse_quote!(::core::marker::Send + ::core::marker::Sync + 'static);
    for item in &mut definition.items {
        if let TraitItem::Fn(function) = item {
            *function = method(function);
        }
    }
    definition.into_token_stream()
}

fn method(function: &TraitItemFn) -> TraitItemFn {
    let mut function = function.clone();
    function.attrs = foreign(&function.attrs);
    let is_async = function.sig.asyncness.is_some();
    function.sig = signature(&function.sig);
    if let Some(body) = function.default.take() {
        function.default = Some(match is_async {
            false => body,
            true => {
                function.attrs.push(parse_quote!(#[allow(clippy::manual_async_fn)]));
                parse_quote!({ async move #body })
            }
        });
    }
    function
}

/// The signature without our attributes, and with a future that can move between threads in place of `async`.
pub(super) fn signature(signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        let FnArg::Typed(typed) = input else { continue };
        typed.attrs = foreign(&typed.attrs);
        if !matches!(&*typed.pat, Pat::Ident(_)) {
            // A pattern is a mistake of its own in a trait; it was reported.
            *typed.pat = parse_quote!(_);
        }
    }
    if signature.asyncness.take().is_some() {
        let output = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => quote!(#ty),
        };
        // A generic method is a mistake of its own; what it holds need not be `Send` as well.
        let send = signature.generics.type_params().next().is_none();
        let send = send.then(|| quote!(+ ::core::marker::Send));
        signature.output = parse_quote! {
            -> impl ::core::future::Future<Output = #output> #send
        };
    }
    signature
}
