//! What can be told of a type from its tokens alone.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, Type, TypePath};

/// Without the parentheses and invisible groups around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        _ => ty,
    }
}

/// Whether it is the type of this one word: `str`, `u8`.
pub(crate) fn is_word(ty: &Type, word: &str) -> bool {
    matches!(bare(ty), Type::Path(TypePath { qself: None, path, .. }) if path.is_ident(word))
}

/// Whether it borrows anywhere in it: a `&` or a lifetime.
pub(crate) fn borrows(ty: &Type) -> bool {
    any_token(ty.to_token_stream(), &|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == '&' || punct.as_char() == '\'',
        _ => false,
    })
}

/// Whether it is written as a `Streaming<T>`. Without the `T` it is a type of that name of the user's.
pub(crate) fn is_streaming(ty: &Type) -> bool {
    let is_it = |last: &PathSegment| last.ident == "Streaming" && !last.arguments.is_empty();
    matches!(bare(ty), Type::Path(path) if path.path.segments.last().is_some_and(is_it))
}

/// Whether a `Streaming<T>` stands anywhere in it.
pub(crate) fn holds_streaming(ty: &Type) -> bool {
    fn holds(tokens: TokenStream) -> bool {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let is_it = match token {
                TokenTree::Group(group) => holds(group.stream()),
                TokenTree::Ident(ident) if ident == "Streaming" => {
                    matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '<')
                }
                _ => false,
            };
            if is_it {
                return true;
            }
        }
        false
    }
    holds(ty.to_token_stream())
}

/// Whether it speaks of an open `Stream`, as in `impl Stream<Item = u32>`.
pub(crate) fn is_open_stream(ty: &Type) -> bool {
    is_open(ty)
        && any_token(ty.to_token_stream(), &|token| matches!(token, TokenTree::Ident(ident) if ident == "Stream"))
}

/// Whether `impl Trait` or `dyn Trait` stands anywhere in it.
pub(crate) fn is_open(ty: &Type) -> bool {
    any_token(ty.to_token_stream(), &|token| match token {
        TokenTree::Ident(ident) => ident == "impl" || ident == "dyn",
        _ => false,
    })
}

fn any_token(tokens: TokenStream, which: &dyn Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match &token {
        TokenTree::Group(group) => any_token(group.stream(), which),
        _ => which(&token),
    })
}

/// The types of `Result<T, E>`, where it is written out.
pub(crate) fn result(ty: &Type) -> Option<(&Type, &Type)> {
    let Type::Path(path) = bare(ty) else {
        return None;
    };
    let last = path.path.segments.last()?;
    if last.ident != "Result" {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    match (types.next(), types.next(), types.next()) {
        (Some(Some(value)), Some(Some(error)), None) => Some((value, error)),
        _ => None,
    }
}

/// The first type between the `<` and `>` of a type: what comes, of a `Result` by whatever name.
pub(crate) fn first_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The words for the types without parts that travel.
const SCALARS: [&str; 15] =
    ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64", "bool", "char", "String"];

/// What a path to something of the user's begins with.
const OWN: [&str; 3] = ["crate", "self", "super"];

/// Whether it is one of the types without parts that travel, or `()`.
pub(crate) fn is_scalar(ty: &Type) -> bool {
    match bare(ty) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        ty => SCALARS.iter().any(|word| is_word(ty, word)),
    }
}

/// Whether it can be no `Result`, whatever names stand for: `u64`, `Vec<T>`, a tuple. `Vec` alone and `self::String` are
/// types of the user's.
pub(crate) fn is_no_result(ty: &Type) -> bool {
    const CONTAINERS: [&str; 9] =
        ["Arc", "Box", "BTreeMap", "BTreeSet", "HashMap", "HashSet", "Option", "Streaming", "Vec"];
    match bare(ty) {
        Type::Path(path) => {
            let segments = &path.path.segments;
            let is_own = segments.first().is_some_and(|first| OWN.iter().any(|word| first.ident == word));
            let is_known = |last: &PathSegment| match last.arguments.is_empty() {
                true => last.ident == "Bytes" || SCALARS.iter().any(|word| last.ident == word),
                false => CONTAINERS.iter().any(|word| last.ident == word),
            };
            !is_own && segments.last().is_some_and(is_known)
        }
        Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::Reference(_) | Type::Never(_) => true,
        _ => false,
    }
}

/// The tokens as a person writes them.
pub(crate) fn written(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, close) in
        [(" :: ", "::"), (" <", "<"), ("< ", "<"), (" >", ">"), (" ,", ","), ("& ", "&"), ("( ", "("), (" )", ")")]
    {
        text = text.replace(spaced, close);
    }
    text
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    /// Both types of a `Result` are found, wherever it is taken from; an alias keeps its secrets.
    #[test]
    fn results_are_taken_apart() {
        let ty: Type = parse_quote!(std::result::Result<Vec<u8>, StoreError>);
        let (value, error) = result(&ty).expect("a result");
        assert_eq!((written(value), written(error)), ("Vec<u8>".into(), "StoreError".into()));
        assert!(result(&parse_quote!(io::Result<u8>)).is_none());
        assert!(result(&parse_quote!(Answer<u8, E>)).is_none());
    }

    /// A message may be called `Streaming`; a stream has items.
    #[test]
    fn streams_have_items() {
        let stream: Type = parse_quote!(Result<rpc_runtime::Streaming<Streaming>, E>);
        assert!(holds_streaming(&stream) && first_argument(&stream).is_some_and(is_streaming));
        let message: Type = parse_quote!(Result<Streaming, E>);
        assert!(!holds_streaming(&message) && !first_argument(&message).is_some_and(is_streaming));
    }

    /// References are found at any depth.
    #[test]
    fn borrowing_is_seen() {
        assert!(borrows(&parse_quote!(Option<(u8, &str)>)));
        assert!(borrows(&parse_quote!(Cow<'static, str>)));
        assert!(!borrows(&parse_quote!(Option<(u8, String)>)));
    }

    /// Names that can stand for anything are given the benefit of the doubt.
    #[test]
    fn only_known_types_are_no_results() {
        assert!(is_no_result(&parse_quote!(std::vec::Vec<u8>)));
        assert!(is_no_result(&parse_quote!(())));
        assert!(!is_no_result(&parse_quote!(Answer)));
        assert!(is_no_result(&parse_quote!(Streaming<u8>)) && !is_no_result(&parse_quote!(Option)));
        assert!(is_no_result(&parse_quote!(String)) && !is_no_result(&parse_quote!(self::String)));
        assert!(!is_no_result(&parse_quote!(Result<u8, E>)));
    }
}
