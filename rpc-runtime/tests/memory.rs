//! What the frame decoder costs: memory follows the bytes that came, not the lengths that they claim.

use std::hint::black_box;

use allocation_counter::measure;
use bytes::Bytes;
use proptest::prelude::*;
use rpc_runtime::protocol::control::{Fault, Refused};
use rpc_runtime::protocol::frame::{Frame, frame_bytes};

/// A frame's length field.
const LENGTH_BYTES: usize = 4;
/// Frames that are read have at most so many bytes.
const FRAME_BYTES_MAX: usize = 1 << 20;

/// Reads a stream as frames, and the bodies of answers as what they may be; costs at most what is allowed.
#[track_caller]
fn survives(stream: &[u8]) {
    let mut rest = Bytes::copy_from_slice(stream);
    let limit = 2 * stream.len() as u64 + 64 * 1024;
    let cost = measure(|| {
        while let Ok(Some(length)) = frame_bytes(&rest, FRAME_BYTES_MAX)
            && length <= rest.len()
        {
            let frame = Frame::decode(rest.split_to(length));
            if let Ok(Frame::Answer(answer)) = &frame {
                black_box(idl::from_slice::<Refused>(&answer.body).is_ok());
                black_box(idl::from_slice::<Fault>(&answer.body).is_ok());
            }
            black_box(frame.is_ok());
        }
    });
    assert!(cost.bytes_max <= limit, "{} bytes cost {}", stream.len(), cost.bytes_max);
}

/// A frame of that kind, of whatever its body is.
fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(1 + body.len()).expect("no test needs more");
    [&length.to_le_bytes()[..], &[kind], body].concat()
}

proptest! {
    /// Noise, as it is and as the body of each kind of frame.
    #[test]
    fn noise_costs_its_bytes(kind in any::<u8>(), bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        survives(&bytes);
        survives(&frame(kind, &bytes));
        survives(&[frame(kind, &bytes), bytes].concat());
    }

    /// A field of each number and form, with any length, said again and again in each kind of frame.
    #[test]
    fn repeated_fields_cost_their_bytes(
        kind in prop::sample::select(vec![1_u8, 2, 3, 4, 5, 6, 7, 8, 65, 66, 67, 68, 69, 70, 71]),
        field in prop::collection::vec(any::<u8>(), 1..8),
        times in 1_usize..8192,
    ) {
        survives(&frame(kind, &field.repeat(times)));
    }
}

/// The shortest fields of each message, as often as a frame has room for them.
#[test]
fn empty_fields_cost_their_bytes() {
    for kind in 0..=u8::MAX {
        for tag in 1..16 {
            for form in [&[tag << 3 | 2, 0][..], &[tag << 3, 0], &[tag << 3 | 2, 2, tag << 3 | 2, 0]] {
                survives(&frame(kind, &form.repeat(20_000)));
            }
        }
    }
}

/// A length of up to 4 GiB with nothing behind it.
#[test]
fn giant_lengths_cost_nothing() {
    for length in [1_u32 << 20, 1 << 31, u32::MAX] {
        for kind in 0..=u8::MAX {
            survives(&[&length.to_le_bytes()[..LENGTH_BYTES], &[kind], b"some bytes all the same"].concat());
        }
    }
}
