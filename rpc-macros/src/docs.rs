//! The text of doc comments, which travels with a description.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The doc comment as one text, its lines joined, without the blank that follows `///`.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    let lines: Vec<&str> = lines
        .iter()
        .flat_map(|line| line.split('\n'))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value else {
        return None;
    };
    meta.path.is_ident("doc").then(|| text.value())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    /// Lines keep their order and their own indentation; other attributes are not docs.
    #[test]
    fn lines_are_joined() {
        let item: syn::ItemStruct = parse_quote! {
            /// One.
            ///
            ///   Two.
            #[derive(Debug)]
            struct S;
        };
        assert_eq!(super::text(&item.attrs), "One.\n\n  Two.");
    }
}
