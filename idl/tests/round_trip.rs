//! Whatever a value is, it comes back; whatever bytes are, they are read or refused.

use idl::{Bytes, Message, Text, from_slice, to_vec};
use proptest::collection::{btree_map, btree_set, hash_map, vec};
use proptest::prelude::*;
use rpc_macros::Message;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

fn comes_back<T: Message + PartialEq + Debug>(value: T) -> Result<(), TestCaseError> {
    let bytes = to_vec(&value).expect("not too deep");
    prop_assert_eq!(from_slice::<T>(&bytes).expect("what was just written"), value);
    Ok(())
}

/// As a message, in a list, as an option's, a map's and a variant's value.
fn comes_back_anywhere<T: Message + PartialEq + Debug + Clone>(value: T) -> Result<(), TestCaseError> {
    comes_back(value.clone())?;
    comes_back(vec![value.clone(), value.clone()])?;
    comes_back(Some(value.clone()))?;
    comes_back(Some(Some(value.clone())))?;
    comes_back(BTreeMap::from([(1_u8, value.clone())]))?;
    comes_back((1_u32, value.clone(), Box::new(value.clone())))?;
    comes_back(Tree::Leaf(value.clone()))?;
    comes_back(Tree::Both { left: Arc::new(Tree::None), right: vec![Tree::Leaf(value)] })
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
enum Tree<T> {
    None,
    Leaf(T),
    Both { left: Arc<Tree<T>>, right: Vec<Tree<T>> },
}

/// Every integer type of a foreign `.proto`.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Foreign {
    #[rpc(as = "int32")]
    a: u8,
    #[rpc(as = "int32")]
    b: i32,
    #[rpc(as = "int64")]
    c: i64,
    #[rpc(as = "fixed32")]
    d: Option<u32>,
    #[rpc(as = "fixed64")]
    e: u64,
    #[rpc(as = "sfixed32")]
    f: i16,
    #[rpc(as = "sfixed64")]
    g: isize,
    #[rpc(as = "int32")]
    h: Vec<i32>,
    #[rpc(as = "fixed64")]
    i: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Message)]
#[rpc(crate = "::idl", transparent)]
struct Id(u64);

