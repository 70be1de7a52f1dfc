//! Golden files: for each `tests/golden/NAME.rs`, what its macros make of it stands in `NAME.expanded.rs`.
//!
//! After a wanted change, `GOLDEN=write cargo test -p rpc-macros` writes them anew; read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, ItemTrait, Meta, Token};

/// Every golden file is what the macros make today.
#[test]
fn expansions_are_as_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut inputs: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of golden files")
        .map(|entry| entry.expect("an entry of it").path())
        .filter(|path| !path.to_string_lossy().ends_with(".expanded.rs"))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "no golden files in {}", folder.display());
    let write = std::env::var_os("GOLDEN").is_some_and(|value| value == "write");
    let mut differing = Vec::new();
    for input in inputs {
        let source = fs::read_to_string(&input).expect("an input");
        let expanded = expand(&source);
        let golden = input.with_extension("expanded.rs");
        if write {
            fs::write(&golden, expanded).expect("a golden file that can be written");
        } else if fs::read_to_string(&golden).unwrap_or_default() != expanded {
            differing.push(golden);
        }
    }
    assert!(differing.is_empty(), "the expansion of these differs (GOLDEN=write writes them anew): {differing:#?}");
}

fn expand(source: &str) -> String {
    let input = syn::parse_file(source).expect("an input that parses");
    let output: TokenStream = input.items.iter().map(expand_item).collect();
    let output = syn::parse2(output).expect("an expansion that parses");
    prettyplease::unparse(&output)
}

fn expand_item(item: &Item) -> TokenStream {
    match item {
        Item::Struct(structure) => expand_derives(&structure.attrs, item),
        Item::Enum(enumeration) => expand_derives(&enumeration.attrs, item),
        Item::Trait(definition) => expand_interface(definition.clone()),
        _ => panic!("golden inputs hold structs, enums and traits"),
    }
}

fn expand_derives(attributes: &[Attribute], item: &Item) -> TokenStream {
    let derive = attributes.iter().find(|a| a.path().is_ident("derive"));
    let derive = derive.expect("golden inputs derive something");
    let list = derive.meta.require_list().expect("a list of derives");
    let derives =
        Punctuated::<syn::Path, Token![,]>::parse_terminated.parse2(list.tokens.clone()).expect("a list of derives");
    let input = syn::parse2(item.to_token_stream()).expect("the input of a derive");
    let expanded = derives.iter().map(|derive| match derive.to_token_stream().to_string().as_str() {
        "Message" => crate::message::derive(&input),
        "RemoteError" => crate::remote_error::derive(&input),
        _ => TokenStream::new(),
    });
    expanded.collect()
}

fn expand_interface(mut definition: ItemTrait) -> TokenStream {
    let is_ours = |attribute: &&mut Attribute| attribute.path().is_ident("interface");
    let attribute = definition.attrs.iter_mut().find(is_ours).expect("an interface");
    let arguments = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    definition.attrs.retain(|attribute| !attribute.path().is_ident("interface"));
    crate::interface::interface(arguments, definition.into_token_stream())
}
