//! Every type, marshalled by us and by prost-derived structs of the same shape: the same bytes, and each reads
//! the other's.

mod enums;
mod lists;
mod messages;
mod numbers;
mod options;
mod times;

use idl::{from_slice, to_vec};
use prost::Message as Twin;
use rpc_macros::Message;
use std::fmt::Debug;

/// Same bytes, and each side reads them as its own value.
#[track_caller]
pub(crate) fn twins<A, B>(ours: A, prosts: B)
where
    A: idl::Message + PartialEq + Debug,
    B: Twin + Default + PartialEq + Debug,
{
    let bytes = to_vec(&ours).expect("not too deep");
    assert_eq!(bytes, prosts.encode_to_vec(), "{ours:?}");
    reads_each_other(ours, prosts);
}

/// Each side reads what the other wrote, whatever the bytes.
#[track_caller]
pub(crate) fn reads_each_other<A, B>(ours: A, prosts: B)
where
    A: idl::Message + PartialEq + Debug,
    B: Twin + Default + PartialEq + Debug,
{
    assert_eq!(from_slice::<A>(&prosts.encode_to_vec()).expect("what prost wrote"), ours);
    assert_eq!(B::decode(&*to_vec(&ours).expect("not too deep")).expect("what we wrote"), prosts);
}

#[derive(Debug, Clone, Copy, PartialEq, Message)]
#[rpc(crate = "::idl")]
pub(crate) struct Point {
    pub(crate) x: i32,
    pub(crate) y: i32,
}

#[derive(Clone, Copy, PartialEq, Twin)]
pub(crate) struct PointTwin {
    #[prost(sint32, tag = "1")]
    pub(crate) x: i32,
    #[prost(sint32, tag = "2")]
    pub(crate) y: i32,
}

#[derive(Clone, PartialEq, Twin)]
pub(crate) struct ListTwin {
    #[prost(uint32, repeated, tag = "1")]
    pub(crate) value: Vec<u32>,
}

#[derive(Clone, PartialEq, Twin)]
pub(crate) struct PairTwin {
    #[prost(uint32, tag = "1")]
    pub(crate) field_1: u32,
    #[prost(string, tag = "2")]
    pub(crate) field_2: String,
}
