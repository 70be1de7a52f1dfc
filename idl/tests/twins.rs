//! Every type, marshalled by us and by prost-derived structs of the same shape: the same bytes, and each reads
//! the other's.

use idl::{Bytes, DecodeError, Text, from_slice, to_vec};
use prost::Message as Twin;
use rpc_macros::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Same bytes, and each side reads them as its own value.
#[track_caller]
fn twins<A, B>(ours: A, prosts: B)
where
    A: idl::Message + PartialEq + Debug,
    B: Twin + Default + PartialEq + Debug,
{
    let bytes = to_vec(&ours).unwrap();
    assert_eq!(bytes, prosts.encode_to_vec(), "{ours:?}");
    reads_each_other(ours, prosts);
}

/// Each side reads what the other wrote, whatever the bytes.
#[track_caller]
fn reads_each_other<A, B>(ours: A, prosts: B)
where
    A: idl::Message + PartialEq + Debug,
    B: Twin + Default + PartialEq + Debug,
{
    assert_eq!(from_slice::<A>(&prosts.encode_to_vec()).unwrap(), ours);
    assert_eq!(B::decode(&*to_vec(&ours).unwrap()).unwrap(), prosts);
}

#[derive(Debug, Clone, Copy, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Numbers {
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    e: usize,
    f: i8,
    g: i16,
    h: i32,
    i: i64,
    j: isize,
    k: f32,
    l: f64,
    m: bool,
    n: char,
}

#[derive(Clone, PartialEq, Twin)]
struct NumbersTwin {
    #[prost(uint32, tag = "1")]
    a: u32,
    #[prost(uint32, tag = "2")]
    b: u32,
    #[prost(uint32, tag = "3")]
    c: u32,
    #[prost(uint64, tag = "4")]
    d: u64,
    #[prost(uint64, tag = "5")]
    e: u64,
    #[prost(sint32, tag = "6")]
    f: i32,
    #[prost(sint32, tag = "7")]
    g: i32,
    #[prost(sint32, tag = "8")]
    h: i32,
    #[prost(sint64, tag = "9")]
    i: i64,
    #[prost(sint64, tag = "10")]
    j: i64,
    #[prost(float, tag = "11")]
    k: f32,
    #[prost(double, tag = "12")]
    l: f64,
    #[prost(bool, tag = "13")]
    m: bool,
    #[prost(uint32, tag = "14")]
    n: u32,
}

impl From<Numbers> for NumbersTwin {
    fn from(n: Numbers) -> Self {
        Self {
            a: n.a.into(),
            b: n.b.into(),
            c: n.c,
            d: n.d,
            e: n.e as u64,
            f: n.f.into(),
            g: n.g.into(),
            h: n.h,
            i: n.i,
            j: n.j as i64,
            k: n.k,
            l: n.l,
            m: n.m,
            n: n.n.into(),
        }
    }
}

/// Every width of number, at its ends and at zero.
#[test]
fn numbers() {
    let zero = Numbers {
        a: 0,
        b: 0,
        c: 0,
        d: 0,
        e: 0,
        f: 0,
        g: 0,
        h: 0,
        i: 0,
        j: 0,
        k: 0.0,
        l: 0.0,
        m: false,
        n: '\0',
    };
    let least = Numbers {
        a: 1,
        b: 128,
        c: 300,
        d: 1 << 35,
        e: 1,
        f: i8::MIN,
        g: i16::MIN,
        h: i32::MIN,
        i: i64::MIN,
        j: isize::MIN,
        k: f32::MIN,
        l: f64::NEG_INFINITY,
        m: true,
        n: 'a',
    };
    let most = Numbers {
        a: u8::MAX,
        b: u16::MAX,
        c: u32::MAX,
        d: u64::MAX,
        e: usize::MAX,
        f: i8::MAX,
        g: i16::MAX,
        h: i32::MAX,
        i: i64::MAX,
        j: isize::MAX,
        k: f32::MIN_POSITIVE,
        l: f64::MAX,
        m: true,
        n: char::MAX,
    };
    for numbers in [zero, least, most] {
        twins(numbers, NumbersTwin::from(numbers));
    }
    assert_eq!(to_vec(&zero).unwrap(), [0; 0]);
}

