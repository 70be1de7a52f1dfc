//! What is written once for each method: its constant, its signature, its implementation for an `Arc`.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::bounds;
use crate::interface::model::{Interface, Kind, Method};

/// One constant for each method, to which both stubs point.
pub(super) fn constants(interface: &Interface) -> TokenStream {
    let krate = &interface.krate;
    let constants = interface.methods.iter().map(|method| {
        let Method { name, id, timeout, .. } = method;
        let constant = method.constant();
        let kind = kind(interface, method.kind);
        let id = Literal::u32_unsuffixed(*id);
        let timeout = match timeout {
            None => quote!(::core::option::Option::None),
            Some(timeout) => {
                let duration = duration(Duration::from_millis(timeout.milliseconds));
                quote!(::core::option::Option::Some(#duration))
            }
        };
        quote! {
            static #constant: #krate::Method = #krate::Method {
                name: #name,
                id: #id,
                kind: #kind,
                timeout: #timeout,
            };
        }
    });
    constants.collect()
}

fn duration(duration: Duration) -> TokenStream {
    match duration.subsec_millis() {
        0 => {
            let seconds = Literal::u64_unsuffixed(duration.as_secs());
            quote!(::core::time::Duration::from_secs(#seconds))
        }
        _ => {
            let milliseconds = Literal::u128_unsuffixed(duration.as_millis());
            quote!(::core::time::Duration::from_millis(#milliseconds))
        }
    }
}

/// The kind as the runtime knows it.
pub(super) fn kind(interface: &Interface, kind: Kind) -> TokenStream {
    let idl = interface.idl();
    match kind {
        Kind::Plain => quote!(#idl::MethodKind::Plain),
        Kind::Idempotent => quote!(#idl::MethodKind::Idempotent),
        Kind::Oneway => quote!(#idl::MethodKind::Oneway),
    }
}

/// The method's signature in an implementation that the macro writes.
pub(super) fn signature(method: &Method) -> TokenStream {
    let Method { ident, output, .. } = method;
    let names = method.arguments.iter().map(|argument| &argument.ident);
    let types = method.arguments.iter().map(|argument| &argument.ty);
    quote! {
        fn #ident(
            &self,
            #(#names: #types,)*
        ) -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
    }
}

/// An implementation behind an `Arc` is one too, so that `Server::new` takes both.
pub(super) fn for_arc(interface: &Interface) -> TokenStream {
    let ident = &interface.ident;
    let implementor = interface.implementor();
    let (_, ty_generics, _) = interface.generics.split_for_impl();
    let generics = bounds::with_implementor(interface, true);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let methods = interface.methods.iter().map(|method| {
        let signature = signature(method);
        let method_ident = &method.ident;
        let names = method.arguments.iter().map(|argument| &argument.ident);
        quote! {
            #signature {
                <#implementor as #ident #ty_generics>::#method_ident(&**self, #(#names),*)
            }
        }
    });
    quote! {
        impl #impl_generics #ident #ty_generics for ::std::sync::Arc<#implementor> #where_clause {
            #(#methods)*
        }
    }
}
