//! Types that derive `Message`: what they look like on the wire, and what they say when it is wrong.

use idl::{Message, from_slice, to_vec};
use rpc_macros::Message;

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Loan {
    title: String,
    copy: u32,
    #[rpc(as = "int64")]
    shelf: i64,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Page<T> {
    items: Vec<T>,
    next: Option<Box<Page<T>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Message)]
#[rpc(crate = "::idl")]
enum Color {
    Red,
    #[default]
    Green,
    #[rpc(other)]
    Other,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
enum Figure<T> {
    Nothing,
    Named(String),
    Notes(Vec<T>),
    Line(u32, u32),
    Rectangle { width: u32, color: Color },
    Count(#[rpc(as = "fixed32")] u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Message)]
#[rpc(crate = "::idl", transparent)]
struct Customer(u64);

fn round_trip<T: Message + PartialEq + std::fmt::Debug>(value: T) {
    let bytes = to_vec(&value).expect("not too deep");
    assert_eq!(from_slice::<T>(&bytes).expect("what was just written"), value);
}

/// A struct, a generic one, both kinds of enum and a transparent one come back as they were.
#[test]
fn every_kind_of_type_comes_back() {
    let loan = Loan { title: "dune".into(), copy: 3, shelf: -1 };
    round_trip(loan.clone());
    let last = Page { items: vec![], next: None };
    round_trip(Page { items: vec![loan], next: Some(Box::new(last)) });
    round_trip(vec![Color::Red, Color::Green, Color::Other]);
    for figure in [
        Figure::Nothing,
        Figure::Named(String::new()),
        Figure::Notes(vec![]),
        Figure::Notes(vec![Customer(1), Customer(0)]),
        Figure::Line(1, 0),
        Figure::Rectangle { width: 2, color: Color::Red },
        Figure::Count(0),
    ] {
        round_trip(vec![Some(figure)]);
    }
}

/// Absence, unknown numbers and faults inside a variant are read, or reported, as documented.
#[test]
fn absence_and_faults_are_told() {
    assert_eq!(from_slice::<Color>(&[]).unwrap(), Color::Green);
    assert_eq!(from_slice::<Color>(&[8, 99]).unwrap(), Color::Other);
    let error = from_slice::<Figure<u32>>(&[]).unwrap_err();
    assert_eq!(error.to_string(), "it holds no known variant of Figure");
    // The variant `rectangle` whose `width` is text.
    let error = from_slice::<Figure<u32>>(&[5 << 3 | 2, 2, 1 << 3 | 2, 0]).unwrap_err();
    assert_eq!(error.to_string(), "Rectangle.width: expected Varint on the wire, found Len");
}
