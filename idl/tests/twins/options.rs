//! Presence, wrappers of containers in containers, tuples, pointers, maps.

use super::{ListTwin, PairTwin, Point, PointTwin, reads_each_other, twins};
use idl::to_vec;
use prost::Message as Twin;
use rpc_macros::Message;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

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
            rows: vec![ListTwin { value: vec![] }, ListTwin { value: vec![1, 300] }],
            sparse: vec![
                TextTwin { value: None },
                TextTwin { value: Some(String::new()) },
                TextTwin { value: Some("x".into()) },
            ],
            pair: Some(PairTwin { field_1: 0, field_2: "p".into() }),
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
    twins(none, OptionsTwin { pair: Some(PairTwin::default()), ..Default::default() });
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
                EntryTwin { key: Some(PairTwin { field_1: 1, field_2: "a".into() }), value: Some(0) },
                EntryTwin { key: Some(PairTwin { field_1: 2, field_2: String::new() }), value: Some(7) },
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
