//! The body of `UserStub::interface`: the description of the interface.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::methods;
use crate::interface::model::{Argument, Interface, Method, Passing};
use crate::spans::located;

/// The statements that build the description.
pub(super) fn description(interface: &Interface) -> TokenStream {
    let idl = interface.idl();
    let Interface { package, name, docs, .. } = interface;
    let descriptors = interface.descriptors.as_ref().map(|path| quote!(.descriptors(#path)));
    let parameters = interface.parameters();
    let methods = interface.methods.iter().map(|method| self::method(interface, method));
    let mutable = (!interface.methods.is_empty()).then(|| quote!(mut));
    quote! {
        let #mutable interface = #idl::Interface::build(#package, #name, #docs)
            #descriptors
            #(.type_parameter::<#parameters>())*;
        #(#methods)*
        interface.finish()
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
            let returns = match method.whole {
                false => quote!(.returns::<#outcome::Value>()),
                true => quote!(.response::<#outcome::Value>()),
            };
            (outcome, returns)
        }
        true => {
            let outcome = quote_spanned!(located(output)=> <#output as #krate::StreamOutcome>);
            let returns = quote!(.returns_items::<#outcome::Item>());
            (outcome, returns)
        }
    };
    let empty = syn::parse_quote!(());
    let arguments: Vec<_> = match (method.whole && !method.client_streams, method.arguments.first()) {
        (false, _) => arguments.collect(),
        (true, argument) => {
            let request = argument.map_or(&empty, |argument| &argument.field.ty);
            vec![quote_spanned!(located(request)=> .request::<#request>())]
        }
    };
    quote! {
        interface.add_method(#name, #docs, #kind) #(#arguments)* #returns.error::<#outcome::Error>();
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
