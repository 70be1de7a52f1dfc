//! The buffer that values are marshalled into: lengths, large values, limits, reuse.

use idl::{Bytes, EncodeError, Message, Piece, Reader, Text, Writer, decode_message, encode_message};
use rpc_macros::Message;

/// From this length on, `Bytes` are not copied.
const LARGE: usize = 16 * 1024;

fn pieces(out: &Writer) -> Vec<Piece<'_>> {
    out.pieces().collect()
}

/// Large `Bytes` are handed out as they are, small ones are copied; in order, and without empty pieces.
#[test]
fn large_bytes_are_not_copied() {
    let (large, small) = (Bytes::from(vec![7; LARGE]), Bytes::from_static(b"small"));
    let mut out = Writer::new();
    out.put_bytes(&large);
    out.put_bytes(&small);
    out.put_bytes(&large);
    out.put_bytes(&large);
    assert_eq!(out.len(), 3 * LARGE + 5);
    let expected = [Piece::Bytes(&large), Piece::Slice(b"small"), Piece::Bytes(&large), Piece::Bytes(&large)];
    assert_eq!(pieces(&out), expected);
    let Piece::Bytes(first) = pieces(&out)[0] else { panic!("the first piece is not copied") };
    assert_eq!(first.as_ptr(), large.as_ptr());
    assert_eq!(out.to_vec(), [&*large, b"small", &large, &large].concat());
    assert_eq!(out.to_vec(), out.into_bytes());
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Parcel {
    name: String,
    payload: Bytes,
    text: Text,
    inner: Option<Box<Parcel>>,
    last: u32,
}

fn parcel(sizes: &[usize]) -> Parcel {
    let (first, rest) = sizes.split_first().expect("at least one size");
    Parcel {
        name: "parcel".into(),
        payload: vec![3; *first].into(),
        text: "t".repeat(first / 2).into(),
        inner: (!rest.is_empty()).then(|| Box::new(parcel(rest))),
        last: 9,
    }
}

/// A length counts the large values inside it, however deep, and moves them along when it is widened.
#[test]
fn lengths_count_large_values() {
    for sizes in [&[LARGE, 1, LARGE][..], &[0, LARGE, 0, LARGE + 1], &[3 * LARGE, 127, 128, LARGE]] {
        let parcel = parcel(sizes);
        let mut out = Writer::new();
        out.put_slice(b"head");
        encode_message(&parcel, &mut out);
        assert_eq!(out.check(), Ok(()));
        assert!(pieces(&out).iter().any(|piece| matches!(piece, Piece::Bytes(_))));
        let bytes = out.to_vec();
        assert_eq!(bytes.len(), out.len());
        let read: Parcel = decode_message(&mut Reader::new(&bytes[4..])).unwrap();
        assert_eq!(read, parcel);
    }
}

/// Read from a frame, bytes and text are slices of it.
#[test]
fn a_frame_is_not_copied() {
    let mut out = Writer::new();
    encode_message(&parcel(&[LARGE]), &mut out);
    let frame = out.into_bytes();
    let read: Parcel = decode_message(&mut Reader::of_frame(&frame)).unwrap();
    let within = |slice: &[u8]| frame.as_ptr_range().contains(&slice.as_ptr());
    assert!(within(&read.payload) && within(read.text.as_bytes()));
    assert!(!within(read.name.as_bytes()));
}

/// Cutting back keeps what was written first, whether the end falls into a large value or between.
#[test]
fn truncate_keeps_the_first_bytes() {
    let mut whole = Writer::new();
    let fill = |out: &mut Writer| {
        out.put_slice(b"ab");
        out.put_bytes(&vec![1; LARGE].into());
        out.put_slice(b"cd");
        out.put_bytes(&vec![2; LARGE].into());
    };
    fill(&mut whole);
    let all = whole.to_vec();
    for length in [0, 1, 2, 3, LARGE + 1, LARGE + 2, LARGE + 3, LARGE + 4, LARGE + 5, all.len()] {
        let mut out = Writer::new();
        fill(&mut out);
        out.truncate(length);
        assert_eq!(out.len(), length);
        assert_eq!(out.to_vec(), all[..length]);
        out.put_slice(b"more");
        assert_eq!(out.to_vec(), [&all[..length], b"more"].concat());
    }
}

/// Large values that were sent are given back, and what is left stays in order.
#[test]
fn forget_large_keeps_what_is_not_sent() {
    let mut whole = Writer::new();
    whole.put_slice(b"ab");
    whole.put_bytes(&vec![1; LARGE].into());
    whole.put_slice(b"cd");
    whole.put_bytes(&vec![2; LARGE].into());
    let all = whole.to_vec();
    for length in [0, 1, 2, LARGE + 1, LARGE + 2, LARGE + 3, LARGE + 4, all.len() - 1, all.len()] {
        let mut out = Writer::new();
        whole.pieces().for_each(|piece| match piece {
            idl::Piece::Slice(bytes) => out.put_slice(bytes),
            idl::Piece::Bytes(bytes) => out.put_bytes(bytes),
        });
        let forgotten = out.forget_large(length);
        assert_eq!(forgotten, LARGE * (usize::from(length >= LARGE + 2) + usize::from(length == all.len())));
        assert_eq!(out.to_vec()[length - forgotten..], all[length..]);
    }
}

/// A large message becomes one value, which takes no more than it needs; a small one stays as it is.
#[test]
fn share_makes_one_large_value() {
    for length in [10, LARGE] {
        let mut out = Writer::new();
        out.put_slice(&vec![3; length - 1]);
        out.put_slice(&[4]);
        let all = out.to_vec();
        out.share();
        out.share();
        assert_eq!(out.to_vec(), all);
        assert_eq!(matches!(out.pieces().next(), Some(idl::Piece::Bytes(_))), length == LARGE);
        assert!(length != LARGE || out.held() == length);
    }
}

#[derive(Debug, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Chain(Option<Box<Chain>>);

fn chain(links: usize) -> Chain {
    (1..links).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner))))
}

