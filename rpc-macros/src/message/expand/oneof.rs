//! The code for an enum with data: a message with one oneof, each variant a field of it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;

use super::{absent_variant, fields, parameters, stand_ins, wire_message};
use crate::message::model::{Field, Message, Payload, Variant};
use crate::spans::located;

pub(super) fn functions(message: &Message, variants: &[Variant], idl: &Path) -> TokenStream {
    let Message { name, docs, krate, .. } = message;
    let encode = variants.iter().map(|variant| encode(variant, idl, krate));
    let decode = variants.iter().map(|variant| decode(variant, idl));
    let describe = variants.iter().map(|variant| describe(variant, idl));
    let absent = match absent_variant(variants) {
        Some(Variant { ident, .. }) => quote!(::core::option::Option::Some(Self::#ident {})),
        None => quote!(::core::option::Option::None),
    };
    // There is nothing in the message but the oneof, so an unknown field is an unknown variant.
    let unknown = match variants.iter().find(|variant| variant.other.is_some()) {
        None => quote!(_ => r.skip(wire)?,),
        Some(Variant { ident, .. }) => quote! {
            _ => {
                r.skip(wire)?;
                found = ::core::option::Option::Some(Self::#ident {});
            }
        },
    };
    let encode = quote! {
        match self {
            #(#encode)*
        }
    };
    let decode = quote! {
        let mut found = before;
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                #(#decode)*
                #unknown
            }
        }
        #idl::variant(found, #name)
    };
    let body = wire_message(idl, &encode, &decode, &absent);
    let parameters = parameters(&message.generics);
    let stand_ins = stand_ins(variants);
    quote! {
        #body

        fn describe(registry: &mut #idl::Registry) -> #idl::Shape {
            registry.oneof::<Self>(#name, ::core::module_path!(), #docs, |m| {
                #parameters
                #(#describe)*
                #stand_ins
            })
        }
    }
}

/// The pattern that gives each field of the variant its local name.
fn pattern(variant: &Variant, all: &[Field]) -> TokenStream {
    let ident = &variant.ident;
    let members = all.iter().map(|field| &field.member);
    let locals = all.iter().map(|field| &field.local);
    quote!(Self::#ident { #(#members: #locals,)* })
}

fn encode(variant: &Variant, idl: &Path, krate: &Path) -> TokenStream {
    let ident = &variant.ident;
    let tag = variant.number();
    match &variant.payload {
        Payload::Unit => quote!(Self::#ident {} => out.empty(#tag),),
        Payload::Value(field) | Payload::CallError(field) => {
            let pattern = pattern(variant, std::slice::from_ref(field));
            let encode = fields::encode_present(field, &tag, idl);
            quote!(#pattern => #encode,)
        }
        Payload::Fields(all) => {
            let pattern = pattern(variant, all);
            let lines = fields::encode(all, idl, |field| {
                let local = &field.local;
                quote_spanned!(located(&field.ty)=> #local)
            });
            quote!(#pattern => out.message(#tag, |out| { #lines }),)
        }
        Payload::Text => quote! {
            Self::#ident { .. } => {
                let text = ::std::string::ToString::to_string(self);
                out.field(#tag, &#krate::CallError::failed(text));
            }
        },
    }
}

fn decode(variant: &Variant, idl: &Path) -> TokenStream {
    let Variant { ident, name, .. } = variant;
    let tag = variant.number();
    match &variant.payload {
        Payload::Unit => quote! {
            #tag => {
                r.empty(wire)?;
                found = ::core::option::Option::Some(Self::#ident {});
            }
        },
        Payload::Value(field) | Payload::CallError(field) => {
            let pattern = pattern(variant, std::slice::from_ref(field));
            let Field { member, local, .. } = &**field;
            let value = fields::decode_present(field, name, idl);
            let mention = fields::mention([&**field], idl);
            quote! {
                #tag => {
                    #mention
                    let before = match found {
                        ::core::option::Option::Some(#pattern) => ::core::option::Option::Some(#local),
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::#ident { #member: #value });
                }
            }
        }
        Payload::Fields(all) => {
            let read = fields::decode(all, idl, &quote!(Self::#ident), &quote!(found));
            quote! {
                #tag => {
                    let value = r.message(wire, |r| { #read });
                    found = ::core::option::Option::Some(value.map_err(|error| error.in_field(#name))?);
                }
            }
        }
        // What such a variant held stays where it was; its text arrives as a `CallError`.
        Payload::Text => TokenStream::new(),
    }
}

fn describe(variant: &Variant, idl: &Path) -> TokenStream {
    let Variant { name, docs, .. } = variant;
    let tag = variant.number();
    match &variant.payload {
        Payload::Unit => quote!(m.unit(#tag, #name, #docs);),
        Payload::Value(field) | Payload::CallError(field) => {
            let ty = &field.ty;
            let mention = fields::mention([&**field], idl);
            match &field.wire_as {
                None => quote_spanned!(located(ty)=> #mention m.value::<#ty>(#tag, #name, #docs);),
                Some(marker) => quote_spanned! {located(ty)=>
                    m.value_as::<#idl::wire_as::#marker, #ty>(#tag, #name, #docs);
                },
            }
        }
        Payload::Fields(all) => {
            let lines = fields::describe(all, idl);
            quote!(m.message(#tag, #name, #docs, |m| { #lines });)
        }
        Payload::Text => TokenStream::new(),
    }
}
