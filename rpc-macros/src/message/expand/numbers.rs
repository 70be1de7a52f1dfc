//! The code for an enum without data: a number.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

use super::{absent_variant, stand_ins};
use crate::message::model::{Message, Variant};

pub(super) fn functions(message: &Message, variants: &[Variant], idl: &Path) -> TokenStream {
    let Message { name, docs, .. } = message;
    let numbers: Vec<_> = variants.iter().map(Variant::number).collect();
    let idents: Vec<_> = variants.iter().map(|variant| &variant.ident).collect();
    let names = variants.iter().map(|variant| &variant.name);
    let each_docs = variants.iter().map(|variant| &variant.docs);
    // Number 0 and absence are one thing on the wire. A variant that has it has an arm of its own.
    let zero = variants.iter().find(|variant| variant.tag == 0);
    let zero_arm = zero.is_none().then(|| {
        quote! {
            0 => <Self as #idl::Message>::absent()
                .ok_or_else(|| #idl::DecodeError::no_variant(#name)),
        }
    });
    let encode = match zero {
        None => quote!(out.field(tag, self);),
        Some(Variant { ident, .. }) => quote! {
            if !::core::matches!(self, Self::#ident) {
                out.field(tag, self);
            }
        },
    };
    let unknown = match variants.iter().find(|variant| variant.other.is_some()) {
        Some(Variant { ident, .. }) => quote!(_ => ::core::result::Result::Ok(Self::#ident),),
        None => quote! {
            unknown => ::core::result::Result::Err(
                #idl::DecodeError::unknown_number(#name, unknown),
            ),
        },
    };
    let absent = match absent_variant(variants) {
        Some(Variant { ident, .. }) => quote!(::core::option::Option::Some(Self::#ident)),
        None => quote!(::core::option::Option::None),
    };
    let stand_ins = stand_ins(variants);
    quote! {
        const WIRE: #idl::Wire = #idl::Wire::Varint;

        fn encode(&self, tag: u32, out: &mut #idl::Writer) {
            #encode
        }

        fn encode_value(&self, out: &mut #idl::Writer) {
            out.enumeration_value(match self {
                #(Self::#idents => #numbers,)*
            });
        }

        fn decode_value(
            _before: ::core::option::Option<Self>,
            r: &mut #idl::Reader<'_>,
        ) -> ::core::result::Result<Self, #idl::DecodeError> {
            match r.enumeration()? {
                #(#numbers => ::core::result::Result::Ok(Self::#idents),)*
                #zero_arm
                #unknown
            }
        }

        fn absent() -> ::core::option::Option<Self> {
            #absent
        }

        fn describe(registry: &mut #idl::Registry) -> #idl::Shape {
            registry.enumeration::<Self>(#name, ::core::module_path!(), #docs, |m| {
                #(m.value(#numbers, #names, #each_docs);)*
                #stand_ins
            })
        }
    }
}
