//! The code for a struct that is its only field on the wire.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;

use crate::message::model::Field;
use crate::spans::located;

/// Every function of the only field's type, under another name in Rust alone.
pub(super) fn functions(field: &Field, idl: &Path) -> TokenStream {
    let Field { member, ty, .. } = field;
    let inner = quote_spanned!(located(ty)=> <#ty as #idl::Message>);
    let wrap = quote!(|inner| Self { #member: inner });
    let unwrap = quote!(|outer| outer.#member);
    quote! {
        const WIRE: #idl::Wire = #inner::WIRE;

        fn encode(&self, tag: u32, out: &mut #idl::Writer) {
            #inner::encode(&self.#member, tag, out);
        }

        fn encode_value(&self, out: &mut #idl::Writer) {
            #inner::encode_value(&self.#member, out);
        }

        fn encode_fields(&self, out: &mut #idl::Writer) {
            #inner::encode_fields(&self.#member, out);
        }

        fn merge(
            slot: &mut ::core::option::Option<Self>,
            wire: #idl::Wire,
            r: &mut #idl::Reader<'_>,
        ) -> ::core::result::Result<(), #idl::DecodeError> {
            let mut inner = slot.take().map(#unwrap);
            #inner::merge(&mut inner, wire, r)?;
            *slot = inner.map(#wrap);
            ::core::result::Result::Ok(())
        }

        fn decode_value(
            before: ::core::option::Option<Self>,
            r: &mut #idl::Reader<'_>,
        ) -> ::core::result::Result<Self, #idl::DecodeError> {
            #inner::decode_value(before.map(#unwrap), r).map(#wrap)
        }

        fn decode_fields(
            before: ::core::option::Option<Self>,
            r: &mut #idl::Reader<'_>,
        ) -> ::core::result::Result<Self, #idl::DecodeError> {
            #inner::decode_fields(before.map(#unwrap), r).map(#wrap)
        }

        fn absent() -> ::core::option::Option<Self> {
            #inner::absent().map(#wrap)
        }

        fn describe(registry: &mut #idl::Registry) -> #idl::Shape {
            #inner::describe(registry)
        }
    }
}
