//! The mistakes found so far, each at the tokens that caused it.
//!
//! Reading and checking go on after a mistake, so that all of them are reported at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// A list of mistakes that becomes a list of `compile_error!`s.
#[derive(Debug, Default)]
pub(crate) struct Problems(Option<syn::Error>);

impl Problems {
    /// Notes that these tokens are wrong. `what` says what to write instead.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, what: impl Display) {
        self.add(syn::Error::new_spanned(tokens, what));
    }

    /// Notes a mistake where only the place is known.
    pub(crate) fn at_span(&mut self, span: Span, what: impl Display) {
        self.add(syn::Error::new(span, what));
    }

    /// Takes over a mistake that the parser found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One `compile_error!` for each mistake; nothing when there is none.
    pub(crate) fn to_compile_errors(&self) -> TokenStream {
        self.0.as_ref().map(syn::Error::to_compile_error).unwrap_or_default()
    }

    /// The wording of every mistake, in the order in which they were found.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        let errors = self.0.clone().into_iter().flatten();
        errors.map(|error| error.to_string()).collect()
    }
}
