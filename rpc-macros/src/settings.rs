//! What stands in `#[rpc(…)]` and `#[interface(…)]`: a list of `key`, `key = literal`.
//!
//! A place takes the keys that it knows; whatever is left over is a mistake.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Lit, LitStr, Meta, Path, Token};

use crate::names;
use crate::problems::Problems;

/// One `key` or `key = literal`.
struct Setting {
    key: Ident,
    value: Option<Lit>,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // `crate`, `as` and `dyn` are keywords; here they are keys like any other.
        let key = input.call(Ident::parse_any)?;
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { key, value })
    }
}

impl ToTokens for Setting {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.key.to_tokens(tokens);
        self.value.to_tokens(tokens);
    }
}

/// A number that the user pinned, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pinned {
    pub(crate) number: u32,
    pub(crate) span: Span,
}

/// The settings of one place that nobody has taken yet.
pub(crate) struct Settings(Vec<Setting>);

impl Settings {
    /// All `#[rpc(…)]` among these attributes.
    pub(crate) fn of(attributes: &[Attribute], problems: &mut Problems) -> Self {
        let mut all = Vec::new();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("rpc")) {
            match &attribute.meta {
                Meta::List(list) => all.extend(Self::parse(list.tokens.clone(), problems).0),
                _ => problems.at(attribute, "write `#[rpc(…)]` with what it is to set"),
            }
        }
        Self(all).without_repeats(problems)
    }

    /// The list between the parentheses.
    pub(crate) fn parse(tokens: TokenStream, problems: &mut Problems) -> Self {
        let list = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(tokens);
        match list {
            Ok(list) => Self(list.into_iter().collect()).without_repeats(problems),
            Err(error) => {
                problems.add(error);
                Self(Vec::new())
            }
        }
    }

    fn without_repeats(self, problems: &mut Problems) -> Self {
        let mut once: Vec<Setting> = Vec::new();
        for setting in self.0 {
            if once.iter().any(|other| other.key == setting.key) {
                let key = names::plain(&setting.key);
                problems.at(&setting, format!("`{key}` is set twice: keep one of them"));
            } else {
                once.push(setting);
            }
        }
        Self(once)
    }

    fn take(&mut self, key: &str) -> Option<Setting> {
        let at = self.0.iter().position(|setting| setting.key == key)?;
        Some(self.0.remove(at))
    }

    /// `key` alone: where it stands.
    pub(crate) fn flag(&mut self, key: &str, problems: &mut Problems) -> Option<Span> {
        let setting = self.take(key)?;
        if let Some(value) = &setting.value {
            problems.at(value, format!("`{key}` takes no value: write `{key}`"));
        }
        Some(setting.key.span())
    }

    /// `key = "text"`.
    pub(crate) fn text(&mut self, key: &str, example: &str, problems: &mut Problems) -> Option<LitStr> {
        let setting = self.take(key)?;
        match setting.value {
            Some(Lit::Str(text)) => Some(text),
            _ => {
                problems.at(&setting, format!("write `{key} = \"{example}\"`"));
                None
            }
        }
    }

    /// `name = "…"`: what it is called on the wire.
    pub(crate) fn name(&mut self, problems: &mut Problems) -> Option<LitStr> {
        let name = self.text("name", "other_name", problems)?;
        if names::is_identifier(&name.value()) {
            return Some(name);
        }
        problems.at(name, "a name begins with a letter and goes on with letters, digits and `_`");
        None
    }

    /// `crate = "…"`: where rpc-runtime is found.
    pub(crate) fn krate(&mut self, problems: &mut Problems) -> Path {
        self.text("crate", "::other_name::rpc_runtime", problems)
            .and_then(|path| path.parse().map_err(|error| problems.add(error)).ok())
            .unwrap_or_else(|| syn::parse_quote!(::rpc_runtime))
    }

    /// `tag = n`. Whether the number can be used is for [`tag_mistake`] to say, of all numbers alike.
    pub(crate) fn tag(&mut self, problems: &mut Problems) -> Option<Pinned> {
        let setting = self.take("tag")?;
        if let Some(Lit::Int(number)) = &setting.value
            && let Ok(value) = number.base10_parse()
        {
            return Some(Pinned { number: value, span: number.span() });
        }
        problems.at(&setting, "write `tag = 3`: a whole number");
        None
    }

    /// Reports what nobody has taken. `place` is what the attribute stands on.
    pub(crate) fn finish(self, place: &str, known: &str, problems: &mut Problems) {
        for setting in self.0 {
            let key = names::plain(&setting.key);
            let what = format!("`{key}` means nothing on {place}: {known}");
            problems.at(&setting.key, what);
        }
    }
}

/// Why a field, an argument or a variant with data cannot have this tag.
pub(crate) fn tag_mistake(tag: u32) -> Option<&'static str> {
    const TAG_MAX: u32 = (1 << 29) - 1;
    match tag {
        0 => Some("tags begin at 1"),
        19_000..=19_999 => Some("the tags from 19000 to 19999 belong to Protocol Buffers itself: pin another one"),
        1..=TAG_MAX => None,
        _ => Some("tags end at 536870911"),
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn settings(tokens: TokenStream) -> (Settings, Problems) {
        let mut problems = Problems::default();
        let settings = Settings::parse(tokens, &mut problems);
        (settings, problems)
    }

    /// Keywords are keys, and literals are their values.
    #[test]
    fn keys_are_taken_once() {
        let (mut settings, mut problems) = settings(quote!(tag = 3, name = "x", other));
        assert_eq!(settings.tag(&mut problems).map(|p| p.number), Some(3));
        assert_eq!(settings.name(&mut problems).map(|n| n.value()), Some("x".to_owned()));
        assert!(settings.flag("other", &mut problems).is_some());
        assert!(settings.flag("other", &mut problems).is_none());
        settings.finish("a field", "nothing is left", &mut problems);
        assert!(problems.is_empty());
    }

    /// Whatever is misspelt, repeated or out of range is reported, all of it.
    #[test]
    fn every_mistake_is_reported() {
        let (mut settings, mut problems) = settings(quote!(tog = 2, tag = "3", name = "1st", name = "b", crate = 7));
        settings.tag(&mut problems);
        settings.name(&mut problems);
        settings.krate(&mut problems);
        settings.finish("a field", "write `tag = 3`", &mut problems);
        assert_eq!(
            problems.messages(),
            [
                "`name` is set twice: keep one of them",
                "write `tag = 3`: a whole number",
                "a name begins with a letter and goes on with letters, digits and `_`",
                "write `crate = \"::other_name::rpc_runtime\"`",
                "`tog` means nothing on a field: write `tag = 3`",
            ]
        );
    }
}
