//! The macros of rpc-runtime.

mod docs;
#[cfg(test)]
mod golden;
mod interface;
mod message;
mod names;
mod problems;
mod remote_error;
mod settings;
mod spans;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// A type that travels in calls.
#[proc_macro_derive(Message, attributes(rpc))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    message::derive(&parse_macro_input!(input)).into()
}

/// An error that travels.
#[proc_macro_derive(RemoteError, attributes(rpc))]
pub fn derive_remote_error(input: TokenStream) -> TokenStream {
    remote_error::derive(&parse_macro_input!(input)).into()
}

/// An interface.
#[proc_macro_attribute]
pub fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    interface::interface(arguments.into(), item.into()).into()
}