/// 64 messages in each other may be written and read; one more is an error on both sides, not an overflow.
#[test]
fn depth_is_limited_on_both_sides() {
    // The outermost message is not in another one.
    let deepest = chain(65);
    let bytes = idl::to_vec(&deepest).unwrap();
    assert_eq!(idl::from_slice::<Chain>(&bytes).unwrap(), deepest);

    assert_eq!(idl::to_vec(&chain(66)), Err(EncodeError::TooDeep));
    assert_eq!(idl::to_vec(&chain(2_000)), Err(EncodeError::TooDeep));
    let mut deeper = Writer::new();
    deeper.message(1, |out| out.put_slice(&bytes));
    let error = idl::from_slice::<Chain>(&deeper.to_vec()).unwrap_err();
    assert!(error.to_string().ends_with("messages sit more than 64 deep in each other"), "{error}");
}

/// A fault is kept until the writer is cleared or cut back; then it serves again.
#[test]
fn faults_are_kept_until_cleared() {
    let mut out = Writer::new();
    encode_message(&chain(100), &mut out);
    assert_eq!(out.check(), Err(EncodeError::TooDeep));
    1_u32.encode(1, &mut out);
    assert_eq!(out.check(), Err(EncodeError::TooDeep));
    out.truncate(0);
    assert_eq!(out.check(), Ok(()));
    encode_message(&chain(100), &mut out);
    out.clear();
    assert_eq!((out.check(), out.len()), (Ok(()), 0));
    7_u32.encode(1, &mut out);
    assert_eq!(out.to_vec(), [8, 7]);
}

/// A number that the chosen type on the wire cannot say is an error, not another number.
#[test]
fn foreign_integers_out_of_range_are_refused() {
    #[derive(Message)]
    #[rpc(crate = "::idl")]
    struct Ours(#[rpc(as = "int32")] u64);
    assert!(idl::to_vec(&Ours(i32::MAX as u64)).is_ok());
    let error = idl::to_vec(&Ours(i32::MAX as u64 + 1)).unwrap_err();
    assert_eq!(error.to_string(), "the value is out of range for int32");
    let error = idl::to_vec(&(std::time::Duration::MAX,)).unwrap_err();
    assert_eq!(error, EncodeError::OutOfRange("a duration"));
}
