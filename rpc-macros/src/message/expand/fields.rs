//! The code for a list of fields: of a struct, or of a variant that is a message of its own.
//!
//! Every use of a field's type carries the type's span, so that a type that cannot travel is reported where it stands.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

use crate::message::model::Field;
use crate::spans::located;
use crate::types;

/// The field's type as the trait whose functions write and read it.
fn codec(field: &Field, idl: &Path) -> TokenStream {
    let ty = &field.ty;
    match &field.wire_as {
        None => quote_spanned!(located(ty)=> <#ty as #idl::Message>),
        Some(marker) => quote_spanned! {located(ty)=>
            <#ty as #idl::wire_as::As<#idl::wire_as::#marker>>
        },
    }
}

/// The marker type of `#[rpc(as = "…")]`, as the trait whose functions write and read an integer.
fn representation(field: &Field, idl: &Path) -> Option<TokenStream> {
    let marker = field.wire_as.as_ref()?;
    let span = located(&field.ty);
    Some(quote_spanned!(span=> <#idl::wire_as::#marker as #idl::wire_as::Representation>))
}

/// Mentions each type once, before any function that asks for it to travel, unless it is plain that it does.
///
/// What the compiler says of such a function differs with the function, and is said once for each. What it says of this is
/// the same everywhere, and is said once in all.
pub(super) fn mention<'a>(fields: impl IntoIterator<Item = &'a Field>, idl: &Path) -> TokenStream {
    let plain = |field: &&Field| field.wire_as.is_none() && !types::is_scalar(&field.ty);
    let lines = fields.into_iter().filter(plain).map(|field| {
        let codec = codec(field, idl);
        quote_spanned!(located(&field.ty)=> let _ = #codec::WIRE;)
    });
    lines.collect()
}

/// One line for each field. `value` gives the reference to it.
pub(super) fn encode(fields: &[Field], idl: &Path, value: impl Fn(&Field) -> TokenStream) -> TokenStream {
    if fields.is_empty() {
        return quote!(let _ = out;);
    }
    let lines = fields.iter().map(|field| encode_one(field, idl, &value(field), &quote!(out)));
    lines.collect()
}

/// Writes one field, unless absence says the same. `value` is a reference to it, `out` one to the writer.
pub(crate) fn encode_one(field: &Field, idl: &Path, value: &TokenStream, out: &TokenStream) -> TokenStream {
    let codec = codec(field, idl);
    let tag = field.number();
    quote_spanned!(located(&field.ty)=> #codec::encode(#value, #tag, #out);)
}

/// The field as a oneof's own, written whatever its value is.
pub(super) fn encode_present(field: &Field, tag: &Literal, idl: &Path) -> TokenStream {
    let Field { ty, local, .. } = field;
    match representation(field, idl) {
        None => quote_spanned! {located(ty)=> {
            out.key(#tag, <#ty as #idl::Message>::WIRE);
            <#ty as #idl::Message>::encode_value(#local, out);
        }},
        Some(marker) => quote_spanned! {located(ty)=> {
            out.key(#tag, #marker::WIRE);
            #marker::encode_value::<#ty>(#local, out);
        }},
    }
}

/// Reads the field as a oneof's own. `before` is an `Option` of it.
pub(super) fn decode_present(field: &Field, name: &str, idl: &Path) -> TokenStream {
    let ty = &field.ty;
    match representation(field, idl) {
        None => quote_spanned!(located(ty)=> r.field::<#ty>(before, wire, #name)?),
        Some(marker) => quote_spanned! {located(ty)=> {
            let _ = before;
            wire.expect(#marker::WIRE)
                .and_then(|()| #marker::decode_value::<#ty>(r))
                .map_err(|error| error.in_field(#name))?
        }},
    }
}

/// Reads fields until `r` is at its end, and ends with the `Ok` of the built value.
///
/// `constructor` is `Self` or `Self::Variant`; `before` is an `Option<Self>` whose fields the new ones are merged into.
pub(super) fn decode(fields: &[Field], idl: &Path, constructor: &TokenStream, before: &TokenStream) -> TokenStream {
    if fields.is_empty() {
        return quote! {
            let _ = #before;
            while let ::core::option::Option::Some((_, wire)) = r.next_field()? {
                r.skip(wire)?;
            }
            ::core::result::Result::Ok(#constructor {})
        };
    }
    let slots = slots(fields, constructor, before);
    let merge = merge(fields.iter(), idl);
    let members = fields.iter().map(|field| &field.member);
    let values = fields.iter().map(|field| value(field, idl));
    let mention = mention(fields, idl);
    quote! {
        #mention
        #slots
        #merge
        ::core::result::Result::Ok(#constructor { #(#members: #values,)* })
    }
}

/// A local variable for each field: what was there before, or nothing.
fn slots(fields: &[Field], constructor: &TokenStream, before: &TokenStream) -> TokenStream {
    let locals: Vec<_> = fields.iter().map(|field| &field.local).collect();
    let members = fields.iter().map(|field| &field.member);
    let nothing = fields.iter().map(|_| quote!(::core::option::Option::None));
    quote! {
        let (#(mut #locals,)*) = match #before {
            ::core::option::Option::Some(#constructor { #(#members: #locals,)* }) => {
                (#(::core::option::Option::Some(#locals),)*)
            }
            _ => (#(#nothing,)*),
        };
    }
}

/// Reads what comes from `r` into the fields' local variables.
fn merge<'a>(fields: impl Iterator<Item = &'a Field>, idl: &Path) -> TokenStream {
    let arms = fields.map(|field| {
        let Field { ty, name, local, .. } = field;
        let tag = field.number();
        match &field.wire_as {
            None => quote_spanned! {located(ty)=>
                #tag => r.merge::<#ty>(&mut #local, wire, #name),
            },
            Some(_) => {
                let codec = codec(field, idl);
                quote_spanned! {located(ty)=>
                    #tag => #codec::merge(&mut #local, wire, r).map_err(|error| error.in_field(#name)),
                }
            }
        }
    });
    quote! {
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                #(#arms)*
                _ => r.skip(wire),
            }?;
        }
    }
}

/// A field's local variable as what it is read to, whatever its type.
pub(crate) fn slot(field: &Field, idl: &Path) -> TokenStream {
    let Field { ty, name, local, wire_as, .. } = field;
    let tag = field.number();
    match wire_as {
        None => quote_spanned!(located(ty)=> (#tag, #name, &mut #local)),
        Some(_) => {
            let codec = codec(field, idl);
            quote_spanned!(located(ty)=> (#tag, #name, &mut #codec::slot(&mut #local)))
        }
    }
}

/// What a field's local variable holds in the end, or what absence means.
fn value(field: &Field, idl: &Path) -> TokenStream {
    let Field { ty, name, local, wire_as, .. } = field;
    match wire_as {
        None => quote_spanned!(located(ty)=> #idl::present::<#ty>(&mut #local, #name)?),
        Some(_) => {
            let codec = codec(field, idl);
            quote_spanned!(located(ty)=> #local.take().unwrap_or_else(#codec::absent))
        }
    }
}

/// One line of the description for each field.
pub(super) fn describe(fields: &[Field], idl: &Path) -> TokenStream {
    let mention = mention(fields, idl);
    let lines = fields.iter().map(|field| {
        let Field { ty, name, docs, wire_as, .. } = field;
        let tag = field.number();
        match wire_as {
            None => quote_spanned!(located(ty)=> m.field::<#ty>(#tag, #name, #docs);),
            Some(_) => {
                let codec = codec(field, idl);
                quote_spanned!(located(ty)=> m.shape(#tag, #name, #docs, #codec::describe());)
            }
        }
    });
    quote!(#mention #(#lines)*)
}
