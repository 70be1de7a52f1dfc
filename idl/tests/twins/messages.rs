//! Messages in messages: recursion, generics, newtypes, unknown fields, parts.

use super::{Point, PointTwin, twins};
use idl::{DecodeError, from_slice, to_vec};
use prost::Message as Twin;
use rpc_macros::Message;
use std::collections::BTreeMap;

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
        let children = if depth == 0 { vec![] } else { vec![ours(depth - 1), ours(0)] };
        let next = (depth > 3).then(|| Box::new(ours(depth - 2)));
        Node { value: "v".repeat(40 * depth), children, next }
    }
    fn twin(depth: usize) -> NodeTwin {
        let children = if depth == 0 { vec![] } else { vec![twin(depth - 1), twin(0)] };
        let next = (depth > 3).then(|| Box::new(twin(depth - 2)));
        NodeTwin { value: "v".repeat(40 * depth), children, next }
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
    twins(map, MapTwin { value: BTreeMap::from([(7, 8)]) });
    twins(Ok::<u32, String>(0), ResultTwin { either: Some(Either::Ok(0)) });
    twins(Err::<u32, String>("no".into()), ResultTwin { either: Some(Either::Err("no".into())) });
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
    let newer = Newer { x: 1, y: 2, a: "a".into(), b: 1, c: 2, d: u64::MAX, e };
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
            next: Some(Box::new(NodeTwin { value: "kept".into(), ..Default::default() })),
        },
        NodeTwin {
            value: "second".into(),
            children: vec![NodeTwin { value: "c".into(), ..Default::default() }],
            next: Some(Box::new(NodeTwin { children: vec![NodeTwin::default()], ..Default::default() })),
        },
    ];
    let bytes = parts.map(|part| part.encode_to_vec()).concat();
    let merged = NodeTwin::decode(&*bytes).unwrap();
    assert_eq!(merged.next.as_ref().unwrap().value, "kept");
    let ours: Node<String> = from_slice(&bytes)?;
    assert_eq!(to_vec(&ours).unwrap(), merged.encode_to_vec());
    Ok(())
}
