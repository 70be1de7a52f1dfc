//! The frame decoder, in arbitrary splits: however the network cuts a stream, the same frames come out and the same
//! error ends it; and a frame that was read is read again from what it is written as.
//!
//! An input is a list of lengths, which a zero ends, and the stream, which is cut at these.

use std::time::Duration;

use allocation_counter::opt_out;
use bytes::Bytes;
use rpc_runtime::fuzzing::read_frames;
use rpc_runtime::protocol::frame::{Frame, frame_bytes};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::sleep;

use crate::bounds::{twice, within};
use crate::input::Input;
use crate::peer::runtime;

const FRAME_BYTES_MAX: usize = 1 << 16;
/// Little, so that the bytes wait in the connection and not in the pipe.
const PIPE_BYTES: usize = 4 * 1024;

/// One input.
pub fn run(bytes: &[u8]) {
    let runtime = runtime();
    within(twice(bytes.len()), || runtime.block_on(compare(bytes)));
}

async fn compare(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut cuts = Input(input.0);
    while input.byte() != 0 {}
    let (stream, mut whole) = (input.0, input.0);
    let (mut ours, theirs) = duplex(PIPE_BYTES);
    let send = async move {
        let mut rest = Input(stream);
        while !rest.is_empty() {
            let length = cuts.byte().into();
            let piece = if length == 0 { std::mem::take(&mut rest.0) } else { rest.take(length) };
            if ours.write_all(piece).await.is_err() {
                return; // The reader has found an error.
            }
            // Others have their turn, so that the piece is read by itself.
            sleep(Duration::from_nanos(1)).await;
        }
    };
    // What the comparison takes does not count.
    let each = |frame: Frame| opt_out(|| check(&frame, &mut whole));
    let (ended, ()) = tokio::join!(read_frames(theirs, FRAME_BYTES_MAX, each), send);
    match next(&mut whole) {
        Err(error) => assert_eq!(ended, error, "cut in pieces it is another error"),
        Ok(frame) => {
            assert_eq!(frame, None, "cut in pieces a frame is lost");
            assert_eq!(ended, "the peer closed the connection");
        }
    }
}

/// Panics if this frame, which was read in pieces, is not the next one of the `whole` stream, or cannot be written.
fn check(frame: &Frame, whole: &mut &[u8]) {
    assert_eq!(next(whole).as_ref(), Ok(&Some(frame.clone())), "cut in pieces it is another frame");
    let mut written = Vec::new();
    frame.encode(&mut written);
    assert_eq!(Frame::decode(Bytes::from(written)).as_ref(), Ok(frame), "written and read again it is another frame");
}

/// The next whole frame of a stream that came in one piece.
fn next(stream: &mut &[u8]) -> Result<Option<Frame>, String> {
    match frame_bytes(stream, FRAME_BYTES_MAX).map_err(|error| error.to_string())? {
        Some(bytes) if bytes <= stream.len() => {
            let frame;
            (frame, *stream) = stream.split_at(bytes);
            Frame::decode(Bytes::copy_from_slice(frame)).map(Some).map_err(|error| error.to_string())
        }
        _ => Ok(None),
    }
}