/// -0.0 is not absence: its sign would be lost. prost drops it; we write it, and read it back by its bits.
#[test]
fn negative_zero_keeps_its_sign() {
    let bytes = to_vec(&(-0.0_f64, -0.0_f32)).unwrap();
    let (double, float): (f64, f32) = from_slice(&bytes).unwrap();
    assert!(double.is_sign_negative() && float.is_sign_negative());
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Foreign {
    #[rpc(as = "int32")]
    a: i32,
    #[rpc(as = "int64")]
    b: i64,
    #[rpc(as = "fixed32")]
    c: u32,
    #[rpc(as = "fixed64")]
    d: Option<u64>,
    #[rpc(as = "sfixed32")]
    e: Vec<i32>,
    #[rpc(as = "sfixed64")]
    f: i64,
    #[rpc(as = "int64")]
    g: Vec<i64>,
}

#[derive(Clone, PartialEq, Twin)]
struct ForeignTwin {
    #[prost(int32, tag = "1")]
    a: i32,
    #[prost(int64, tag = "2")]
    b: i64,
    #[prost(fixed32, tag = "3")]
    c: u32,
    #[prost(fixed64, optional, tag = "4")]
    d: Option<u64>,
    #[prost(sfixed32, repeated, tag = "5")]
    e: Vec<i32>,
    #[prost(sfixed64, tag = "6")]
    f: i64,
    #[prost(int64, repeated, tag = "7")]
    g: Vec<i64>,
}

/// The integer types of foreign files, by `#[rpc(as = "…")]`.
#[test]
fn foreign_integers() {
    let (e, g) = (vec![-1, 0, i32::MIN], vec![1, -1, i64::MAX]);
    twins(
        Foreign {
            a: -1,
            b: i64::MIN,
            c: 7,
            d: Some(0),
            e: e.clone(),
            f: -2,
            g: g.clone(),
        },
        ForeignTwin {
            a: -1,
            b: i64::MIN,
            c: 7,
            d: Some(0),
            e,
            f: -2,
            g,
        },
    );
    let none = Foreign {
        a: 0,
        b: 0,
        c: 0,
        d: None,
        e: vec![],
        f: 0,
        g: vec![],
    };
    twins(none, ForeignTwin::default());
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Lists {
    text: String,
    bytes: Vec<u8>,
    slice: Bytes,
    array: [u8; 4],
    numbers: Vec<u32>,
    floats: Vec<f64>,
    flags: Vec<bool>,
    texts: Vec<String>,
    blobs: Vec<Vec<u8>>,
    set: BTreeSet<i64>,
    hash_set: HashSet<u8>,
    held: Text,
}

#[derive(Clone, PartialEq, Twin)]
struct ListsTwin {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(bytes, tag = "2")]
    bytes: Vec<u8>,
    #[prost(bytes, tag = "3")]
    slice: Vec<u8>,
    #[prost(bytes, tag = "4")]
    array: Vec<u8>,
    #[prost(uint32, repeated, tag = "5")]
    numbers: Vec<u32>,
    #[prost(double, repeated, tag = "6")]
    floats: Vec<f64>,
    #[prost(bool, repeated, tag = "7")]
    flags: Vec<bool>,
    #[prost(string, repeated, tag = "8")]
    texts: Vec<String>,
    #[prost(bytes, repeated, tag = "9")]
    blobs: Vec<Vec<u8>>,
    #[prost(sint64, repeated, tag = "10")]
    set: Vec<i64>,
    #[prost(uint32, repeated, tag = "11")]
    hash_set: Vec<u32>,
    #[prost(string, tag = "12")]
    held: String,
}

/// Text, bytes of all kinds, packed and unpacked lists, sets; a field of 20 kB, whose length is widened.
#[test]
fn lists() {
    for long in [0, 1, 127, 128, 20_000, 3_000_000] {
        let numbers: Vec<u32> = (0..long.min(5_000)).map(|i| i * i).collect();
        let long = long as usize;
        twins(
            Lists {
                text: "ü".repeat(long),
                bytes: vec![1; long],
                slice: vec![2; long].into(),
                array: [0, 1, 2, 3],
                numbers: numbers.clone(),
                floats: vec![0.0, 1.5],
                flags: vec![false, true],
                texts: vec![String::new(), "a".into()],
                blobs: vec![vec![], vec![3; long]],
                set: BTreeSet::from([-1, 0, 1]),
                hash_set: HashSet::from([200]),
                held: "held".into(),
            },
            ListsTwin {
                text: "ü".repeat(long),
                bytes: vec![1; long],
                slice: vec![2; long],
                array: vec![0, 1, 2, 3],
                numbers,
                floats: vec![0.0, 1.5],
                flags: vec![false, true],
                texts: vec![String::new(), "a".into()],
                blobs: vec![vec![], vec![3; long]],
                set: vec![-1, 0, 1],
                hash_set: vec![200],
                held: "held".into(),
            },
        );
    }
}

/// Numbers that an old peer wrote one by one are read like packed ones, also mixed.
#[test]
fn unpacked_numbers_are_read() {
    #[derive(Clone, PartialEq, Twin)]
    struct Unpacked {
        #[prost(sint32, repeated, packed = "false", tag = "1")]
        numbers: Vec<i32>,
        #[prost(fixed64, repeated, packed = "false", tag = "2")]
        fixed: Vec<u64>,
    }
    #[derive(Debug, PartialEq, Message)]
    #[rpc(crate = "::idl")]
    struct Ours {
        numbers: Vec<i32>,
        #[rpc(as = "fixed64")]
        fixed: Vec<u64>,
    }
    let twin = Unpacked {
        numbers: vec![1, -1, 0],
        fixed: vec![7, 8],
    };
    let ours = Ours {
        numbers: vec![1, -1, 0],
        fixed: vec![7, 8],
    };
    let mut bytes = twin.encode_to_vec();
    assert_eq!(from_slice::<Ours>(&bytes).unwrap(), ours);
    bytes.extend(to_vec(&ours).unwrap());
    assert_eq!(
        from_slice::<Ours>(&bytes).unwrap().numbers,
        [1, -1, 0, 1, -1, 0]
    );
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Options {
    number: Option<u32>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    point: Option<Point>,
    list: Option<Vec<u32>>,
    twice: Option<Option<bool>>,
    rows: Vec<Vec<u32>>,
    sparse: Vec<Option<String>>,
    pair: (u32, String),
    nested: Box<Option<Arc<Point>>>,
    nothing: (),
}

#[derive(Debug, Clone, Copy, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Clone, Copy, PartialEq, Twin)]
struct PointTwin {
    #[prost(sint32, tag = "1")]
    x: i32,
    #[prost(sint32, tag = "2")]
    y: i32,
}

#[derive(Clone, PartialEq, Twin)]
struct ListTwin {
    #[prost(uint32, repeated, tag = "1")]
    value: Vec<u32>,
}

#[derive(Clone, PartialEq, Twin)]
struct FlagTwin {
    #[prost(bool, optional, tag = "1")]
    value: Option<bool>,
}

#[derive(Clone, PartialEq, Twin)]
struct TextTwin {
    #[prost(string, optional, tag = "1")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Twin)]
struct PairTwin {
    #[prost(uint32, tag = "1")]
    field_1: u32,
    #[prost(string, tag = "2")]
    field_2: String,
}

#[derive(Clone, PartialEq, Twin)]
struct OptionsTwin {
    #[prost(uint32, optional, tag = "1")]
    number: Option<u32>,
    #[prost(string, optional, tag = "2")]
    text: Option<String>,
    #[prost(bytes, optional, tag = "3")]
    bytes: Option<Vec<u8>>,
    #[prost(message, optional, tag = "4")]
    point: Option<PointTwin>,
    #[prost(message, optional, tag = "5")]
    list: Option<ListTwin>,
    #[prost(message, optional, tag = "6")]
    twice: Option<FlagTwin>,
    #[prost(message, repeated, tag = "7")]
    rows: Vec<ListTwin>,
    #[prost(message, repeated, tag = "8")]
    sparse: Vec<TextTwin>,
    #[prost(message, optional, tag = "9")]
    pair: Option<PairTwin>,
    #[prost(message, optional, tag = "10")]
    nested: Option<PointTwin>,
}

/// Presence with zero values, wrappers of containers in containers, tuples, pointers.
#[test]
fn options_and_wrappers() {
    let point = Point { x: -3, y: 0 };
    let point_twin = PointTwin { x: -3, y: 0 };
    twins(
        Options {
            number: Some(0),
            text: Some(String::new()),
            bytes: Some(vec![]),
            point: Some(point),
            list: Some(vec![]),
            twice: Some(None),
            rows: vec![vec![], vec![1, 300]],
            sparse: vec![None, Some(String::new()), Some("x".into())],
            pair: (0, "p".into()),
            nested: Box::new(Some(Arc::new(point))),
            nothing: (),
        },
        OptionsTwin {
            number: Some(0),
            text: Some(String::new()),
            bytes: Some(vec![]),
            point: Some(point_twin),
            list: Some(ListTwin { value: vec![] }),
            twice: Some(FlagTwin { value: None }),
            rows: vec![
                ListTwin { value: vec![] },
                ListTwin {
                    value: vec![1, 300],
                },
            ],
            sparse: vec![
                TextTwin { value: None },
                TextTwin {
                    value: Some(String::new()),
                },
                TextTwin {
                    value: Some("x".into()),
                },
            ],
            pair: Some(PairTwin {
                field_1: 0,
                field_2: "p".into(),
            }),
            nested: Some(point_twin),
        },
    );
    let none = Options {
        number: None,
        text: None,
        bytes: None,
        point: None,
        list: None,
        twice: None,
        rows: vec![],
        sparse: vec![],
        pair: (0, String::new()),
        nested: Box::new(None),
        nothing: (),
    };
    // A message that is always there is always written, as prost writes it when it is there.
    twins(
        none,
        OptionsTwin {
            pair: Some(PairTwin::default()),
            ..Default::default()
        },
    );
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Maps {
    by_number: BTreeMap<u32, String>,
    by_text: HashMap<String, Point>,
    lists: BTreeMap<bool, Vec<u32>>,
    pairs: BTreeMap<(u32, String), u32>,
}

#[derive(Clone, PartialEq, Twin)]
struct MapsTwin {
    #[prost(btree_map = "uint32, string", tag = "1")]
    by_number: BTreeMap<u32, String>,
    #[prost(hash_map = "string, message", tag = "2")]
    by_text: HashMap<String, PointTwin>,
    #[prost(btree_map = "bool, message", tag = "3")]
    lists: BTreeMap<bool, ListTwin>,
    #[prost(message, repeated, tag = "4")]
    pairs: Vec<EntryTwin>,
}

#[derive(Clone, PartialEq, Twin)]
struct EntryTwin {
    #[prost(message, optional, tag = "1")]
    key: Option<PairTwin>,
    #[prost(uint32, optional, tag = "2")]
    value: Option<u32>,
}

/// Maps, and pairs for keys that protobuf has no maps of. Keys and values are not the defaults here.
#[test]
fn maps() {
    let point = Point { x: 1, y: 2 };
    twins(
        Maps {
            by_number: BTreeMap::from([(1, "one".into()), (300, "more".into())]),
            by_text: HashMap::from([("p".into(), point)]),
            lists: BTreeMap::from([(true, vec![1, 2])]),
            pairs: BTreeMap::from([((1, "a".into()), 0), ((2, String::new()), 7)]),
        },
        MapsTwin {
            by_number: BTreeMap::from([(1, "one".into()), (300, "more".into())]),
            by_text: HashMap::from([("p".into(), PointTwin { x: 1, y: 2 })]),
            lists: BTreeMap::from([(true, ListTwin { value: vec![1, 2] })]),
            pairs: vec![
                EntryTwin {
                    key: Some(PairTwin {
                        field_1: 1,
                        field_2: "a".into(),
                    }),
                    value: Some(0),
                },
                EntryTwin {
                    key: Some(PairTwin {
                        field_1: 2,
                        field_2: String::new(),
                    }),
                    value: Some(7),
                },
            ],
        },
    );
}

/// The one difference: prost leaves default keys and values of maps out, we write them as C++ does. Both read both.
#[test]
fn defaults_in_maps_are_written_differently_and_read_alike() {
    let ours = Maps {
        by_number: BTreeMap::from([(0, String::new())]),
        by_text: HashMap::from([(String::new(), Point { x: 0, y: 0 })]),
        lists: BTreeMap::from([(false, vec![])]),
        pairs: BTreeMap::new(),
    };
    let twin = MapsTwin {
        by_number: BTreeMap::from([(0, String::new())]),
        by_text: HashMap::from([(String::new(), PointTwin::default())]),
        lists: BTreeMap::from([(false, ListTwin::default())]),
        pairs: vec![],
    };
    assert_ne!(to_vec(&ours).unwrap(), twin.encode_to_vec());
    reads_each_other(ours, twin);
}

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
    let twin = |variant| FigureTwin {
        variant: Some(variant),
    };
    let (a, b) = (Point { x: 0, y: 0 }, Point { x: 1, y: -1 });
    let (a_twin, b_twin) = (PointTwin { x: 0, y: 0 }, PointTwin { x: 1, y: -1 });
    twins(Figure::Nothing, twin(Variant::Nothing(())));
    twins(Figure::Circle(b), twin(Variant::Circle(b_twin)));
    twins(Figure::Count(0), twin(Variant::Count(0)));
    twins(
        Figure::Many(vec![]),
        twin(Variant::Many(ListTwin { value: vec![] })),
    );
    let rectangle = RectangleTwin {
        width: 7,
        name: "r".into(),
    };
    twins(
        Figure::Rectangle {
            width: 7,
            name: "r".into(),
        },
        twin(Variant::Rectangle(rectangle)),
    );
    let line = LineTwin {
        field_1: Some(a_twin),
        field_2: Some(b_twin),
    };
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
        Colors {
            one: Green,
            maybe: Some(Red),
            many: vec![Red, Blue],
        },
        ColorsTwin {
            one: 2,
            maybe: Some(1),
            many: vec![1, 300],
        },
    );
    twins(
        Colors {
            one: Blue,
            maybe: None,
            many: vec![],
        },
        ColorsTwin {
            one: 300,
            maybe: None,
            many: vec![],
        },
    );
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Times {
    duration: Duration,
    time: SystemTime,
    times: Vec<SystemTime>,
    maybe: Option<Duration>,
}

#[derive(Clone, PartialEq, Twin)]
struct TimesTwin {
    #[prost(message, optional, tag = "1")]
    duration: Option<prost_types::Duration>,
    #[prost(message, optional, tag = "2")]
    time: Option<prost_types::Timestamp>,
    #[prost(message, repeated, tag = "3")]
    times: Vec<prost_types::Timestamp>,
    #[prost(message, optional, tag = "4")]
    maybe: Option<prost_types::Duration>,
}

/// Times, also before 1970, where seconds are rounded down.
#[test]
fn times() {
    let early = UNIX_EPOCH - Duration::new(2, 250_000_000);
    let whole = UNIX_EPOCH - Duration::from_secs(2);
    let late = UNIX_EPOCH + Duration::new(1_700_000_000, 1);
    let stamp = |seconds, nanos| prost_types::Timestamp { seconds, nanos };
    twins(
        Times {
            duration: Duration::new(5, 999_999_999),
            time: early,
            times: vec![UNIX_EPOCH, whole, late],
            maybe: Some(Duration::ZERO),
        },
        TimesTwin {
            duration: Some(prost_types::Duration {
                seconds: 5,
                nanos: 999_999_999,
            }),
            time: Some(stamp(-3, 750_000_000)),
            times: vec![stamp(0, 0), stamp(-2, 0), stamp(1_700_000_000, 1)],
            maybe: Some(prost_types::Duration::default()),
        },
    );
}

/// What `Duration` and `SystemTime` cannot hold is an error, not another time.
#[test]
fn impossible_times_are_refused() {
    let read = |seconds, nanos| {
        let duration = Some(prost_types::Duration { seconds, nanos });
        let time = Some(prost_types::Timestamp {
            seconds: 0,
            nanos: 0,
        });
        let twin = TimesTwin {
            duration,
            time,
            ..Default::default()
        };
        from_slice::<Times>(&twin.encode_to_vec()).map_err(|error| error.to_string())
    };
    assert!(read(1, 0).is_ok());
    let negative = read(-1, 0).unwrap_err();
    assert_eq!(
        negative,
        "duration: the number is out of range for a duration, which is never negative"
    );
    for nanos in [-1, 1_000_000_000] {
        let error = read(1, nanos).unwrap_err();
        assert_eq!(
            error,
            "duration: the number is out of range for nanoseconds"
        );
    }
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Node<T> {
    value: T,
    children: Vec<Node<T>>,
    next: Option<Box<Node<T>>>,
}

#[derive(Clone, PartialEq, Twin)]
struct NodeTwin {
    #[prost(string, tag = "1")]
    value: String,
    #[prost(message, repeated, tag = "2")]
    children: Vec<NodeTwin>,
    #[prost(message, optional, boxed, tag = "3")]
    next: Option<Box<NodeTwin>>,
}

/// A generic type that contains itself, with lengths of one, two and three bytes inside each other.
#[test]
fn recursion_and_generics() {
    fn ours(depth: usize) -> Node<String> {
        let children = if depth == 0 {
            vec![]
        } else {
            vec![ours(depth - 1), ours(0)]
        };
        let next = (depth > 3).then(|| Box::new(ours(depth - 2)));
        Node {
            value: "v".repeat(40 * depth),
            children,
            next,
        }
    }
    fn twin(depth: usize) -> NodeTwin {
        let children = if depth == 0 {
            vec![]
        } else {
            vec![twin(depth - 1), twin(0)]
        };
        let next = (depth > 3).then(|| Box::new(twin(depth - 2)));
        NodeTwin {
            value: "v".repeat(40 * depth),
            children,
            next,
        }
    }
    for depth in [0, 1, 5, 15] {
        twins(ours(depth), twin(depth));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Message)]
#[rpc(crate = "::idl", transparent)]
struct CustomerId(u64);

/// A transparent newtype is its inner type, also as a map's key; a `Result` is a oneof of two.
#[test]
fn newtypes_and_results() {
    #[derive(Clone, PartialEq, Twin)]
    struct MapTwin {
        #[prost(btree_map = "uint64, uint64", tag = "1")]
        value: BTreeMap<u64, u64>,
    }
    #[derive(Clone, PartialEq, Twin)]
    struct ResultTwin {
        #[prost(oneof = "Either", tags = "1, 2")]
        either: Option<Either>,
    }
    #[derive(Clone, PartialEq, prost::Oneof)]
    enum Either {
        #[prost(uint32, tag = "1")]
        Ok(u32),
        #[prost(string, tag = "2")]
        Err(String),
    }
    let map = BTreeMap::from([(CustomerId(7), CustomerId(8))]);
    twins(
        map,
        MapTwin {
            value: BTreeMap::from([(7, 8)]),
        },
    );
    twins(
        Ok::<u32, String>(0),
        ResultTwin {
            either: Some(Either::Ok(0)),
        },
    );
    twins(
        Err::<u32, String>("no".into()),
        ResultTwin {
            either: Some(Either::Err("no".into())),
        },
    );
}

/// A peer that is newer sends fields that we do not know, groups of old among them: they are stepped over.
#[test]
fn unknown_fields_are_skipped() {
    #[derive(Clone, PartialEq, Twin)]
    struct Newer {
        #[prost(sint32, tag = "1")]
        x: i32,
        #[prost(sint32, tag = "2")]
        y: i32,
        #[prost(string, tag = "3")]
        a: String,
        #[prost(fixed32, tag = "4")]
        b: u32,
        #[prost(fixed64, tag = "5")]
        c: u64,
        #[prost(uint64, tag = "1000")]
        d: u64,
        #[prost(group, optional, tag = "7")]
        e: Option<PointTwin>,
    }
    let e = Some(PointTwin { x: 5, y: 6 });
    let newer = Newer {
        x: 1,
        y: 2,
        a: "a".into(),
        b: 1,
        c: 2,
        d: u64::MAX,
        e,
    };
    let point: Point = from_slice(&newer.encode_to_vec()).unwrap();
    assert_eq!(point, Point { x: 1, y: 2 });
}

/// A message that comes in two parts is merged: the later scalars count, lists add up, oneofs are replaced.
#[test]
fn parts_are_merged_as_prost_merges_them() -> Result<(), DecodeError> {
    let parts = [
        NodeTwin {
            value: "first".into(),
            children: vec![NodeTwin::default()],
            next: Some(Box::new(NodeTwin {
                value: "kept".into(),
                ..Default::default()
            })),
        },
        NodeTwin {
            value: "second".into(),
            children: vec![NodeTwin {
                value: "c".into(),
                ..Default::default()
            }],
            next: Some(Box::new(NodeTwin {
                children: vec![NodeTwin::default()],
                ..Default::default()
            })),
        },
    ];
    let bytes = parts.map(|part| part.encode_to_vec()).concat();
    let merged = NodeTwin::decode(&*bytes).unwrap();
    assert_eq!(merged.next.as_ref().unwrap().value, "kept");
    let ours: Node<String> = from_slice(&bytes)?;
    assert_eq!(to_vec(&ours).unwrap(), merged.encode_to_vec());
    Ok(())
}
