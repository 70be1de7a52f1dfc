//! What is emitted of a trait with mistakes: the trait, and stubs that compile.
//!
//! Whoever implements the trait or names a stub is then not told of the same mistake again in other words. Nothing of it
//! runs, for no program with a mistake is built.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ItemTrait, ReturnType, TraitItem, TraitItemFn};

use super::{client, definition, server};
use crate::interface::model::Interface;
use crate::types;

pub(crate) fn stand_in(interface: &Interface, definition: &ItemTrait) -> TokenStream {
    // The types in it may be the mistakes.
    let bare = Interface {
        methods: Vec::new(),
        krate: interface.krate.clone(),
        vis: interface.vis.clone(),
        ident: interface.ident.clone(),
        generics: interface.generics.clone(),
        client: interface.client.clone(),
        server: interface.server.clone(),
        dynamic: None,
        package: String::new(),
        name: String::new(),
        descriptors: None,
        docs: String::new(),
    };
    let client = client::structure(&bare);
    let client_common = client::common(&bare, &quote!(::core::unreachable!()));
    let server = server::structure(&bare);
    let server_impls = server::implementations(&bare);
    let calls = calls(&bare, definition);
    let definition = definition::definition(definition);
    quote! {
        #definition
        #client
        #server
        #[allow(clippy::all, deprecated, trivial_bounds)]
        const _: () = {
            #client_common
            #server_impls
            #calls
        };
    }
}

/// The trait for the user stub, if each of its items can have a body that says nothing.
fn calls(interface: &Interface, definition: &ItemTrait) -> Option<TokenStream> {
    let functions: Option<Vec<&TraitItemFn>> = definition
        .items
        .iter()
        .map(|item| match item {
            TraitItem::Fn(function) if can_be_empty(function) => Some(function),
            _ => None,
        })
        .collect();
    let methods = functions?.into_iter().map(|function| {
        let signature = definition::signature(&function.sig);
        let body = match function.sig.asyncness {
            Some(_) => quote!(async move { ::core::unreachable!() }),
            None => quote!(::core::unreachable!()),
        };
        quote!(#signature { #body })
    });
    let Interface { ident, client, .. } = interface;
    let (impl_generics, ty_generics, where_clause) = interface.generics.split_for_impl();
    Some(quote! {
        #[allow(unused)]
        impl #impl_generics #ident #ty_generics for #client #ty_generics #where_clause {
            #(#methods)*
        }
    })
}

fn can_be_empty(function: &TraitItemFn) -> bool {
    let opaque = matches!(&function.sig.output, ReturnType::Type(_, ty) if types::is_open(ty));
    let has_receiver = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(_)));
    has_receiver && !opaque
}
