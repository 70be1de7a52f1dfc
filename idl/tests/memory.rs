//! What bytes from a stranger cost: memory follows the bytes that came, not the lengths that they claim. And
//! what writing costs: nothing, with a buffer that was used before.

use allocation_counter::measure;
use idl::{Bytes, Message, Reader, Writer, decode_message, encode_message, from_slice, to_vec};
use rpc_macros::Message;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// A value of nearly every kind of type.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Everything {
    id: u64,
    name: String,
    bytes: Vec<u8>,
    slice: Bytes,
    array: [u8; 8],
    numbers: Vec<i32>,
    floats: Vec<f32>,
    texts: Vec<String>,
    rows: Vec<Vec<u16>>,
    sparse: Vec<Option<i64>>,
    map: BTreeMap<String, Everything>,
    ids: HashMap<u32, char>,
    set: HashSet<u64>,
    pairs: BTreeMap<(u8, i8), bool>,
    kind: Kind,
    figure: Option<Figure>,
    when: SystemTime,
    took: Duration,
    next: Option<Box<Everything>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Message)]
#[rpc(crate = "::idl")]
enum Kind {
    #[default]
    Small,
    Large,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
enum Figure {
    Point,
    Circle { radius: f64 },
    Many(Vec<Figure>),
}

fn everything(depth: usize) -> Everything {
    let inner = || Box::new(everything(depth - 1));
    Everything {
        id: u64::MAX,
        name: "everything".repeat(depth),
        bytes: vec![1; 20 * depth],
        slice: vec![2; 30].into(),
        array: [3; 8],
        numbers: vec![i32::MIN, 0, 1, 2],
        floats: vec![1.0, -0.0],
        texts: vec!["a".into(), String::new()],
        rows: vec![vec![], vec![1, 2, 40_000]],
        sparse: vec![None, Some(-1)],
        map: (depth > 0).then(|| ("k".into(), *inner())).into_iter().collect(),
        ids: HashMap::from([(7, 'x')]),
        set: HashSet::from([1, 2, 3]),
        pairs: BTreeMap::from([((1, -1), true)]),
        kind: Kind::Large,
        figure: Some(Figure::Many(vec![Figure::Point, Figure::Circle { radius: 2.0 }])),
        when: SystemTime::UNIX_EPOCH,
        took: Duration::from_millis(1_500),
        next: (depth > 1).then(inner),
    }
}

/// Reads bytes as that and as some other types; never panics, never costs more memory than allowed.
#[track_caller]
fn survives(bytes: &[u8]) {
    let limit = 2 * bytes.len() as u64 + 64 * 1024;
    let frame = Bytes::copy_from_slice(bytes);
    let cost = measure(|| {
        black_box(from_slice::<Everything>(bytes).is_ok());
        black_box(decode_message::<Everything>(&mut Reader::of_frame(&frame)).is_ok());
        black_box(from_slice::<Figure>(bytes).is_ok());
        black_box(from_slice::<Result<Everything, Kind>>(bytes).is_ok());
        black_box(from_slice::<(Duration, SystemTime, char, u8)>(bytes).is_ok());
        black_box(idl::Interface::from_bytes(bytes).is_ok());
    });
    assert!(cost.bytes_max <= limit, "{} bytes cost {}", bytes.len(), cost.bytes_max);
}

/// Bytes that end too early, at each place.
#[test]
fn every_truncation_is_survived() {
    let bytes = to_vec(&everything(3)).unwrap();
    assert_eq!(from_slice::<Everything>(&bytes).unwrap(), everything(3));
    for length in 0..bytes.len() {
        survives(&bytes[..length]);
    }
}

/// Each byte replaced by others: lengths become giant, keys and forms wrong, numbers endless.
#[test]
fn every_changed_byte_is_survived() {
    let bytes = to_vec(&everything(1)).unwrap();
    for place in 0..bytes.len() {
        for byte in [0, 1, 0x0b, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] = byte;
            survives(&changed);
        }
    }
}

/// A length of up to 2⁶⁴ at the start of each field of each number, with nothing behind it.
#[test]
fn giant_lengths_cost_nothing() {
    for tag in 0..24_u64 {
        for wire in 0..8 {
            for length in [1 << 20, 1 << 31, 1 << 40, 1 << 62, u64::MAX] {
                let mut out = Writer::new();
                out.varint(tag << 3 | wire);
                out.varint(length);
                out.put_slice(b"some bytes all the same");
                survives(&out.to_vec());
            }
        }
    }
}

/// Messages in messages, and groups in groups, a million deep.
#[test]
fn depth_bombs_are_refused() {
    // A group starts, and starts, and starts.
    survives(&[0x0b; 1 << 20]);
    // `next` in `next`: each message spans all the rest of the bytes.
    let mut bomb = Vec::new();
    for _ in 0..2_000 {
        let mut out = Writer::new();
        out.key(19, idl::Wire::Len);
        out.bytes_value(&bomb);
        bomb = out.to_vec();
    }
    survives(&bomb);
    let error = from_slice::<Everything>(&bomb).unwrap_err();
    assert!(error.to_string().ends_with("more than 64 deep in each other"), "{error}");
}

