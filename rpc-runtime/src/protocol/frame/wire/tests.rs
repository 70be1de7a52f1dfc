use std::mem::discriminant;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::protocol::control::{Attach, Attached, Goodbye, Hello, LastCall, Reject, Rejection, Welcome};
use crate::protocol::id::{AttachNumber, Epoch, Incarnation, Owner, SessionId, Token};
use crate::protocol::testing::id;

/// No test needs larger frames.
const BYTES_MAX: usize = 1 << 20;

/// Every kind there is.
const KINDS: [u8; 20] = [
    HELLO,
    ATTACH,
    CALL,
    CANCEL,
    ACK,
    CLOSE,
    DESCRIBE,
    PING,
    WELCOME,
    ATTACHED,
    REJECT,
    ANSWER,
    PONG,
    GOODBYE,
    DESCRIPTION,
    ITEM_UP,
    ITEM_ACK_UP,
    ITEM_DOWN,
    ITEM_ACK_DOWN,
    STOP,
];

pub(crate) fn encoded(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

fn ids() -> impl Strategy<Value = CallId> {
    (any::<u16>(), any::<u64>()).prop_map(|(slot, sequence)| id(slot, sequence))
}

fn bodies() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..64).prop_map(Bytes::from)
}

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn calls() -> impl Strategy<Value = Frame> {
    (ids(), any::<bool>(), any::<bool>(), any::<u64>(), any::<u32>(), bodies()).prop_map(
        |(id, recorded, oneway, start_before, method, arguments)| {
            let start_before = CalleeTime(start_before);
            Frame::Call(Call { header: CallHeader { id, recorded, oneway, start_before, method }, arguments })
        },
    )
}

fn answers() -> impl Strategy<Value = Frame> {
    (ids(), 0_u8..9, any::<u64>(), any::<u16>(), bodies()).prop_map(|(id, status, clock, slots, body)| {
        let status = Status::from_wire(status).expect("there are nine");
        Frame::Answer(Answer { header: AnswerHeader { id, status, clock: CalleeTime(clock), slots }, body })
    })
}

fn streams() -> impl Strategy<Value = Frame> {
    let ways = || prop::sample::select(vec![Way::Up, Way::Down]);
    let ends = prop::sample::select(vec![None, Some(Status::Value), Some(Status::Error), Some(Status::Fault)]);
    prop_oneof![
        (ways(), ids(), any::<u64>(), ends, bodies())
            .prop_map(|(way, id, number, end, body)| Frame::Item(way, Item { id, number, end, body })),
        (ways(), ids(), any::<u64>(), any::<u64>()).prop_map(|(way, id, received, consumed)| Frame::ItemAck(
            way,
            id,
            Position { received, consumed }
        )),
        ids().prop_map(Frame::Stop),
    ]
}

fn openings() -> impl Strategy<Value = Frame> {
    let hello = (uuids(), prop::option::of(uuids()), ".*", ".*", prop::option::of(uuids()), any::<u16>(), any::<u32>())
        .prop_map(|(incarnation, owner, interface, instance, expect, slots, frame_bytes_max)| {
            Frame::Hello(Hello {
                incarnation: Incarnation::new(incarnation),
                owner: owner.map(Owner::new),
                interface,
                instance,
                expect: expect.map(Incarnation::new),
                slots,
                frame_bytes_max,
            })
        });
    let welcome = (
        uuids(),
        prop::option::of((uuids(), any::<u64>())),
        any::<u64>(),
        uuids(),
        any::<u16>(),
        any::<u32>(),
        uuids(),
    )
        .prop_map(|(incarnation, epoch, number, token, slots, bytes, fingerprint)| {
            Frame::Welcome(Welcome {
                incarnation: Incarnation::new(incarnation),
                epoch: epoch.map(|(registry, number)| Epoch { registry, number }),
                session: SessionId(number),
                token: Token::new(token),
                slots,
                lease: Duration::new(bytes.into(), bytes % 1_000_000_000),
                frame_bytes_max: bytes,
                clock: number,
                fingerprint,
            })
        });
    let attach = (uuids(), any::<u64>(), uuids(), any::<u64>()).prop_map(|(incarnation, session, token, number)| {
        let (incarnation, token) = (Incarnation::new(incarnation), Token::new(token));
        Frame::Attach(Attach { incarnation, session: SessionId(session), token, number: AttachNumber(number) })
    });
    prop_oneof![hello, welcome, attach, any::<u64>().prop_map(|clock| Frame::Attached(Attached { clock }))]
}

fn endings() -> impl Strategy<Value = Frame> {
    let why = prop_oneof![
        uuids().prop_map(|mine| Rejection::WrongIncarnation { mine: Incarnation::new(mine) }),
        any::<bool>().prop_map(|running| Rejection::UnknownSession { running }),
        prop::sample::select(vec![
            Rejection::Fenced,
            Rejection::Superseded,
            Rejection::NoSuchExport,
            Rejection::Draining,
            Rejection::Overload,
        ]),
    ];
    let last_call =
        (ids(), any::<bool>()).prop_map(|(CallId { slot, sequence }, refused)| LastCall { slot, sequence, refused });
    prop_oneof![
        (why, ".*").prop_map(|(why, text)| Frame::Reject(Reject { why, text })),
        (any::<bool>(), prop::collection::vec(last_call, 0..8)).prop_map(|(last, activities)| Frame::Goodbye(
            Goodbye { last, activities: activities.into_iter().collect() }
        )),
    ]
}

