//! Two versions of an interface: when their fingerprints are equal, what changed, and what of it is breaking.

use idl::{BuildMethod, Interface, Message, MethodKind, compare};

/// An interface with the one method `CheckOut`.
fn with(build: BuildMethod) -> Interface {
    of_kind(MethodKind::Plain, build)
}

fn of_kind(kind: MethodKind, build: BuildMethod) -> Interface {
    Interface::build("library.v1", "Store", "").method("CheckOut", "", kind, build).finish()
}

fn taking<A: Message>() -> Interface {
    with(|m| m.argument::<A>(1, "a"))
}

fn returning<T: Message>() -> Interface {
    with(|m| m.returns::<T>())
}

fn failing<E: Message>() -> Interface {
    with(|m| m.error::<E>())
}

/// Checks the changes, breaking ones marked with `!`, and that the fingerprints differ if there are any.
#[track_caller]
fn changes(old: &Interface, new: &Interface, expected: &[&str]) {
    let found: Vec<String> = compare(old, new)
        .into_iter()
        .map(|change| if change.breaking { format!("! {}", change.what) } else { change.what })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(old.fingerprint() == new.fingerprint(), expected.is_empty());
    for same in [old, new] {
        assert_eq!(compare(same, same), []);
        let travelled = Interface::from_bytes(&same.to_bytes()).expect("what was just written");
        assert_eq!(travelled.fingerprint(), same.fingerprint());
    }
}

macro_rules! versions {
    ($($module:ident { $($item:item)* })*) => {$(
        /// A version of the types.
        mod $module {
            #[allow(unused_imports, reason = "not every version needs all")]
            use rpc_macros::Message;
            $(
                #[derive(Message)]
                #[rpc(crate = "::idl")]
                #[allow(dead_code, reason = "only described")]
                $item
            )*
        }
    )*};
}

