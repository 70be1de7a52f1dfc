//! Model to code: the trait, the user stub, the server stub.

mod bounds;
mod client;
mod definition;
mod description;
mod dynamic;
mod methods;
mod server;
mod stand_in;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, ItemTrait, Path, parse_quote};

use super::model::{Interface, Method};
use crate::names;

pub(super) use stand_in::stand_in;

/// Everything that becomes of a trait without mistakes.
///
/// What is to be named by the user stands beside the trait; the rest stands in a `const _`, where it is in nobody's way.
pub(super) fn interface(interface: &Interface, definition: &ItemTrait) -> TokenStream {
    let definition = definition::definition(definition);
    let client = client::structure(interface);
    let server = server::structure(interface);
    let dynamic = interface.dynamic.as_ref().map(|dynamic| dynamic::structure(interface, dynamic));
    let methods = methods::constants(interface);
    let client_impls = client::implementations(interface);
    let server_impls = server::implementations(interface);
    let shared = methods::for_arc(interface);
    let dynamic_impls = interface.dynamic.as_ref().map(|dynamic| dynamic::implementations(interface, dynamic));
    quote! {
        #definition
        #client
        #server
        #dynamic
        #[allow(clippy::all, deprecated, non_upper_case_globals, trivial_bounds)]
        const _: () = {
            #methods
            #client_impls
            #server_impls
            #shared
            #dynamic_impls
        };
    }
}

impl Interface {
    /// Where the types on the wire are found.
    fn idl(&self) -> Path {
        let krate = &self.krate;
        parse_quote!(#krate::idl)
    }

    /// The server stub's type parameter. A long name, so that no type of the user's has it.
    fn implementor(&self) -> Ident {
        format_ident!("Implementor")
    }

    /// The names of its type parameters.
    fn parameters(&self) -> Vec<&Ident> {
        self.generics.type_params().map(|parameter| &parameter.ident).collect()
    }
}

impl Method {
    /// The name of the constant that describes it. Its letters are the method's, so no two methods share one.
    fn constant(&self) -> Ident {
        format_ident!("METHOD_{}", names::plain(&self.ident))
    }
}
