//! `#[interface]`: a trait whose methods can be called from elsewhere.
//!
//! [`read`] turns the syntax into a [`model`], [`check`] looks for what cannot be one interface, [`expand`] writes the
//! trait and its stubs.

mod argument;
mod check;
mod expand;
mod method;
mod model;
mod read;
mod streams;
mod timeout;
mod whole;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemTrait};

use crate::problems::Problems;
use crate::settings::Settings;

/// The whole attribute: the trait and its stubs, or every mistake and what keeps it from being reported twice.
pub(crate) fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let definition: ItemTrait = match syn::parse2(item.clone()) {
        Ok(definition) => definition,
        Err(error) => return not_a_trait(item, error),
    };
    let settings = Settings::parse(arguments, &mut problems);
    let interface = read::interface(settings, &definition, &mut problems);
    check::interface(&interface, &mut problems);
    if problems.is_empty() {
        return expand::interface(&interface, &definition);
    }
    let mistakes = problems.to_compile_errors();
    let stand_in = expand::stand_in(&interface, &definition);
    quote!(#mistakes #stand_in)
}

fn not_a_trait(item: TokenStream, error: syn::Error) -> TokenStream {
    let mistake = match syn::parse2::<Item>(item.clone()) {
        Ok(other) => syn::Error::new_spanned(
            other,
            "`#[interface]` stands on a trait, whose methods become calls; a type that travels in calls \
             takes `#[derive(Message)]`",
        ),
        Err(_) => error,
    };
    let mistake = mistake.to_compile_error();
    quote!(#mistake #item)
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::model::{Kind, Passing};
    use super::*;
    use crate::types;

    fn read_and_checked(arguments: TokenStream, item: &ItemTrait) -> (model::Interface, Problems) {
        let mut problems = Problems::default();
        let settings = Settings::parse(arguments, &mut problems);
        let interface = read::interface(settings, item, &mut problems);
        check::interface(&interface, &mut problems);
        (interface, problems)
    }

    /// Names, numbers, kinds and lent arguments, as they stand in the model.
    #[test]
    fn a_trait_is_read() {
        let (interface, problems) = read_and_checked(
            quote!(package = "library.v1", name = "Library", dyn),
            &parse_quote! {
                /// Lends.
                pub trait Store: Send + 'static {
                    #[rpc(idempotent, timeout = "2m")]
                    async fn check_out(
                        &self,
                        _a: u64,
                        b: &str,
                        #[rpc(tag = 9)] c: &[u8],
                        d: &[u8; 4],
                        e: &'_ [(u8, u8)],
                    ) -> Answer;
                }
            },
        );
        assert_eq!(problems.messages(), [""; 0]);
        assert_eq!((interface.package.as_str(), interface.name.as_str()), ("library.v1", "Library"));
        assert_eq!(interface.client, "StoreClient");
        assert_eq!(interface.dynamic.expect("asked for"), "DynStore");
        let method = &interface.methods[0];
        assert_eq!((method.name.as_str(), method.id), ("CheckOut", 3_841_988_537));
        assert!(method.kind == Kind::Idempotent);
        assert_eq!(method.timeout.expect("given").milliseconds, 120_000);
        let fields = method.arguments.iter().map(|argument| {
            let held = types::written(&argument.field.ty);
            (argument.field.name.as_str(), argument.field.tag, held)
        });
        let fields: Vec<_> = fields.collect();
        assert_eq!(fields[0], ("a", 1, "u64".into()));
        assert_eq!(fields[1], ("b", 2, ":: rpc_runtime::idl::Text".into()));
        assert_eq!(fields[2], ("c", 9, ":: rpc_runtime::idl::Bytes".into()));
        assert_eq!(fields[3], ("d", 10, "[u8 ; 4]".into()));
        assert_eq!(fields[4], ("e", 11, ":: std::vec::Vec<(u8, u8)>".into()));
        assert!(matches!(method.arguments[3].passing, Passing::Reference));
        assert!(matches!(method.arguments[4].passing, Passing::Slice(_)));
    }

    /// Names on the wire are what must differ, not names in Rust.
    #[test]
    fn methods_that_share_a_name_are_reported() {
        let (_, problems) = read_and_checked(
            quote!(),
            &parse_quote! {
                trait Store {
                    async fn get_2d(&self) -> Answer;
                    async fn get2d(&self) -> Answer;
                    #[rpc(name = "get_2d")]
                    async fn third(&self) -> Answer;
                    #[rpc(name = "fourth")]
                    async fn clone_all(&self, a: u8, #[rpc(name = "a")] b: u8) -> Answer;
                }
            },
        );
        let messages = problems.messages();
        assert_eq!(messages.len(), 3, "{messages:#?}");
        assert!(messages[0].starts_with("two methods are called `Get2d`"));
        assert!(messages[1].starts_with("two methods are called `Get2d`"));
        assert!(messages[2].starts_with("two arguments are called `a`"));
    }

    /// Two names of one number could not be told apart, so the second is reported.
    #[test]
    fn methods_that_share_a_number_are_reported() {
        let (interface, problems) = read_and_checked(
            quote!(),
            &parse_quote! {
                trait Store {
                    async fn list_old_loan_by_first(&self) -> Answer;
                    async fn count_next_editor_by_short(&self) -> Answer;
                }
            },
        );
        let ids: Vec<_> = interface.methods.iter().map(|method| method.id).collect();
        assert_eq!(ids[0], ids[1]);
        let messages = problems.messages();
        assert_eq!(messages.len(), 1, "{messages:#?}");
        assert!(messages[0].contains("have one number on the wire"), "{messages:#?}");
    }

    /// With mistakes, the trait and the stubs' names are there all the same.
    #[test]
    fn the_trait_is_emitted_even_then() {
        let item = quote! {
            trait Store {
                async fn count(&mut self) -> Result<u32, CallError>;
            }
        };
        let expanded = interface(quote!(), item).to_string();
        assert!(expanded.contains("compile_error"));
        assert!(expanded.contains("trait Store"));
        assert!(expanded.contains("struct StoreClient"));
        assert!(expanded.contains("struct StoreServer"));
        let on_a_struct = interface(
            quote!(),
            quote!(
                struct Store {
                    a: u8,
                }
            ),
        )
        .to_string();
        assert!(on_a_struct.contains("compile_error") && on_a_struct.contains("struct Store"));
    }
}