#[derive(Debug, Clone, Copy, PartialEq, Default, Message)]
#[rpc(crate = "::idl")]
enum Kind {
    #[default]
    Red,
    #[rpc(tag = 7)]
    Green,
    #[rpc(other)]
    Other,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Bitmap {
    ids: Vec<Id>,
    kinds: Vec<Kind>,
    set: std::collections::BTreeSet<i16>,
}

fn time() -> impl Strategy<Value = SystemTime> {
    (any::<bool>(), any::<u32>(), 0..1_000_000_000_u32).prop_map(|(after, seconds, nanos)| {
        let distance = Duration::new(seconds.into(), nanos);
        if after { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn unsigned(v in any::<(u8, u16, u32, u64, usize)>()) {
        comes_back_anywhere(v)?;
        comes_back_anywhere(v.0)?;
        comes_back_anywhere(v.3)?;
    }

    #[test]
    fn signed(v in any::<(i8, i16, i32, i64, isize)>()) {
        comes_back_anywhere(v)?;
        comes_back_anywhere(v.1)?;
        comes_back_anywhere(v.4)?;
    }

    #[test]
    fn floats_bools_chars(v in any::<(f32, f64, bool, char)>()) {
        comes_back_anywhere(v)?;
        comes_back_anywhere(v.1)?;
        comes_back_anywhere(v.3)?;
    }

    #[test]
    fn text(v in any::<String>()) {
        comes_back_anywhere(Text::from(&*v))?;
        comes_back_anywhere(v)?;
    }

    #[test]
    fn bytes(v in any::<Vec<u8>>(), array in any::<[u8; 7]>(), id in any::<u128>()) {
        comes_back_anywhere(Bytes::from(v.clone()))?;
        comes_back_anywhere(v)?;
        comes_back_anywhere(array)?;
        comes_back_anywhere(Uuid::from_u128(id))?;
    }

    #[test]
    fn lists(numbers in any::<Vec<i64>>(), texts in vec(any::<String>(), 0..5),
             rows in vec(any::<Vec<u16>>(), 0..5), sparse in vec(any::<Option<f64>>(), 0..20),
             set in any::<HashSet<u32>>(), ordered in btree_set(any::<String>(), 0..5)) {
        comes_back_anywhere(numbers)?;
        comes_back_anywhere(texts)?;
        comes_back_anywhere(rows)?;
        comes_back_anywhere(sparse)?;
        comes_back_anywhere(set)?;
        comes_back_anywhere(ordered)?;
    }

    #[test]
    fn maps(by_text in hash_map(any::<String>(), any::<Vec<u8>>(), 0..5),
            by_number in any::<BTreeMap<i32, Option<bool>>>(),
            by_pair in btree_map(any::<(u8, char)>(), vec(any::<String>(), 0..3), 0..5)) {
        comes_back_anywhere(by_text)?;
        comes_back_anywhere(by_number)?;
        comes_back_anywhere(by_pair)?;
    }

    #[test]
    fn options_results_tuples(option in any::<Option<Option<u32>>>(),
                              result in any::<Result<Option<String>, i64>>(),
                              twelve in any::<(u8, bool, char, i8, u16, f32)>()) {
        comes_back_anywhere(option)?;
        comes_back_anywhere(result)?;
        let (a, b, c, d, e, f) = twelve;
        comes_back((a, b, c, d, e, f, (), a, (a,), [a], Some(b), vec![(c, d)]))?;
    }

    #[test]
    fn times(duration in (any::<u32>(), 0..1_000_000_000_u32), time in time()) {
        comes_back_anywhere(Duration::new(duration.0.into(), duration.1))?;
        comes_back_anywhere(time)?;
    }

    #[test]
    fn foreign_integers(a in any::<(u8, i32, i64, Option<u32>)>(), b in any::<(u64, i16, isize)>(), c in any::<(Vec<i32>, Vec<u64>)>()) {
        let foreign = Foreign { a: a.0, b: a.1, c: a.2, d: a.3, e: b.0, f: b.1, g: b.2, h: c.0, i: c.1 };
        comes_back_anywhere(foreign)?;
    }

    #[test]
    fn derived_kinds(number in any::<u64>(), kinds in vec(0..3_usize, 0..9), set in btree_set(any::<i16>(), 0..9)) {
        let kinds: Vec<Kind> = kinds.into_iter().map(|kind| [Kind::Red, Kind::Green, Kind::Other][kind]).collect();
        comes_back_anywhere(Id(number))?;
        comes_back_anywhere(Bitmap { ids: vec![Id(number), Id(0)], kinds, set })?;
        comes_back_anywhere(())?;
    }

    /// Bytes that can be read at all are a value: written and read again it is the same.
    #[test]
    fn what_can_be_read_can_be_written(bytes in vec(any::<u8>(), 0..60)) {
        type Odd = (Vec<i32>, Option<String>, BTreeMap<u8, Vec<bool>>, Vec<u8>, Option<(char, u16)>);
        if let Ok(value) = from_slice::<Odd>(&bytes) {
            comes_back(value)?;
        }
        if let Ok(value) = from_slice::<Tree<u32>>(&bytes) {
            comes_back(value)?;
        }
    }
}

/// Numbers out of their type's range, and characters that are none, are refused and name the field.
#[test]
fn out_of_range_is_an_error() {
    let error = from_slice::<(u32, u8)>(&to_vec(&(7_u32, 256_u32)).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "field_2: the number is out of range for u8");
    assert_eq!(error.path(), "field_2");
    assert_eq!(size_of_val(&error), size_of::<usize>());
    assert!(from_slice::<i16>(&to_vec(&40_000_i32).unwrap()).is_err());
    assert!(from_slice::<u32>(&to_vec(&u64::MAX).unwrap()).is_err());
    assert!(from_slice::<char>(&to_vec(&0xd800_u32).unwrap()).is_err());
    assert!(from_slice::<String>(&to_vec(&vec![0xff_u8]).unwrap()).is_err());
    assert!(from_slice::<[u8; 4]>(&to_vec(&[0_u8; 5]).unwrap()).is_err());
}

/// What has no default must be there.
#[test]
fn absence_is_told() {
    for error in [
        from_slice::<([u8; 4],)>(&[]).unwrap_err(),
        from_slice::<(Uuid,)>(&[]).unwrap_err(),
        from_slice::<(Tree<u8>,)>(&[]).unwrap_err(),
        from_slice::<(Result<u8, u8>,)>(&[]).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "field_1: it is absent, and its type has no default");
    }
    let empty: (Vec<u8>, Option<u8>, BTreeMap<u8, u8>, String, ()) = from_slice(&[]).unwrap();
    assert_eq!(empty, Default::default());
}
