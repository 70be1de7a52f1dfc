//! `derive(RemoteError)`: an error that travels, with the runtime's `CallError` as one of its variants.
//!
//! On the wire it is an enum with data like any other, so all but the last step is `derive(Message)`'s.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

use crate::message::model::{Body, Message, Payload, Variant};
use crate::message::{check, expand, read};
use crate::problems::Problems;

/// The whole derive: both implementations, or every mistake.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut problems = Problems::default();
    let model = read::remote_error(input, &mut problems);
    if let Some(model) = &model {
        check::remote_error(model, &mut problems);
    }
    match model {
        Some(model) if problems.is_empty() => {
            let message = expand::message(&model);
            let remote_error = remote_error(&model);
            quote!(#message #remote_error)
        }
        _ => {
            let mistakes = problems.to_compile_errors();
            let stand_in = expand::stand_in(input);
            quote!(#mistakes #stand_in)
        }
    }
}

fn remote_error(error: &Message) -> TokenStream {
    let Message { ident, krate, .. } = error;
    let variants: &[Variant] = match &error.body {
        Body::Oneof(variants) => variants,
        // Read as a oneof, whatever it holds.
        Body::Fields(_) | Body::Transparent(_) | Body::Prost(_) | Body::Numbers(_) => &[],
    };
    let call_error = call_error(variants, krate);
    let text = text(variants);
    let code = code(variants, krate);
    let mut generics = error.generics.clone();
    if generics.type_params().next().is_some() {
        for parameter in generics.type_params_mut() {
            parameter.bounds.push(parse_quote!(#krate::idl::Message));
        }
        // What the user's own implementations ask of the parameters is not to be seen from here.
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.push(parse_quote!(
            Self: ::core::error::Error + ::core::convert::From<#krate::CallError>
        ));
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::RemoteError for #ident #ty_generics #where_clause {
            #call_error
            #text
            #code
        }
    }
}

fn call_error(variants: &[Variant], krate: &syn::Path) -> TokenStream {
    let arms = variants.iter().filter_map(|variant| {
        let Payload::CallError(field) = &variant.payload else {
            return None;
        };
        let ident = &variant.ident;
        let member = &field.member;
        Some(quote!(Self::#ident { #member: error } => ::core::option::Option::Some(error),))
    });
    let others = (variants.len() > 1).then(|| quote!(_ => ::core::option::Option::None,));
    quote! {
        fn call_error(&self) -> ::core::option::Option<&#krate::CallError> {
            match self {
                #(#arms)*
                #others
            }
        }
    }
}

fn text(variants: &[Variant]) -> Option<TokenStream> {
    let texts =
        variants.iter().filter(|variant| matches!(variant.payload, Payload::Text)).map(|variant| &variant.ident);
    let texts: Vec<_> = texts.collect();
    if texts.is_empty() {
        return None;
    }
    Some(quote! {
        fn text(&self) -> ::core::option::Option<::std::string::String> {
            match self {
                #(Self::#texts { .. })|* => {
                    ::core::option::Option::Some(::std::string::ToString::to_string(self))
                }
                _ => ::core::option::Option::None,
            }
        }
    })
}

fn code(variants: &[Variant], krate: &syn::Path) -> Option<TokenStream> {
    let arms = variants.iter().filter_map(|variant| {
        let (ident, code) = (&variant.ident, variant.code.as_ref()?);
        Some(quote!(Self::#ident { .. } => #krate::Code::#code,))
    });
    let arms: Vec<_> = arms.collect();
    if arms.is_empty() {
        return None;
    }
    Some(quote! {
        fn code(&self) -> #krate::Code {
            match self {
                #(#arms)*
                _ => #krate::Code::FailedPrecondition,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(input: &DeriveInput) -> Vec<String> {
        let mut problems = Problems::default();
        if let Some(model) = read::remote_error(input, &mut problems) {
            check::remote_error(&model, &mut problems);
        }
        problems.messages()
    }

    /// The variant is found by its type's last word, wherever it is imported from, or because it says so.
    #[test]
    fn one_variant_holds_the_call_error() {
        for input in [
            parse_quote!(
                enum E {
                    A,
                    Call(CallError),
                }
            ),
            parse_quote!(
                enum E {
                    A,
                    Call { source: rpc_runtime::CallError },
                }
            ),
            parse_quote!(
                enum E {
                    A,
                    #[rpc(call)]
                    Failed(Failure),
                }
            ),
        ] {
            assert_eq!(mistakes(&input), [""; 0]);
        }
        assert_eq!(
            mistakes(&parse_quote!(
                enum E {
                    A,
                }
            ))
            .len(),
            1
        );
        let two = parse_quote!(
            enum E {
                A(CallError),
                B(CallError),
            }
        );
        assert_eq!(mistakes(&two).len(), 1);
    }

    /// A variant that travels as its text has no number, and takes none from those after it.
    #[test]
    fn variants_that_are_text_are_not_numbered() {
        let input = parse_quote! {
            enum E {
                A,
                #[rpc(text)]
                Io(std::io::Error),
                B(u8),
                Call(CallError),
            }
        };
        let model = read::remote_error(&input, &mut Problems::default()).expect("an enum");
        let Body::Oneof(variants) = model.body else { panic!("an error is a oneof") };
        let tags: Vec<_> = variants.iter().map(|v| (v.name.as_str(), v.tag)).collect();
        assert_eq!(tags, [("A", 1), ("Io", 2047), ("B", 2), ("Call", 2047)]);
    }

    /// What is of the runtime cannot be numbered, nor can others have its number.
    #[test]
    fn the_runtimes_number_is_its_own() {
        let input = parse_quote! {
            enum E {
                #[rpc(tag = 2047)]
                A,
                #[rpc(tag = 3)]
                Call(CallError),
            }
        };
        assert_eq!(
            mistakes(&input),
            ["this variant has the runtime's own number", "the variants of an error have tags below 2047"]
        );
    }

    /// A code is one of gRPC's, and the variant with the `CallError` has none.
    #[test]
    fn codes_are_those_of_grpc() {
        let of = |code: &str, on_call: &str| {
            mistakes(
                &syn::parse_str(&format!("enum E {{ #[rpc(code = \"{code}\")] A, {on_call} Call(CallError) }}"))
                    .expect("an enum"),
            )
        };
        assert_eq!(of("not_found", ""), [""; 0]);
        assert_eq!(of("NOT_FOUND", "").len(), 1);
        assert_eq!(of("not_found", "#[rpc(code = \"internal\")]").len(), 1);
    }
}