/// Every kind of frame, with anything in it.
pub(crate) fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![
        calls(),
        answers(),
        streams(),
        openings(),
        endings(),
        (ids(), any::<bool>()).prop_map(|(id, recorded)| Frame::Cancel { id, recorded }),
        ids().prop_map(Frame::Ack),
        any::<u64>().prop_map(|clock| Frame::Pong(CalleeTime(clock))),
        bodies().prop_map(Frame::Description),
        prop::sample::select(vec![Frame::Ping, Frame::Close, Frame::Describe]),
    ]
}

proptest! {
    /// What is written is what is read, and its length field says where it ends.
    #[test]
    fn frames_survive_the_wire(frame in frames()) {
        let bytes = encoded(&frame);
        prop_assert_eq!(frame_bytes(&bytes, BYTES_MAX), Ok(Some(bytes.len())));
        prop_assert_eq!(Frame::decode(Bytes::from(bytes)), Ok(frame));
    }

    /// A stream of frames may be cut anywhere: what came in whole is read, and the rest is waited for.
    #[test]
    fn a_stream_may_be_cut_at_any_byte(sent in prop::collection::vec(frames(), 1..4)) {
        let stream: Vec<u8> = sent.iter().flat_map(encoded).collect();
        for cut in 0..=stream.len() {
            let mut received = Vec::new();
            let mut rest = &stream[..cut];
            let mut is_whole = false;
            loop {
                match frame_bytes(rest, BYTES_MAX) {
                    Ok(Some(bytes)) if bytes <= rest.len() => {
                        received.push(Frame::decode(Bytes::copy_from_slice(&rest[..bytes])).expect("it is whole"));
                        rest = &rest[bytes..];
                    }
                    Ok(_) if is_whole => break,
                    Ok(_) => {
                        rest = &stream[cut - rest.len()..];
                        is_whole = true;
                    }
                    Err(error) => prop_assert!(false, "cut at {}: {}", cut, error),
                }
            }
            prop_assert_eq!(&received, &sent);
        }
    }

    /// Bytes from a peer never panic, whatever they are.
    #[test]
    fn arbitrary_bytes_never_panic(kind in prop::sample::select(&KINDS[..]), bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = frame_bytes(&bytes, BYTES_MAX);
        let _ = Frame::decode(Bytes::copy_from_slice(&bytes));
        let mut known = vec![0, 0, 0, 0, kind];
        known.extend(bytes);
        let _ = Frame::decode(Bytes::from(known));
    }

    /// A frame with one byte changed, or cut short, is an error or another frame of its kind, and never panics.
    #[test]
    fn damaged_frames_never_panic(frame in frames(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let bytes = encoded(&frame);
        let at = at.index(bytes.len());
        let mut damaged = bytes.clone();
        damaged[at] ^= flip;
        if let (Ok(other), true) = (Frame::decode(Bytes::from(damaged)), at != LENGTH_BYTES) {
            prop_assert_eq!(discriminant(&other), discriminant(&frame));
        }
        if let Ok(other) = Frame::decode(Bytes::copy_from_slice(&bytes[..at])) {
            prop_assert_eq!(discriminant(&other), discriminant(&frame));
        }
    }
}

/// Headers are written as the module's picture says: a peer of another build reads them.
#[test]
fn headers_have_their_layout() {
    let header = CallHeader {
        id: id(0x0102, 3),
        recorded: false,
        oneway: true,
        start_before: CalleeTime(4),
        method: 0x0506_0708,
    };
    let mut expected = vec![24 + 9, 0, 0, 0, 3, 3, 2, 1, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5];
    assert_eq!(header.encode(9).to_vec(), expected);
    let header = AnswerHeader { id: id(1, 2), status: Status::ReplyLost, clock: CalleeTime(3), slots: 0x0405 };
    expected = vec![22, 0, 0, 0, 68, 7, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 5, 4];
    assert_eq!(header.encode(0).to_vec(), expected);
    let item = Item { id: id(1, 2), number: 3, end: None, body: Bytes::from_static(&[9]) };
    expected = vec![21, 0, 0, 0, 9, 255, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9];
    assert_eq!(encoded(&Frame::Item(Way::Up, item)), expected);
    let ack = Frame::ItemAck(Way::Down, id(1, 2), Position { received: 4, consumed: 3 });
    expected = vec![28, 0, 0, 0, 73, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(encoded(&ack), expected);
    assert_eq!(encoded(&Frame::Ack(id(1, 2))), [12, 0, 0, 0, 5, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(encoded(&Frame::Cancel { id: id(1, 2), recorded: false })[4..6], [4, 1]);
    assert_eq!(encoded(&Frame::Ping), [1, 0, 0, 0, 8]);
}

/// A kind or a status of another version of the wire is an error.
#[test]
fn unknown_kinds_and_statuses_are_errors() {
    for kind in (0..=u8::MAX).filter(|kind| !KINDS.contains(kind)) {
        let bytes = Bytes::from(vec![1, 0, 0, 0, kind]);
        assert_eq!(Frame::decode(bytes), Err(FrameError::UnknownKind(kind)));
    }
    let header = AnswerHeader { id: id(1, 2), status: Status::Value, clock: CalleeTime(3), slots: 4 };
    for status in 9..=u8::MAX {
        let mut bytes = header.encode(0);
        bytes[LENGTH_BYTES + 1] = status;
        assert!(Frame::decode(Bytes::copy_from_slice(&bytes)).is_err());
    }
}

/// A length beyond the limit is refused before anything is allocated for it.
#[test]
fn giant_lengths_are_refused() {
    let bytes = u32::MAX.to_le_bytes();
    assert!(matches!(frame_bytes(&bytes, 1024), Err(FrameError::TooLarge { bytes_max: 1024, .. })));
    assert_eq!(frame_bytes(&bytes[..3], 1024), Ok(None));
    assert_eq!(frame_bytes(&[0; 4], 1024), Err(FrameError::Short(0)));
}
