//! Text, bytes, lists and sets.

use super::twins;
use idl::{Bytes, Text, from_slice, to_vec};
use prost::Message as Twin;
use rpc_macros::Message;
use std::collections::{BTreeSet, HashSet};

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
    let twin = Unpacked { numbers: vec![1, -1, 0], fixed: vec![7, 8] };
    let ours = Ours { numbers: vec![1, -1, 0], fixed: vec![7, 8] };
    let mut bytes = twin.encode_to_vec();
    assert_eq!(from_slice::<Ours>(&bytes).unwrap(), ours);
    bytes.extend(to_vec(&ours).unwrap());
    assert_eq!(from_slice::<Ours>(&bytes).unwrap().numbers, [1, -1, 0, 1, -1, 0]);
}
