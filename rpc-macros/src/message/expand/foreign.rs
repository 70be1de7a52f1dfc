//! The code for a struct that prost reads and writes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;

use crate::message::model::Message;
use crate::spans::located;

/// Every function hands over to idl's, at the struct's own name: what it lacks is reported there.
pub(super) fn functions(message: &Message, descriptors: Option<&Path>, idl: &Path) -> TokenStream {
    let span = located(&message.ident);
    let set = match descriptors {
        Some(path) => quote!(#path),
        None => quote!(&[]),
    };
    let encode_fields = quote_spanned!(span=> #idl::prost_message::encode_fields::<Self>(self, out));
    let decode_fields = quote_spanned!(span=> #idl::prost_message::decode_fields::<Self>(before, r));
    let describe = quote_spanned!(span=> #idl::prost_message::describe::<Self>(registry, #set));
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
            ::core::option::Option::Some(::core::default::Default::default())
        }

        fn describe(registry: &mut #idl::Registry) -> #idl::Shape {
            #describe
        }
    }
}
