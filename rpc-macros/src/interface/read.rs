//! Syntax to model: the trait and its methods.

use quote::format_ident;
use syn::{Attribute, GenericParam, ItemTrait, TraitItem, TypeParamBound};

use super::method;
use super::model::Interface;
use crate::message::read::descriptors;
use crate::problems::Problems;
use crate::settings::Settings;
use crate::{docs, names};

const ON_INTERFACE: &str = "`#[interface]` takes `package = \"library.v1\"`, `name = \"…\"`, `dyn` and `crate = \"…\"`";

/// Reads a trait. Whatever cannot be understood is reported and left out of the model.
pub(crate) fn interface(mut settings: Settings, item: &ItemTrait, problems: &mut Problems) -> Interface {
    let krate = settings.krate(problems);
    let name = settings.name(problems);
    let package = package(&mut settings, problems);
    let dynamic = settings.flag("dyn", problems);
    let descriptors = descriptors(&mut settings, problems);
    settings.finish("an interface", ON_INTERFACE, problems);
    header(item, problems);
    let methods = item.items.iter().filter_map(|item| match item {
        TraitItem::Fn(function) => method::read(function, &krate, problems),
        other => {
            problems.at(other, not_a_method(other));
            None
        }
    });
    let methods = methods.collect();
    let ident = &item.ident;
    Interface {
        krate,
        vis: item.vis.clone(),
        ident: ident.clone(),
        generics: item.generics.clone(),
        client: format_ident!("{ident}Client"),
        server: format_ident!("{ident}Server"),
        dynamic: dynamic.map(|_| format_ident!("Dyn{ident}")),
        package,
        name: name.map_or_else(|| names::plain(ident), |name| name.value()),
        descriptors,
        docs: docs::text(&item.attrs),
        methods,
    }
}

fn package(settings: &mut Settings, problems: &mut Problems) -> String {
    let Some(package) = settings.text("package", "library.v1", problems) else {
        return String::new();
    };
    if !names::is_package(&package.value()) {
        problems.at(&package, "a package is names joined by dots: write `package = \"library.v1\"`");
    }
    package.value()
}

/// What stands before the trait's methods.
fn header(item: &ItemTrait, problems: &mut Problems) {
    if let Some(token) = item.unsafety {
        problems.at(token, "remove `unsafe`: a stub cannot keep promises that are made in words");
    }
    if let Some(token) = item.modifiers.auto_token {
        problems.at(token, "remove `auto`: an interface is implemented, and imported, on purpose");
    }
    for attribute in item.attrs.iter().filter(|a| a.path().is_ident("rpc")) {
        problems.at(attribute, format!("write it in the attribute above: {ON_INTERFACE}"));
    }
    for parameter in &item.generics.params {
        match parameter {
            GenericParam::Type(_) => {}
            GenericParam::Lifetime(_) => {
                problems.at(parameter, "an interface has no lifetimes: what travels owns what it holds")
            }
            GenericParam::Const(_) => {
                problems.at(parameter, "an interface has type parameters only: pass the number as an argument")
            }
        }
    }
    for bound in item.supertraits.iter().filter(|bound| !is_given(bound)) {
        problems.at(
            bound,
            "an interface stands alone, for its stub cannot implement another trait: ask for this \
             where an implementation is used",
        );
    }
}

/// `Send`, `Sync` and `'static`, which every interface has.
fn is_given(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last();
            bound.maybe.is_none() && last.is_some_and(|last| last.ident == "Send" || last.ident == "Sync")
        }
        TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
        _ => false,
    }
}

fn not_a_method(item: &TraitItem) -> String {
    match item {
        TraitItem::Type(item) => {
            format!("an interface has no associated types: make it a parameter, `trait …<{}: Message>`", item.ident)
        }
        TraitItem::Const(_) => "an interface has methods only: write a method that returns the value, or put the \
             constant beside the trait"
            .into(),
        _ => "an interface has methods only: write `async fn`".into(),
    }
}

/// The attributes that are not ours.
pub(crate) fn foreign(attributes: &[Attribute]) -> Vec<Attribute> {
    let foreign = attributes.iter().filter(|a| !a.path().is_ident("rpc"));
    foreign.cloned().collect()
}
