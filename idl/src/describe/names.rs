//! The names of a package's types: chosen when all are known, whatever their order.
//!
//! A type is called what Rust calls it, with its parameters behind: `Page<Node>` is `PageNode`. Where two
//! would have one name, both get their module in front, and if that does not part them, their crate.

use super::case::camel;
use super::order;
use super::registry::{Parameter, Registry, Type};
use super::shape::{Shape, WellKnown};

/// How much stands in front of a type's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Nothing,
    Modules,
    Crate,
    /// Not even the crate parts them: declared inside functions. Counted, which depends on their order.
    Number(usize),
}

/// A name for each of the registry's types, in their order, avoiding the `taken` ones; and what could not be
/// solved well.
pub(super) fn choose(registry: &Registry, taken: &[String]) -> (Vec<String>, Vec<String>) {
    let types = registry.types();
    let mut problems = Vec::new();
    let mut prefixes = vec![Prefix::Nothing; types.len()];
    loop {
        let names = spell(types, &prefixes);
        let mut clashes = order::groups(names.iter().map(String::as_str));
        clashes.retain(|places| places.len() > 1 || taken.contains(&names[places[0]]));
        if clashes.is_empty() {
            return (names, problems);
        }
        for places in clashes {
            let name = &names[places[0]];
            let to_count = places.iter().all(|place| !matches!(prefixes[*place], Prefix::Nothing | Prefix::Modules));
            if to_count {
                problems
                    .push(format!("several types are called `{name}`: name them apart with `#[rpc(name = \"…\")]`"));
            }
            for (count, place) in places.into_iter().enumerate() {
                prefixes[place] = match prefixes[place] {
                    Prefix::Nothing => Prefix::Modules,
                    Prefix::Modules => Prefix::Crate,
                    Prefix::Crate => Prefix::Number(count + 2),
                    Prefix::Number(last) => Prefix::Number(last + count + 1),
                };
            }
        }
    }
}

/// All names with the given prefixes. Parameters are spelled with theirs.
fn spell(types: &[Type], prefixes: &[Prefix]) -> Vec<String> {
    (0..types.len()).map(|place| spell_type(place, types, prefixes)).collect()
}

/// A type never has itself as a parameter, so this comes to an end.
fn spell_type(place: usize, types: &[Type], prefixes: &[Prefix]) -> String {
    let described = &types[place];
    let mut modules = described.module.split("::");
    let krate = modules.next().unwrap_or_default();
    let modules: String = modules.map(camel).collect();
    let mut name = match prefixes[place] {
        Prefix::Nothing => String::new(),
        Prefix::Modules => modules,
        Prefix::Crate | Prefix::Number(_) => camel(krate) + &modules,
    };
    name += &camel(described.name);
    for parameter in &described.parameters {
        match parameter {
            Parameter::Type(shape) => {
                name += &spell_shape(shape, &|place| spell_type(place, types, prefixes));
            }
            Parameter::Const(value) => name += &letters(value),
        }
    }
    if let Prefix::Number(number) = prefixes[place] {
        name += &number.to_string();
    }
    name
}

/// A shape as a part of a name; `name_of` knows the names of types by their place.
pub(super) fn spell_shape(shape: &Shape, name_of: &dyn Fn(usize) -> String) -> String {
    let spell = |shape: &Shape| spell_shape(shape, name_of);
    match shape {
        Shape::Scalar { scalar, narrowed } if narrowed.is_empty() => format!("{scalar:?}"),
        Shape::Scalar { narrowed, .. } => match narrowed.strip_prefix("[u8;") {
            Some(length) => format!("Bytes{}", letters(length)),
            None => camel(narrowed),
        },
        Shape::Named(place) => name_of(place.0),
        Shape::WellKnown(WellKnown::Empty) => "Empty".into(),
        Shape::WellKnown(WellKnown::Duration) => "Duration".into(),
        Shape::WellKnown(WellKnown::Timestamp) => "Timestamp".into(),
        Shape::Foreign(name) => camel(name.rsplit('.').next().unwrap_or(name)),
        Shape::Optional(inner) => format!("Optional{}", spell(inner)),
        Shape::List(inner) => format!("{}List", spell(inner)),
        Shape::Map(key, value) => format!("{}{}Map", spell(key), spell(value)),
        Shape::Tuple(parts) => parts.iter().map(spell).collect::<String>() + "Tuple",
        Shape::Result(value, error) => format!("{}Or{}", spell(value), spell(error)),
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(types: &[(&'static str, &'static str)]) -> Registry {
        Registry::of_empty_types(types)
    }

    /// Two types of one name both get their module in front, in whichever order they were met.
    #[test]
    fn a_clash_is_parted_by_modules() {
        let types = [("Point", "shop::api::a"), ("Line", "shop"), ("Point", "shop::api::b")];
        let (names, problems) = choose(&registry(&types), &[]);
        assert_eq!(names, ["ApiAPoint", "Line", "ApiBPoint"]);
        assert_eq!(problems, [""; 0]);
    }

    /// Types of the same path in two crates get the crate in front as well.
    #[test]
    fn a_clash_of_crates_is_parted_by_crates() {
        let types = [("Point", "shop::api"), ("Point", "library::api")];
        let (names, problems) = choose(&registry(&types), &[]);
        assert_eq!(names, ["ShopApiPoint", "LibraryApiPoint"]);
        assert_eq!(problems, [""; 0]);
    }

    /// A user's type gives way to the message of a method's arguments.
    #[test]
    fn a_type_gives_way_to_a_taken_name() {
        let taken = ["GetRequest".to_owned()];
        let (names, _) = choose(&registry(&[("GetRequest", "shop")]), &taken);
        assert_eq!(names, ["ShopGetRequest"]);
    }

    /// Types that not even their modules tell apart are counted, and that is told.
    #[test]
    fn what_cannot_be_parted_is_a_problem() {
        let (names, problems) = choose(&registry(&[("Point", "shop"), ("Point", "shop")]), &[]);
        assert_eq!(names, ["ShopPoint2", "ShopPoint3"]);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("`ShopPoint`"), "{problems:?}");
    }
}