/// A number of more than ten bytes, or of more than 64 bits.
#[test]
fn endless_numbers_are_refused() {
    for length in 1..20 {
        let mut bytes = vec![0x08];
        bytes.extend(vec![0xff; length]);
        survives(&bytes);
        assert!(from_slice::<u64>(&bytes).is_err());
        bytes.push(0x01);
        survives(&bytes);
        assert_eq!(from_slice::<u64>(&bytes).is_ok(), length <= 9, "{length} and one");
    }
    assert_eq!(from_slice::<u64>(&[8, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 2]).ok(), None);
    // Zero, said in ten bytes, is still zero.
    let long_zero = [8, 0x80, 128, 128, 128, 128, 128, 128, 128, 128, 0];
    assert_eq!(from_slice::<u64>(&long_zero).unwrap(), 0);
}

/// Bytes without any sense; every run the same.
#[test]
fn noise_is_survived() {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for round in 0..5_000 {
        let bytes: Vec<u8> = (0..round % 200).map(|_| noise()).collect();
        survives(&bytes);
    }
}

/// The price of a list is its elements: they take their size, and not a byte more.
#[test]
fn lists_cost_their_elements() {
    let bytes = to_vec(&vec![1_u64; 100_000]).unwrap();
    let cost = measure(|| drop(black_box(from_slice::<Vec<u64>>(&bytes))));
    assert_eq!((cost.count_total, cost.bytes_max), (1, 800_000));

    let bytes = to_vec(&vec![String::new(); 100_000]).unwrap();
    let cost = measure(|| drop(black_box(from_slice::<Vec<String>>(&bytes))));
    assert_eq!((cost.count_total, cost.bytes_max), (1, 2_400_000));
}

/// A list that comes in many parts, each of one element, is not copied for each part.
#[test]
fn a_list_in_parts_is_not_copied_again_and_again() {
    // The same message field, many times: its parts are merged.
    let bytes = b"\x0a\x02\x0a\x00".repeat(50_000);
    let cost = measure(|| {
        let (list,): (Option<(Vec<String>,)>,) = from_slice(&bytes).unwrap();
        assert_eq!(list.unwrap().0.len(), 50_000);
    });
    assert!(cost.count_total < 100, "{cost:?}");
}

/// A description of many types with long names around them, and of many fields of a type with a long name, costs what
/// its types and fields take, and not the length of the names times their number.
#[test]
fn long_names_are_not_multiplied() {
    use idl::descriptor::{FieldDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor, ServiceDescriptor};
    let mine = {
        let build = idl::Interface::build("p", "Store", "");
        build.method("Get", "", idl::MethodKind::Plain, |method| method.argument::<u32>(1, "id")).finish()
    };
    let long = "x".repeat(100_000);
    let nested = (0..5_000).map(|i| MessageDescriptor { name: i.to_string(), ..Default::default() });
    let field = (1..5_000).map(|number| FieldDescriptor { number, ..Default::default() });
    let outer = MessageDescriptor {
        name: long.clone(),
        field: field.collect(),
        nested_type: nested.collect(),
        ..Default::default()
    };
    let input_type = format!(".{long}.{long}");
    let method = vec![MethodDescriptor { name: "Get".into(), input_type, ..Default::default() }];
    let service = vec![ServiceDescriptor { name: "Store".into(), method, options: None }];
    let file = FileDescriptor { package: long, message_type: vec![outer], service, ..Default::default() };
    let bytes = to_vec(&file).unwrap();
    let cost = measure(|| {
        let theirs = idl::Interface::from_bytes(&bytes).unwrap();
        assert!(idl::compare(&mine, &theirs).iter().any(|change| change.breaking));
    });
    assert!(cost.bytes_max <= 12 << 20, "{} bytes cost {}", bytes.len(), cost.bytes_max);
}

/// Writing into a buffer that was used before allocates nothing.
#[test]
fn writing_allocates_nothing() {
    let value = everything(3);
    let mut out = Writer::new();
    encode_message(&value, &mut out);
    let cost = measure(|| {
        out.clear();
        encode_message(&value, &mut out);
    });
    assert_eq!(cost.count_total, 0);
}

/// A writer gives back what one large value took.
#[test]
fn a_large_value_does_not_hold_memory() {
    let mut out = Writer::new();
    let cost = measure(|| {
        out.put_slice(&vec![0; 1 << 20]);
        out.clear();
    });
    assert!(cost.bytes_current <= 64 * 1024, "{cost:?}");
}

/// Of a frame, text and bytes are not copied; the rest costs what it holds.
#[test]
fn slices_of_a_frame_are_free() {
    let mut out = Writer::new();
    Bytes::from(vec![1; 1000]).encode(1, &mut out);
    let frame = out.into_bytes();
    let cost = measure(|| drop(black_box(decode_message::<Bytes>(&mut Reader::of_frame(&frame)))));
    // `Bytes` of a vector makes itself shared once.
    assert!(cost.count_total <= 1, "{cost:?}");
}
