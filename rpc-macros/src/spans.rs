//! Where generated code says it stands.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;

/// The place of these tokens, with the names of the place where the macro was called.
///
/// Both differ where a type came through a `macro_rules!`: a local variable at the type's own span would not be found.
pub(crate) fn located(tokens: &impl Spanned) -> Span {
    Span::call_site().located_at(tokens.span())
}

/// The same tokens, each of them at this place. What the compiler says of a list of tokens is said of all their places.
pub(crate) fn moved(tokens: &impl ToTokens, span: Span) -> TokenStream {
    let moved = tokens.to_token_stream().into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut moved = Group::new(group.delimiter(), self::moved(&group.stream(), span));
            moved.set_span(span);
            TokenTree::Group(moved)
        }
        mut token => {
            token.set_span(span);
            token
        }
    });
    moved.collect()
}
