//! Enums with data and without.

use super::{ListTwin, Point, PointTwin, twins};
use prost::Message as Twin;
use rpc_macros::Message;

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
enum Figure {
    Nothing,
    Circle(Point),
    Count(u32),
    Many(Vec<u32>),
    Rectangle { width: u32, name: String },
    Line(Point, Point),
    Nested(Box<Figure>),
}

#[derive(Clone, PartialEq, Twin)]
struct FigureTwin {
    #[prost(oneof = "Variant", tags = "1, 2, 3, 4, 5, 6, 7")]
    variant: Option<Variant>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Variant {
    #[prost(message, tag = "1")]
    Nothing(()),
    #[prost(message, tag = "2")]
    Circle(PointTwin),
    #[prost(uint32, tag = "3")]
    Count(u32),
    #[prost(message, tag = "4")]
    Many(ListTwin),
    #[prost(message, tag = "5")]
    Rectangle(RectangleTwin),
    #[prost(message, tag = "6")]
    Line(LineTwin),
    #[prost(message, boxed, tag = "7")]
    Nested(Box<FigureTwin>),
}

#[derive(Clone, PartialEq, Twin)]
struct RectangleTwin {
    #[prost(uint32, tag = "1")]
    width: u32,
    #[prost(string, tag = "2")]
    name: String,
}

#[derive(Clone, PartialEq, Twin)]
struct LineTwin {
    #[prost(message, optional, tag = "1")]
    field_1: Option<PointTwin>,
    #[prost(message, optional, tag = "2")]
    field_2: Option<PointTwin>,
}

/// Enums with data: no data, zero, a list, fields, itself.
#[test]
fn enums_with_data() {
    let twin = |variant| FigureTwin { variant: Some(variant) };
    let (a, b) = (Point { x: 0, y: 0 }, Point { x: 1, y: -1 });
    let (a_twin, b_twin) = (PointTwin { x: 0, y: 0 }, PointTwin { x: 1, y: -1 });
    twins(Figure::Nothing, twin(Variant::Nothing(())));
    twins(Figure::Circle(b), twin(Variant::Circle(b_twin)));
    twins(Figure::Count(0), twin(Variant::Count(0)));
    twins(Figure::Many(vec![]), twin(Variant::Many(ListTwin { value: vec![] })));
    let rectangle = RectangleTwin { width: 7, name: "r".into() };
    twins(Figure::Rectangle { width: 7, name: "r".into() }, twin(Variant::Rectangle(rectangle)));
    let line = LineTwin { field_1: Some(a_twin), field_2: Some(b_twin) };
    twins(Figure::Line(a, b), twin(Variant::Line(line)));
    let inner = twin(Variant::Count(1));
    let nested = Figure::Nested(Box::new(Figure::Count(1)));
    twins(nested, twin(Variant::Nested(Box::new(inner))));
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Message)]
#[rpc(crate = "::idl")]
enum Color {
    #[default]
    Red,
    Green,
    #[rpc(tag = 300)]
    Blue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum ColorTwin {
    Unspecified = 0,
    Red = 1,
    Green = 2,
    Blue = 300,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Colors {
    one: Color,
    maybe: Option<Color>,
    many: Vec<Color>,
}

#[derive(Clone, PartialEq, Twin)]
struct ColorsTwin {
    #[prost(enumeration = "ColorTwin", tag = "1")]
    one: i32,
    #[prost(enumeration = "ColorTwin", optional, tag = "2")]
    maybe: Option<i32>,
    #[prost(enumeration = "ColorTwin", repeated, tag = "3")]
    many: Vec<i32>,
}

/// Enums without data: single, optional, repeated.
#[test]
fn enums_without_data() {
    use Color::{Blue, Green, Red};
    twins(
        Colors { one: Green, maybe: Some(Red), many: vec![Red, Blue] },
        ColorsTwin { one: 2, maybe: Some(1), many: vec![1, 300] },
    );
    twins(Colors { one: Blue, maybe: None, many: vec![] }, ColorsTwin { one: 300, maybe: None, many: vec![] });
}
