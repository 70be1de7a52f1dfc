//! Model to code: the implementation of `Message`.

pub(crate) mod fields;
mod foreign;
mod numbers;
mod oneof;
mod transparent;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{ConstParam, DeriveInput, GenericParam, Generics, Path, TypeParam, parse_quote};

use super::model::{Body, Field, Message, Variant};
use crate::problems::Problems;
use crate::settings::Settings;
use crate::spans::located;

/// The implementation of `Message` for a type without mistakes.
pub(crate) fn message(message: &Message) -> TokenStream {
    let krate = &message.krate;
    let idl: Path = parse_quote!(#krate::idl);
    let functions = match &message.body {
        Body::Fields(all) => structure(message, all, &idl),
        Body::Prost(descriptors) => foreign::functions(message, descriptors.as_ref(), &idl),
        Body::Transparent(field) => transparent::functions(field, &idl),
        Body::Numbers(variants) => numbers::functions(message, variants, &idl),
        Body::Oneof(variants) => oneof::functions(message, variants, &idl),
    };
    let ident = &message.ident;
    let mut generics = travelling(&message.generics, &idl);
    if matches!(message.body, Body::Prost(_)) {
        // The bodies are then checked as if it held, so that what lacks is reported once.
        let span = located(ident);
        let bound = crate::spans::moved(&quote!(#idl::prost_message::Named), span);
        let bound = quote_spanned!(span=> #ident: #bound);
        generics.make_where_clause().predicates.push(parse_quote!(#bound));
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #idl::Message for #ident #ty_generics #where_clause {
            #functions
        }
    }
}

/// Stands in for the implementation of a type with mistakes, so that each of them is reported once and not again
/// wherever the type is used. It never runs, for nothing that has it is built.
///
/// None for a type that borrows: nothing that has a lifetime can be a message, not even in pretence.
pub(crate) fn stand_in(input: &DeriveInput) -> TokenStream {
    if input.generics.lifetimes().next().is_some() {
        return TokenStream::new();
    }
    let mut settings = Settings::of(&input.attrs, &mut Problems::default());
    let krate = settings.krate(&mut Problems::default());
    let idl: Path = parse_quote!(#krate::idl);
    let ident = &input.ident;
    let generics = travelling(&input.generics, &idl);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #idl::Message for #ident #ty_generics #where_clause {
            const WIRE: #idl::Wire = #idl::Wire::Len;

            fn encode(&self, _: u32, _: &mut #idl::Writer) {}

            fn absent() -> ::core::option::Option<Self> {
                ::core::option::Option::None
            }

            fn describe(_: &mut #idl::Registry) -> #idl::Shape {
                ::core::unreachable!()
            }
        }
    }
}

/// The generics with every type parameter required to travel too.
fn travelling(generics: &Generics, idl: &Path) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        let bound = quote_spanned!(located(&parameter.ident)=> #idl::Message);
        parameter.bounds.push(parse_quote!(#bound));
    }
    generics
}

/// The lines of a description that make `Page<Node>` another type than `Page<Leaf>`.
fn parameters(generics: &Generics) -> TokenStream {
    let lines = generics.params.iter().map(|parameter| match parameter {
        GenericParam::Type(TypeParam { ident, .. }) => quote!(m.parameter::<#ident>();),
        GenericParam::Const(ConstParam { ident, .. }) => quote!(m.parameter_const(#ident);),
        GenericParam::Lifetime(_) => TokenStream::new(),
    });
    lines.collect()
}

/// The functions of a struct: a message with its fields.
fn structure(message: &Message, all: &[Field], idl: &Path) -> TokenStream {
    let encode = fields::encode(all, idl, |field| {
        let member = &field.member;
        quote_spanned!(located(&field.ty)=> &self.#member)
    });
    let decode = fields::decode(all, idl, &quote!(Self), &quote!(before));
    let absent = quote!(#idl::empty());
    let body = wire_message(idl, &encode, &decode, &absent);
    let describe = fields::describe(all, idl);
    let parameters = parameters(&message.generics);
    let m = match all.is_empty() && parameters.is_empty() {
        true => quote!(_),
        false => quote!(m),
    };
    let Message { name, docs, .. } = message;
    quote! {
        #body

        fn describe(registry: &mut #idl::Registry) -> #idl::Shape {
            registry.message::<Self>(#name, ::core::module_path!(), #docs, |#m| {
                #parameters
                #describe
            })
        }
    }
}

/// The functions that every message has, with their bodies.
fn wire_message(
    idl: &Path,
    encode_fields: &TokenStream,
    decode_fields: &TokenStream,
    absent: &TokenStream,
) -> TokenStream {
    quote! {
        const WIRE: #idl::Wire = #idl::Wire::Len;

        fn encode(&self, tag: u32, out: &mut #idl::Writer) {
            out.field(tag, self);
        }

        fn encode_fields(&self, out: &mut #idl::Writer) {
            #encode_fields
        }

        fn decode_fields(
            before: ::core::option::Option<Self>,
            r: &mut #idl::Reader<'_>,
        ) -> ::core::result::Result<Self, #idl::DecodeError> {
            #decode_fields
        }

        fn absent() -> ::core::option::Option<Self> {
            #absent
        }
    }
}

/// The variant that stands for absence: number 0, `#[default]`, else `#[rpc(other)]`.
fn absent_variant(variants: &[Variant]) -> Option<&Variant> {
    let first = |which: fn(&Variant) -> bool| variants.iter().find(|variant| which(variant));
    first(|variant| variant.tag == 0)
        .or_else(|| first(|variant| variant.default.is_some()))
        .or_else(|| first(|variant| variant.other.is_some()))
}

/// The lines of a description that say what stands for absence and for what is unknown.
fn stand_ins(variants: &[Variant]) -> TokenStream {
    let default = variants.iter().find(|variant| variant.default.is_some());
    let default = default.map(|variant| {
        let tag = variant.number();
        quote!(m.default(#tag);)
    });
    let open = variants.iter().any(|variant| variant.other.is_some());
    let open = open.then(|| quote!(m.open();));
    quote!(#default #open)
}