versions! {
    v1 {
        pub(crate) struct Loan { title: String, copy: u32 }
        pub(crate) enum StoreError { NoSuchTitle { title: String }, Closed }
        pub(crate) enum Color { Red, Green }
        pub(crate) struct Tree { leaf: u32, children: Vec<Tree> }
        pub(crate) enum Figure { Nothing, Circle(u32) }
        pub(crate) enum Open { One(u8), #[rpc(other)] Other }
        pub(crate) enum OpenNumber { One, #[rpc(other)] Other }
    }
    renamed {
        /// Docs are new, and the name is.
        pub(crate) struct Lending { title: String, copy: u32 }
        /// Also here.
        pub(crate) enum Failure { NoSuchTitle { title: String }, Closed }
        pub(crate) enum Colour { Red, Green }
        pub(crate) struct Bush { leaf: u32, children: Vec<Bush> }
    }
    swapped {
        pub(crate) struct Loan { copy: u32, title: String }
        pub(crate) enum Color { Green, Red }
        pub(crate) enum StoreError { Closed, NoSuchTitle { title: String } }
    }
    grown {
        pub(crate) struct Loan { title: String, copy: u32, due: Option<u64> }
        pub(crate) enum StoreError { NoSuchTitle { title: String }, Closed, Lost }
        pub(crate) enum Color { Red, Green, Blue }
        pub(crate) struct Tree { leaf: u32, children: Vec<Tree>, note: String }
        pub(crate) enum Figure { Nothing { why: String }, Circle(u32), Line(u32, u32) }
        pub(crate) enum Open { One(u8), #[rpc(other)] Other, Two { a: u8 } }
        pub(crate) enum OpenNumber { One, #[rpc(other)] Other, Two }
    }
    strict {
        pub(crate) struct Loan { title: String, copy: u32, color: super::v1::Color }
        pub(crate) enum Color { Red, Green { shade: u8 } }
        pub(crate) enum Loan2 { Title(String), Copy(u32) }
    }
    typed {
        pub(crate) struct Loan { title: Vec<String>, copy: u64 }
        pub(crate) struct Small { title: String, copy: u8 }
        pub(crate) struct Optional { title: Option<String>, copy: Option<u32> }
        pub(crate) struct Nested { title: super::v1::Loan, copy: u32 }
    }
}

/// Names of types, their docs and modules, and the order of methods, are not on the wire.
#[test]
fn what_the_wire_does_not_show_is_no_change() {
    changes(&taking::<v1::Loan>(), &taking::<renamed::Lending>(), &[]);
    changes(&failing::<v1::StoreError>(), &failing::<renamed::Failure>(), &[]);
    changes(&returning::<v1::Color>(), &returning::<renamed::Colour>(), &[]);
    changes(&returning::<Option<v1::Tree>>(), &returning::<Option<renamed::Bush>>(), &[]);
    let methods = |names: [&str; 2]| {
        let build = Interface::build("p", "I", "");
        names.into_iter().fold(build, |b, n| b.method(n, "", MethodKind::Plain, |m| m)).finish()
    };
    let (a, b) = (methods(["A", "B"]), methods(["B", "A"]));
    assert_eq!(a.fingerprint(), b.fingerprint());
}

/// The fingerprint of an interface that must stay as it is: versions in the field compute it too.
#[test]
fn a_fingerprint_is_for_ever() {
    let interface = with(|m| m.argument::<v1::Loan>(1, "loan").returns::<Vec<v1::Figure>>().error::<v1::StoreError>());
    assert_eq!(interface.fingerprint().to_string(), "91b59eec0cea793c7affc768278153b9");
}

/// An enum with data and a struct of the same fields are told apart, by the fingerprint too: the description of a peer
/// may say anything.
#[test]
fn an_enum_is_no_struct_of_its_variants() {
    let said = taking::<v1::StoreError>();
    let mut file = said.file().clone();
    let message =
        file.message_type.iter_mut().find(|message| message.name == "StoreError").expect("the argument's type");
    message.options.as_mut().expect("notes on an enum").rpc.variants = false;
    let bytes = idl::to_vec(&file).expect("a small description");
    let instead = Interface::from_bytes(&bytes).expect("a description");
    changes(&said, &instead, &["! StoreError was an enum, is a struct"]);
}

/// Fields are numbered by their order: two that change places are two silent changes of meaning, but for their names.
#[test]
fn moved_fields_are_breaking_and_named() {
    let expected = ["! Loan: field 1 was `title`, is `copy`", "! Loan: field 2 was `copy`, is `title`"];
    changes(&taking::<v1::Loan>(), &taking::<swapped::Loan>(), &expected);
    changes(&returning::<v1::Loan>(), &returning::<swapped::Loan>(), &expected);
    let expected = ["! Color: number 1 was RED, is GREEN", "! Color: number 2 was GREEN, is RED"];
    changes(&taking::<v1::Color>(), &taking::<swapped::Color>(), &expected);
    changes(
        &failing::<v1::StoreError>(),
        &failing::<swapped::StoreError>(),
        &[
            "! StoreError: variant 1 was `no_such_title`, is `closed`",
            "! StoreError: variant 2 was `closed`, is `no_such_title`",
        ],
    );
    changes(
        &with(|m| m.argument::<u64>(1, "customer").argument::<String>(2, "title")),
        &with(|m| m.argument::<String>(1, "title").argument::<u64>(2, "customer")),
        &["! CheckOut: argument 1 was `customer`, is `title`", "! CheckOut: argument 2 was `title`, is `customer`"],
    );
}

/// What is added at the end breaks nobody, if its absence can be read.
#[test]
fn added_fields() {
    changes(
        &taking::<v1::Loan>(),
        &taking::<grown::Loan>(),
        &["Loan: field 3 (`due`) is new: of old callers it is empty"],
    );
    changes(
        &returning::<v1::Loan>(),
        &returning::<grown::Loan>(),
        &["Loan: field 3 (`due`) is new: old callers do not see it"],
    );
    changes(
        &taking::<v1::Loan>(),
        &taking::<strict::Loan>(),
        &["! Loan: field 3 (`color`) is new, and has no default for old callers' sake"],
    );
    changes(
        &returning::<v1::Loan>(),
        &returning::<strict::Loan>(),
        &["Loan: field 3 (`color`) is new: old callers do not see it"],
    );
    changes(
        &taking::<u32>(),
        &with(|m| m.argument::<u32>(1, "a").argument::<[u8; 4]>(2, "b")),
        &["! CheckOut: argument 2 (`b`) is new, and has no default for old callers' sake"],
    );
    let both = |tree: BuildMethod| with(tree);
    changes(
        &both(|m| m.argument::<v1::Tree>(1, "a").returns::<Vec<v1::Tree>>()),
        &both(|m| m.argument::<grown::Tree>(1, "a").returns::<Vec<grown::Tree>>()),
        &[
            "Tree: field 3 (`note`) is new: of old callers it is empty",
            "Tree: field 3 (`note`) is new: old callers do not see it",
        ],
    );
}

/// What is taken away breaks those who cannot do without it.
#[test]
fn removed_fields() {
    changes(
        &taking::<grown::Loan>(),
        &taking::<v1::Loan>(),
        &["Loan: field 3 (`due`) is gone: what old callers say in it is ignored"],
    );
    changes(
        &returning::<grown::Loan>(),
        &returning::<v1::Loan>(),
        &["Loan: field 3 (`due`) is gone: old callers read it as empty"],
    );
    changes(
        &returning::<strict::Loan>(),
        &returning::<v1::Loan>(),
        &["! Loan: field 3 (`color`) is gone, and old callers cannot read without it"],
    );
    changes(
        &returning::<v1::Color>(),
        &returning::<()>(),
        &["! CheckOut: the result (`value`) is gone, and old callers cannot read without it"],
    );
}

/// A type is breaking unless all that one side sends is what the other side takes.
#[test]
fn changed_types() {
    let expected =
        ["! Loan: field 1 (`title`) was string, is a list of string", "Loan: field 2 (`copy`) was uint32, is uint64"];
    changes(&taking::<v1::Loan>(), &taking::<typed::Loan>(), &expected);
    let expected = [
        "! Loan: field 1 (`title`) was string, is a list of string",
        "! Loan: field 2 (`copy`) was uint32, is uint64, and not every value fits",
    ];
    changes(&returning::<v1::Loan>(), &returning::<typed::Loan>(), &expected);
    changes(
        &taking::<v1::Loan>(),
        &taking::<typed::Small>(),
        &["! Loan (now Small): field 2 (`copy`) was uint32, is u8, and not every value fits"],
    );
    changes(
        &returning::<v1::Loan>(),
        &returning::<typed::Small>(),
        &["Loan (now Small): field 2 (`copy`) was uint32, is u8"],
    );
    changes(
        &taking::<v1::Loan>(),
        &taking::<typed::Nested>(),
        &["! Loan (now Nested): field 1 (`title`) was string, is message Loan"],
    );
    changes(
        &taking::<v1::Loan>(),
        &taking::<typed::Optional>(),
        &[
            "Loan (now Optional): field 1 (`title`) is optional now",
            "Loan (now Optional): field 2 (`copy`) is optional now",
        ],
    );
    changes(&returning::<u32>(), &returning::<i32>(), &["! CheckOut: the result was uint32, is sint32"]);
    changes(&returning::<v1::Loan>(), &returning::<strict::Loan2>(), &["! Loan (now Loan2) was a struct, is an enum"]);
    changes(
        &returning::<v1::Color>(),
        &returning::<strict::Color>(),
        &["! CheckOut: the result was enum Color, is message Color"],
    );
    changes(
        &returning::<v1::Loan>(),
        &returning::<std::time::Duration>(),
        &["! what was Loan is google.protobuf.Duration"],
    );
    changes(&returning::<v1::Color>(), &returning::<Option<v1::Color>>(), &["! CheckOut: the result is optional now"]);
    changes(
        &taking::<Option<v1::Color>>(),
        &taking::<v1::Color>(),
        &["! CheckOut: argument 1 (`a`) is not optional any more"],
    );
}

/// A new variant breaks those who receive it and do not know it; of an error they still learn that it was one.
#[test]
fn added_variants() {
    changes(
        &failing::<v1::StoreError>(),
        &failing::<grown::StoreError>(),
        &["StoreError: variant 3 (`lost`) is new: old callers see an error they cannot read"],
    );
    changes(
        &returning::<v1::StoreError>(),
        &returning::<grown::StoreError>(),
        &["! StoreError: variant 3 (`lost`) is new, and old callers cannot read it"],
    );
    changes(&taking::<v1::StoreError>(), &taking::<grown::StoreError>(), &["StoreError: variant 3 (`lost`) is new"]);
    changes(
        &returning::<v1::Color>(),
        &returning::<grown::Color>(),
        &["! Color: number 3 (BLUE) is new, and old callers cannot read it"],
    );
    changes(&returning::<Option<v1::Open>>(), &returning::<Option<grown::Open>>(), &["Open: variant 3 (`two`) is new"]);
    changes(
        &returning::<Vec<v1::OpenNumber>>(),
        &returning::<Vec<grown::OpenNumber>>(),
        &["OpenNumber: number 3 (TWO) is new"],
    );
}

/// A variant that is gone breaks those who may still send it.
#[test]
fn removed_variants() {
    changes(
        &taking::<grown::StoreError>(),
        &taking::<v1::StoreError>(),
        &["! StoreError: variant 3 (`lost`) is gone, and old callers may send it"],
    );
    changes(&returning::<grown::Color>(), &returning::<v1::Color>(), &["Color: number 3 (BLUE) is gone"]);
    changes(
        &taking::<grown::Color>(),
        &taking::<v1::Color>(),
        &["! Color: number 3 (BLUE) is gone, and old callers may send it"],
    );
}

/// A variant without data may get fields.
#[test]
fn fields_for_a_variant_without_data() {
    changes(
        &taking::<v1::Figure>(),
        &taking::<grown::Figure>(),
        &["Figure: variant 3 (`line`) is new", "Figure.Nothing: field 1 (`why`) is new: of old callers it is empty"],
    );
    changes(
        &failing::<v1::Figure>(),
        &failing::<grown::Figure>(),
        &[
            "Figure: variant 3 (`line`) is new: old callers see an error they cannot read",
            "Figure.Nothing: field 1 (`why`) is new: old callers do not see it",
        ],
    );
}

/// Methods may be added, not taken away; their kind is a promise.
#[test]
fn methods_and_their_kinds() {
    let build = || Interface::build("library.v1", "Store", "");
    let one = build().method("A", "", MethodKind::Plain, |m| m).finish();
    let two = build().method("A", "", MethodKind::Plain, |m| m).method("B", "", MethodKind::Plain, |m| m).finish();
    changes(&one, &two, &["B is new"]);
    changes(&two, &one, &["! B is gone"]);

    use MethodKind::{Idempotent, Oneway, Plain};
    let kind = |kind| of_kind(kind, |m| m);
    changes(&kind(Plain), &kind(Idempotent), &["CheckOut is idempotent now"]);
    let expected = ["! CheckOut is not idempotent any more, and old callers may run it twice"];
    changes(&kind(Idempotent), &kind(Plain), &expected);
    let expected = ["! CheckOut is oneway now, and old callers wait for a result"];
    changes(&kind(Plain), &kind(Oneway), &expected);
    changes(&kind(Oneway), &kind(Idempotent), &["! CheckOut is not oneway any more"]);
}

/// A description from a stranger is compared in bounded time, whatever it says; types may point at each other as
/// they like.
#[test]
fn strange_descriptions_are_compared() {
    use idl::descriptor::{FieldDescriptor, FileDescriptor, MessageDescriptor};
    let good = taking::<v1::Tree>();
    let mut file: FileDescriptor = idl::from_slice(&good.to_bytes()).unwrap();
    // A long chain of types, each with many fields, the last one pointing nowhere; and a name twice.
    for i in 0..3_000 {
        let fields = (0..100).map(|tag| FieldDescriptor {
            name: format!("f{tag}"),
            number: tag,
            type_name: format!(".library.v1.T{}", i + 1),
            ..Default::default()
        });
        let name = format!("T{i}");
        let field = fields.collect();
        file.message_type.push(MessageDescriptor { name, field, ..Default::default() });
    }
    file.message_type.push(file.message_type[0].clone());
    file.service[0].method[0].input_type = ".library.v1.T0".into();
    file.service[0].method[0].output_type = ".no.such.Type".into();
    let strange = Interface::from_bytes(&idl::to_vec(&file).unwrap()).unwrap();
    assert!(compare(&good, &strange).iter().any(|change| change.breaking));
    let whole = compare(&strange, &strange);
    assert_eq!(whole.len(), 1, "{whole:?}");
    assert_eq!(whole[0].what, "the types are too large, or differ too much, to be compared");
}

/// What becomes a stream, or is one no more, breaks old callers; items change as other messages do.
#[test]
fn streams_are_compared() {
    let taking_items = |of: BuildMethod| with(of);
    let one = taking_items(|m| m.argument::<v1::Loan>(1, "a").returns::<u64>());
    let many = taking_items(|m| m.items::<v1::Loan>().returns::<u64>());
    let found = compare(&one, &many);
    assert!(found.iter().any(|change| change.breaking && change.what.contains("is a stream")), "{found:?}");
    assert_ne!(one.fingerprint(), many.fingerprint());
    let given = taking_items(|m| m.argument::<u64>(1, "a").returns_items::<v1::Loan>());
    let once = taking_items(|m| m.argument::<u64>(1, "a").response::<v1::Loan>());
    changes(&once, &given, &["! CheckOut: of results there was one, is a stream"]);
    changes(&given, &once, &["! CheckOut: of results there was a stream, is one"]);
    let wider = taking_items(|m| m.argument::<u64>(1, "a").returns_items::<u64>());
    assert!(compare(&given, &wider).iter().any(|change| change.breaking));
}
