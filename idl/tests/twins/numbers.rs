//! Numbers of every width, and those of foreign files.

use super::twins;
use idl::{from_slice, to_vec};
use prost::Message as Twin;
use rpc_macros::Message;

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
    let zero =
        Numbers { a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0, i: 0, j: 0, k: 0.0, l: 0.0, m: false, n: '\0' };
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
        Foreign { a: -1, b: i64::MIN, c: 7, d: Some(0), e: e.clone(), f: -2, g: g.clone() },
        ForeignTwin { a: -1, b: i64::MIN, c: 7, d: Some(0), e, f: -2, g },
    );
    let none = Foreign { a: 0, b: 0, c: 0, d: None, e: vec![], f: 0, g: vec![] };
    twins(none, ForeignTwin::default());
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Wider {
    #[rpc(as = "int32")]
    a: u32,
}

/// What fits the Rust type and not the foreign one is not read: it could not be written again.
#[test]
fn foreign_integers_have_their_range() {
    let bytes = |a: i64| to_vec(&ForeignInt64 { a }).unwrap();
    assert_eq!(from_slice::<Wider>(&bytes(i32::MAX.into())), Ok(Wider { a: i32::MAX as u32 }));
    let error = from_slice::<Wider>(&bytes(i64::from(i32::MAX) + 1)).unwrap_err();
    assert_eq!(error.to_string(), "a: the number is out of range for int32");
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct ForeignInt64 {
    #[rpc(as = "int64")]
    a: i64,
}
