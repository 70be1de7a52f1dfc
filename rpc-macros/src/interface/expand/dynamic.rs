//! `#[interface(dyn)]`: a struct that holds any implementation and is one.
//!
//! A trait with futures cannot be `dyn`. So there is a twin trait with boxed futures, in which every method has a prefix
//! (two traits with one method name make each call ambiguous), and a struct over it that implements the interface.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, Lifetime, Type};

use super::{bounds, methods};
use crate::interface::model::{Argument, Interface, Method};
use crate::types;

/// The struct, its constructor, and the twin that it points to.
pub(super) fn structure(interface: &Interface, dynamic: &Ident) -> TokenStream {
    let Interface { vis, ident, generics, .. } = interface;
    let where_clause = &generics.where_clause;
    let (_, ty_generics, _) = generics.split_for_impl();
    let plain = bounds::plain(interface);
    let (impl_generics, _, impl_where) = plain.split_for_impl();
    let twin = twin(interface);
    let signatures = interface.methods.iter().map(signature);
    let docs = format!("Any implementation of [`{ident}`], as one type. It is one itself; cloning it is cheap.");
    let new_docs = format!("Holds this implementation of [`{ident}`].");
    quote! {
        #[doc(hidden)]
        #[allow(clippy::all)]
        trait #twin #generics: ::core::marker::Send + ::core::marker::Sync + 'static #where_clause {
            #(#signatures;)*
        }

        #[doc = #docs]
        #vis struct #dynamic #generics (::std::sync::Arc<dyn #twin #ty_generics>) #where_clause;

        impl #impl_generics #dynamic #ty_generics #impl_where {
            #[doc = #new_docs]
            #vis fn new(implementation: impl #ident #ty_generics) -> Self {
                Self(::std::sync::Arc::new(implementation))
            }
        }
    }
}

/// The struct as an implementation, and every implementation as one that it can hold.
pub(super) fn implementations(interface: &Interface, dynamic: &Ident) -> TokenStream {
    let Interface { ident, generics, .. } = interface;
    let (plain_generics, ty_generics, plain_where) = generics.split_for_impl();
    let plain = bounds::plain(interface);
    let (impl_generics, _, impl_where) = plain.split_for_impl();
    let blanket = bounds::with_implementor(interface, false);
    let (blanket_generics, _, blanket_where) = blanket.split_for_impl();
    let implementor = interface.implementor();
    let twin = twin(interface);
    let name = dynamic.to_string();
    let forwards = interface.methods.iter().map(|method| {
        let signature = methods::signature(method);
        let twin_method = twin_method(method);
        let names = method.arguments.iter().map(|argument| &argument.ident);
        quote! {
            #signature {
                // The block is what may hold the arguments' lifetimes; the boxed future itself may not be returned.
                async move { self.0.#twin_method(#(#names),*).await }
            }
        }
    });
    let boxes = interface.methods.iter().map(|method| {
        let signature = signature(method);
        let method_ident = &method.ident;
        let names = method.arguments.iter().map(|argument| &argument.ident);
        quote! {
            #signature {
                ::std::boxed::Box::pin(<Self as #ident #ty_generics>::#method_ident(self, #(#names),*))
            }
        }
    });
    quote! {
        impl #plain_generics ::core::clone::Clone for #dynamic #ty_generics #plain_where {
            fn clone(&self) -> Self {
                Self(::std::sync::Arc::clone(&self.0))
            }
        }

        impl #plain_generics ::core::fmt::Debug for #dynamic #ty_generics #plain_where {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#name).finish_non_exhaustive()
            }
        }

        impl #impl_generics #ident #ty_generics for #dynamic #ty_generics #impl_where {
            #(#forwards)*
        }

        impl #blanket_generics #twin #ty_generics for #implementor #blanket_where {
            #(#boxes)*
        }
    }
}

fn twin(interface: &Interface) -> Ident {
    format_ident!("Dyn{}Methods", interface.ident)
}

fn twin_method(method: &Method) -> Ident {
    format_ident!("dyn_{}", crate::names::plain(&method.ident))
}

/// The method with a boxed future, which borrows from all that is lent.
fn signature(method: &Method) -> TokenStream {
    let lifetime = Lifetime::new("'call", Span::call_site());
    let twin_method = twin_method(method);
    let output = &method.output;
    let arguments = method.arguments.iter().map(|argument| {
        let Argument { ident, ty, .. } = argument;
        let ty = borrowed_for(ty, &lifetime);
        quote!(#ident: #ty)
    });
    quote! {
        fn #twin_method<#lifetime>(
            &#lifetime self,
            #(#arguments,)*
        ) -> ::core::pin::Pin<::std::boxed::Box<
            dyn ::core::future::Future<Output = #output> + ::core::marker::Send + #lifetime
        >>
    }
}

fn borrowed_for(ty: &Type, lifetime: &Lifetime) -> Type {
    let mut ty = types::bare(ty).clone();
    if let Type::Reference(reference) = &mut ty {
        reference.lifetime = Some(lifetime.clone());
    }
    ty
}
