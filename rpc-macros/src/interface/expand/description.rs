//! The body of `UserStub::interface`: the description of the interface.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::methods;
use crate::interface::model::{Argument, Interface, Method, Passing};
use crate::spans::located;

/// The expression that builds the description.
pub(super) fn description(interface: &Interface) -> TokenStream {
    let idl = interface.idl();
    let Interface { package, name, docs, .. } = interface;
    let parameters = interface.parameters();
    let methods = interface.methods.iter().map(|method| self::method(interface, method));
    quote! {
        #idl::Interface::build(#package, #name, #docs)
            #(.type_parameter::<#parameters>())*
            #(#methods)*
            .finish()
    }
}

fn method(interface: &Interface, method: &Method) -> TokenStream {
    let krate = &interface.krate;
    let Method { name, docs, output, .. } = method;
    let kind = methods::kind(interface, method.kind);
    let arguments = method.arguments.iter().map(|argument| self::argument(interface, argument));
    let (outcome, returns) = match method.server_streams {
        false => {
            let outcome = quote_spanned!(located(output)=> <#output as #krate::Outcome>);
            let returns = quote!(.returns::<#outcome::Value>());
            (outcome, returns)
        }
        true => {
            let outcome = quote_spanned!(located(output)=> <#output as #krate::StreamOutcome>);
            let returns = quote!(.returns_items::<#outcome::Item>());
            (outcome, returns)
        }
    };
    quote! {
        .method(#name, #docs, #kind, |m| {
            m #(#arguments)* #returns.error::<#outcome::Error>()
        })
    }
}

fn argument(interface: &Interface, argument: &Argument) -> TokenStream {
    let idl = interface.idl();
    let field = &argument.field;
    let ty = &field.ty;
    let name = &field.name;
    if matches!(argument.passing, Passing::Stream) {
        let krate = &interface.krate;
        return quote_spanned!(located(ty)=> .items::<<#ty as #krate::StreamArgument>::Item>());
    }
    let tag = Literal::u32_unsuffixed(field.tag);
    match &field.wire_as {
        None => quote_spanned!(located(ty)=> .argument::<#ty>(#tag, #name)),
        Some(marker) => quote_spanned! {located(ty)=>
            .argument_as::<#idl::wire_as::#marker, #ty>(#tag, #name)
        },
    }
}
