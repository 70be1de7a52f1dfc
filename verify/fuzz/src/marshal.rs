//! Everything that can travel in a call, and the description of an interface: any bytes are read as a value or refused;
//! what was read can be written, and is read again as the same.
//!
//! The first byte of an input says as what the rest is read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use allocation_counter::opt_out;
use idl::{Bytes, DecodeError, Interface, Reader, Text, compare, decode_message, from_slice, to_vec};
use rpc_runtime::Message;
use uuid::Uuid;

use crate::bounds::{twice, within};
use crate::caller_handshake::known_interface;

/// Memory that a byte of a list may take: an element of 32 bytes, a pair of a number and a text, for two bytes.
const LIST_BYTES: u64 = 16;
/// Memory that a byte of a map may take: room for eleven pairs of a few hundred bytes, for one pair of four bytes.
const MAP_BYTES: u64 = 1000;
/// Memory that a byte of a description may take: a message without anything in it, for two bytes.
const DESCRIPTION_BYTES: u64 = 120;

/// What costs no more than twice its bytes.
#[derive(Debug, Clone, PartialEq, Message)]
struct Plain {
    numbers: (u8, u16, u32, u64, usize, i8, i16, i32, i64, isize),
    bool: bool,
    char: char,
    floats: (f32, f64),
    string: String,
    text: Text,
    vec: Vec<u8>,
    bytes: Bytes,
    duration: Duration,
    time: SystemTime,
    nothing: (),
    optional: Option<u32>,
    twice_optional: Option<Option<String>>,
    /// Whose absence is an error.
    strict: Option<Strict>,
    kind: Kind,
    foreign: Foreign,
    pointers: (Box<u16>, Arc<String>),
    figure: Option<Figure>,
    #[rpc(tag = 1000)]
    id: Id,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct Strict {
    array: [u8; 7],
    uuid: Uuid,
    result: Result<u8, String>,
}

/// The integer types of a foreign `.proto`.
#[derive(Debug, Clone, PartialEq, Message)]
struct Foreign {
    #[rpc(as = "int32")]
    int32: u8,
    #[rpc(as = "int64")]
    int64: i64,
    #[rpc(as = "fixed32")]
    fixed32: Option<u32>,
    #[rpc(as = "fixed64")]
    fixed64: u64,
    #[rpc(as = "sfixed32")]
    sfixed32: i16,
    #[rpc(as = "sfixed64")]
    sfixed64: isize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Message)]
enum Kind {
    #[default]
    Small,
    #[rpc(tag = 7)]
    Large,
    #[rpc(other)]
    Other,
}

#[derive(Debug, Clone, PartialEq, Message)]
enum Figure {
    Point,
    Circle { radius: f64 },
    Named(String),
    Inside(Box<Figure>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Message)]
#[rpc(transparent)]
struct Id(u64);

/// What costs the size of its elements.
#[derive(Debug, Clone, PartialEq, Message)]
struct Lists {
    numbers: Vec<u64>,
    small: Vec<i16>,
    floats: Vec<f32>,
    bools: Vec<bool>,
    chars: Vec<char>,
    kinds: Vec<Kind>,
    ids: Vec<Id>,
    #[rpc(as = "sfixed64")]
    foreign: Vec<i64>,
    strings: Vec<String>,
    texts: Vec<Text>,
    rows: Vec<Vec<u16>>,
    sparse: Vec<Option<i64>>,
    pairs: Vec<(u8, String)>,
    nothings: Vec<()>,
    figures: Vec<Figure>,
    trees: Vec<Tree<Vec<u8>>>,
}

#[derive(Debug, Clone, PartialEq, Message)]
enum Tree<T> {
    None,
    Leaf(T),
    Both { left: Arc<Tree<T>>, right: Vec<Tree<T>> },
}

/// What costs the tables that hold it. Without floats: a NaN in them would not equal itself, and their order is not that
/// of the bytes.
#[derive(Debug, Clone, PartialEq, Message)]
struct Maps {
    ordered: BTreeMap<String, u32>,
    by_pair: BTreeMap<(u8, i8), bool>,
    hashed: HashMap<u32, char>,
    lists: HashMap<String, Vec<u8>>,
    set: BTreeSet<String>,
    packed: BTreeSet<i32>,
    hashed_set: HashSet<u64>,
    results: BTreeMap<i64, Result<Option<Kind>, String>>,
    within: BTreeMap<u8, Maps>,
}

/// One input.
pub fn run(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let allowed = |for_a_byte: u64| twice(bytes.len()) + for_a_byte * bytes.len() as u64;
    match kind % 4 {
        // Compared by their bytes, for a NaN is not equal to itself.
        0 => read(bytes, allowed(0), to_vec::<Plain>),
        1 => read(bytes, allowed(LIST_BYTES), to_vec::<Lists>),
        // Compared by their values, for a hash map has no order.
        2 => read(bytes, allowed(MAP_BYTES), Maps::clone),
        _ => description(bytes, allowed(DESCRIPTION_BYTES)),
    }
}

/// Reads bytes as a value, from a slice and from a frame.
fn read<T: Message, E: PartialEq + Debug>(bytes: &[u8], allowed: u64, essence: impl Fn(&T) -> E) {
    let check = |read: &Result<T, DecodeError>| {
        if let Ok(value) = read {
            let written = to_vec(value).expect("what was read can be written");
            let again = from_slice::<T>(&written).expect("what was written can be read");
            assert_eq!(essence(&again), essence(value), "written and read again it is another value");
        }
    };
    let frame = Bytes::copy_from_slice(bytes);
    // What the comparison takes does not count.
    within(allowed, || {
        let value = from_slice(bytes);
        opt_out(|| check(&value));
    });
    within(allowed, || {
        let value = decode_message(&mut Reader::of_frame(&frame));
        opt_out(|| check(&value));
    });
}

/// Reads bytes as the description of an interface, and compares it with another one, as an importer does.
fn description(bytes: &[u8], allowed: u64) {
    let mine = known_interface();
    within(allowed, || {
        let Ok(theirs) = Interface::from_bytes(bytes) else {
            return;
        };
        let changes = compare(mine, &theirs);
        assert!(changes.is_empty() || mine.fingerprint() != theirs.fingerprint(), "one fingerprint, and {changes:?}");
        black_box(compare(&theirs, mine));
        opt_out(|| {
            let again = Interface::from_bytes(&theirs.to_bytes()).expect("what was written can be read");
            assert_eq!(again, theirs, "written and read again it is another description");
        });
    });
}
