//! The user stub: a struct that marshals, and hands over to its binding.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;

use super::{bounds, description, methods};
use crate::interface::model::{Argument, Interface, Method, Passing};
use crate::message::expand::fields;
use crate::spans::located;

/// The struct, without methods of its own: they would win over the interface's.
pub(super) fn structure(interface: &Interface) -> TokenStream {
    let Interface { krate, vis, ident, generics, client, .. } = interface;
    let where_clause = &generics.where_clause;
    let parameters = interface.parameters();
    let marker =
        (!parameters.is_empty()).then(|| quote!(parameters: ::core::marker::PhantomData<fn() -> (#(#parameters,)*)>,));
    let docs = format!(
        "The user stub of [`{ident}`]: calls its methods on an exporter. Cloning it is cheap; all clones share \
         one binding."
    );
    quote! {
        #[doc = #docs]
        #[allow(dead_code)]
        #vis struct #client #generics #where_clause {
            binding: #krate::Binding,
            #marker
        }
    }
}

/// What every user stub has, and the interface itself.
pub(super) fn implementations(interface: &Interface) -> TokenStream {
    let Interface { ident, client, .. } = interface;
    let common = common(interface, &description::description(interface));
    let (_, ty_generics, _) = interface.generics.split_for_impl();
    let checked = bounds::checked(interface, bounds::plain(interface));
    let (impl_generics, _, where_clause) = checked.split_for_impl();
    let methods = interface.methods.iter().map(|method| self::method(interface, method));
    quote! {
        #common

        impl #impl_generics #ident #ty_generics for #client #ty_generics #where_clause {
            #(#methods)*
        }
    }
}

/// `Clone`, `Debug` and `UserStub`.
pub(super) fn common(interface: &Interface, description: &TokenStream) -> TokenStream {
    let Interface { krate, client, .. } = interface;
    let idl = interface.idl();
    let (plain_generics, ty_generics, plain_where) = interface.generics.split_for_impl();
    let checked = bounds::checked(interface, bounds::plain(interface));
    let (impl_generics, _, where_clause) = checked.split_for_impl();
    let name = client.to_string();
    let marker = (!interface.parameters().is_empty()).then(|| quote!(parameters: ::core::marker::PhantomData,));
    quote! {
        impl #plain_generics ::core::clone::Clone for #client #ty_generics #plain_where {
            fn clone(&self) -> Self {
                Self { binding: ::core::clone::Clone::clone(&self.binding), #marker }
            }
        }

        impl #plain_generics ::core::fmt::Debug for #client #ty_generics #plain_where {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#name).finish_non_exhaustive()
            }
        }

        impl #impl_generics #krate::UserStub for #client #ty_generics #where_clause {
            fn interface() -> #idl::Interface {
                #description
            }

            fn from_binding(binding: #krate::Binding) -> Self {
                Self { binding, #marker }
            }

            fn as_binding(&self) -> &#krate::Binding {
                &self.binding
            }
        }
    }
}

/// Marshals before the future is returned, so that no argument lives across an await.
fn method(interface: &Interface, method: &Method) -> TokenStream {
    let signature = methods::signature(method);
    let constant = method.constant();
    let output = &method.output;
    // A name of its own, whatever the arguments are called.
    let outgoing = Ident::new("outgoing", Span::mixed_site());
    let encode = method.arguments.iter().map(|argument| match method.whole && !method.client_streams {
        false => encode(interface, argument, &outgoing),
        true => encode_whole(interface, argument, &outgoing),
    });
    let mutable = (!method.arguments.is_empty()).then(|| quote!(mut));
    let (begin, send) = match (method.client_streams, method.server_streams) {
        (false, false) => (quote!(call), quote!(send)),
        (true, false) => (quote!(open), quote!(send)),
        (_, true) => (quote!(open), quote!(open)),
    };
    let send = match method.whole && !method.server_streams {
        false => quote!(#outgoing.#send::<#output>()),
        true => {
            let krate = &interface.krate;
            quote!(async move { #outgoing.send::<#krate::Whole<#output>>().await.0 })
        }
    };
    quote! {
        #signature {
            let #mutable #outgoing = self.binding.#begin(&#constant);
            #(#encode)*
            #send
        }
    }
}

/// The argument as the request itself.
fn encode_whole(interface: &Interface, argument: &Argument, outgoing: &Ident) -> TokenStream {
    let idl = interface.idl();
    let Argument { ident, field, passing, .. } = argument;
    let ty = &field.ty;
    let lent = (!matches!(passing, Passing::Reference)).then(|| quote!(&));
    quote_spanned! {located(ty)=>
        <#ty as #idl::Message>::encode_fields(#lent #ident, #outgoing.arguments());
    }
}

fn encode(interface: &Interface, argument: &Argument, outgoing: &Ident) -> TokenStream {
    let idl = interface.idl();
    let Argument { ident, ty, field, passing } = argument;
    let span = located(ty);
    let tag = Literal::u32_unsuffixed(field.tag);
    let out = quote!(#outgoing.arguments());
    match passing {
        Passing::Stream => quote_spanned!(span=> #outgoing.items(#ident);),
        Passing::Text => quote_spanned!(span=> #out.str(#tag, #ident);),
        Passing::Bytes => quote_spanned!(span=> #out.bytes(#tag, #ident);),
        Passing::Slice(element) => quote_spanned! {span=>
            <#element as #idl::Message>::encode_slice(#ident, #tag, #out);
        },
        Passing::Reference => fields::encode_one(field, &idl, &quote!(#ident), &out),
        Passing::Owned => fields::encode_one(field, &idl, &quote!(&#ident), &out),
    }
}
