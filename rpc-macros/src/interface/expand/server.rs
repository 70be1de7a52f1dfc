//! The server stub: a struct that unmarshals, and calls the implementation.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, Ident, parse_quote};

use super::bounds;
use crate::interface::model::{Argument, Interface, Method, Passing};
use crate::message::expand::fields;
use crate::message::model::Field;
use crate::spans::located;

/// The struct and its constructor.
pub(super) fn structure(interface: &Interface) -> TokenStream {
    let Interface { vis, ident, server, .. } = interface;
    let implementor = interface.implementor();
    let declared = declared(interface);
    let where_clause = &declared.where_clause;
    let parameters = interface.parameters();
    let (field, value) = match parameters.is_empty() {
        true => (None, None),
        false => (
            Some(quote!(parameters: ::core::marker::PhantomData<fn() -> (#(#parameters,)*)>,)),
            Some(quote!(parameters: ::core::marker::PhantomData,)),
        ),
    };
    let generics = bounds::with_implementor(interface, false);
    let (impl_generics, _, impl_where) = generics.split_for_impl();
    let (_, server_generics, _) = declared.split_for_impl();
    let docs = format!(
        "The server stub of [`{ident}`]: what an exporter exports. Cloning it is cheap; all clones call one \
         implementation."
    );
    let new_docs = format!("The server stub of an implementation of [`{ident}`], or of an `Arc` of one.");
    quote! {
        #[doc = #docs]
        #[allow(dead_code)]
        #vis struct #server #declared #where_clause {
            implementation: ::std::sync::Arc<#implementor>,
            #field
        }

        #[allow(dead_code)]
        impl #impl_generics #server #server_generics #impl_where {
            #[doc = #new_docs]
            #vis fn new(implementation: #implementor) -> Self {
                Self { implementation: ::std::sync::Arc::new(implementation), #value }
            }
        }

        impl #impl_generics ::core::clone::Clone for #server #server_generics #impl_where {
            fn clone(&self) -> Self {
                Self { implementation: ::std::sync::Arc::clone(&self.implementation), #value }
            }
        }

        impl #impl_generics ::core::fmt::Debug for #server #server_generics #impl_where {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(::core::stringify!(#server)).finish_non_exhaustive()
            }
        }
    }
}

/// The struct's own generics: the implementor first, then the interface's.
fn declared(interface: &Interface) -> Generics {
    let implementor = interface.implementor();
    let mut generics = interface.generics.clone();
    generics.params.insert(0, parse_quote!(#implementor));
    generics
}

/// The server stub's own trait.
pub(super) fn implementations(interface: &Interface) -> TokenStream {
    let Interface { krate, client, server, .. } = interface;
    let ids = interface.methods.iter().map(|method| Literal::u32_unsuffixed(method.id));
    let constants = interface.methods.iter().map(Method::constant);
    let arms = interface.methods.iter().map(|method| arm(interface, method));
    let (_, client_generics, _) = interface.generics.split_for_impl();
    let declared = declared(interface);
    let (_, server_generics, _) = declared.split_for_impl();
    let checked = bounds::checked(interface, bounds::with_implementor(interface, false));
    let (impl_generics, _, where_clause) = checked.split_for_impl();
    quote! {
        impl #impl_generics #krate::ServerStub for #server #server_generics #where_clause {
            type Client = #client #client_generics;

            fn method(id: u32) -> ::core::option::Option<&'static #krate::Method> {
                match id {
                    #(#ids => ::core::option::Option::Some(&#constants),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn call(&self, incoming: &mut #krate::Incoming<'_>) {
                match incoming.method() {
                    #(#arms)*
                    _ => {}
                }
            }
        }
    }
}

/// Reads the arguments, then lends or gives them to the implementation.
fn arm(interface: &Interface, method: &Method) -> TokenStream {
    let Interface { ident, .. } = interface;
    let idl = interface.idl();
    let implementor = interface.implementor();
    let (_, ty_generics, _) = interface.generics.split_for_impl();
    let method_ident = &method.ident;
    let id = Literal::u32_unsuffixed(method.id);
    let implementation = Ident::new("implementation", Span::mixed_site());
    let given = method.arguments.iter().map(give);
    let call = quote! {
        <#implementor as #ident #ty_generics>::#method_ident(&*#implementation, #(#given),*).await
    };
    let krate = &interface.krate;
    let outcome = if method.whole && !method.server_streams { quote!(#krate::Whole(#call)) } else { call };
    let run = if method.server_streams { quote!(open) } else { quote!(run) };
    let run = quote! {
        let #implementation = ::std::sync::Arc::clone(&self.implementation);
        incoming.#run(async move {
            #outcome
        });
    };
    if method.arguments.is_empty() {
        return quote!(#id => { #run });
    }
    if let (true, Some(stream)) = (method.client_streams, method.arguments.first()) {
        let Field { local, ty, .. } = &stream.field;
        let items = quote_spanned!(located(ty)=> incoming.items::<#ty>());
        return quote!(#id => { let #local = #items; #run });
    }
    if let (true, Some(argument)) = (method.whole, method.arguments.first()) {
        let Field { local, ty, .. } = &argument.field;
        let request = quote_spanned!(located(ty)=> incoming.request::<#ty>());
        return quote!(#id => if let ::core::option::Option::Some(#local) = #request { #run });
    }
    let fields: Vec<&Field> = method.arguments.iter().map(|argument| &argument.field).collect();
    let locals: Vec<&Ident> = fields.iter().map(|field| &field.local).collect();
    let types = fields.iter().map(|field| &field.ty);
    let slots = fields.iter().map(|field| fields::slot(field, &idl));
    quote! {
        #id => {
            #(let mut #locals = ::core::option::Option::None::<#types>;)*
            incoming.arguments(&mut [#(#slots,)*]);
            if let (#(::core::option::Option::Some(#locals),)*) = (#(#locals,)*) { #run }
        }
    }
}

/// The argument as the implementation takes it.
fn give(argument: &Argument) -> TokenStream {
    let local = &argument.field.local;
    match argument.passing {
        Passing::Owned | Passing::Stream => quote!(#local),
        Passing::Reference | Passing::Text | Passing::Bytes | Passing::Slice(_) => quote!(&#local),
    }
}
