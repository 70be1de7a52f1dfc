//! `derive(Message)`: a type that travels in calls.
//!
//! [`read`] turns the syntax into a [`model`], [`check`] looks for what cannot travel, [`expand`] writes the implementation.

pub(crate) mod check;
pub(crate) mod expand;
pub(crate) mod model;
pub(crate) mod read;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::problems::Problems;

/// The whole derive: the implementation, or every mistake.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut problems = Problems::default();
    let model = read::message(input, &mut problems);
    if let Some(model) = &model {
        check::message(model, &mut problems);
    }
    match model {
        Some(model) if problems.is_empty() => expand::message(&model),
        _ => {
            let mistakes = problems.to_compile_errors();
            let stand_in = expand::stand_in(input);
            quote!(#mistakes #stand_in)
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::model::{Body, Payload};
    use super::*;

    fn mistakes(input: &DeriveInput) -> Vec<String> {
        let mut problems = Problems::default();
        if let Some(model) = read::message(input, &mut problems) {
            check::message(&model, &mut problems);
        }
        problems.messages()
    }

    /// A field has one more than the field before it, also after a pinned one.
    #[test]
    fn fields_are_numbered_in_order() {
        let input = parse_quote! {
            struct Loan {
                a: u8,
                #[rpc(tag = 7, name = "bee")]
                b: u8,
                r#type: u8,
            }
        };
        let mut problems = Problems::default();
        let model = read::message(&input, &mut problems).expect("a struct");
        let Body::Fields(fields) = model.body else { panic!("a struct has fields") };
        let fields: Vec<_> = fields.iter().map(|f| (f.tag, f.name.as_str())).collect();
        assert_eq!(fields, [(1, "a"), (7, "bee"), (8, "type")]);
        assert!(problems.is_empty());
    }

    /// One variant with data makes all of them fields of a oneof; an empty one has none.
    #[test]
    fn the_form_of_an_enum_is_that_of_its_variants() {
        let body = |input: DeriveInput| {
            let model = read::message(&input, &mut Problems::default());
            model.expect("an enum").body
        };
        let numbers = body(parse_quote!(
            enum Colour {
                Red,
                Green,
            }
        ));
        assert!(matches!(numbers, Body::Numbers(variants) if variants.len() == 2));
        let Body::Oneof(variants) = body(parse_quote!(
            enum Shape {
                Empty,
                Blank {},
                Label(String),
                Line(u8, u8),
            }
        )) else {
            panic!("data makes a oneof")
        };
        let payloads: Vec<_> = variants.iter().map(|variant| &variant.payload).collect();
        assert!(matches!(payloads[..], [Payload::Unit, Payload::Unit, Payload::Value(_), Payload::Fields(_)]));
    }

    /// All that is wrong with a type is reported, and not only the first of it.
    #[test]
    fn every_mistake_is_reported() {
        let input = parse_quote! {
            #[rpc(transparant)]
            struct Loan<'a> {
                #[rpc(tag = 2)]
                a: u8,
                #[rpc(tag = 2, as = "int8", name = "a")]
                b: &'a str,
                #[rpc(tag = 0)]
                c: u8,
            }
        };
        let mistakes = mistakes(&input);
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
        for (mistake, begins) in mistakes.iter().zip([
            "what travels owns what it holds",
            "write one of \"int32\"",
            "`transparant` means nothing on a type",
            "tags begin at 1",
            "two fields have tag 2",
            "two fields are called `a`",
        ]) {
            assert!(mistake.starts_with(begins), "{mistake:?} is not {begins:?}");
        }
    }

    /// Stand-ins for what did not come hold no data, and there is one of each.
    #[test]
    fn variants_that_stand_for_others_are_plain() {
        let mistakes = mistakes(&parse_quote! {
            enum State {
                #[rpc(other)]
                Idle(u8),
                #[rpc(other)]
                Busy,
            }
        });
        assert_eq!(mistakes.len(), 2, "{mistakes:#?}");
        let zero = super::tests::mistakes(&parse_quote! {
            enum State {
                #[rpc(tag = 0)]
                Idle,
                #[default]
                Busy,
            }
        });
        assert_eq!(zero.len(), 1, "{zero:#?}");
    }
}
