//! The code for a struct that prost reads and writes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;

use super::wire_message;
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
    let absent = quote!(::core::option::Option::Some(::core::default::Default::default()));
    let body = wire_message(idl, &encode_fields, &decode_fields, &absent);
    quote! {
        #body

        fn describe(registry: &mut #idl::Registry) -> #idl::Shape {
            #describe
        }
    }
}
