use proptest::prelude::*;
use tokio::io::duplex;
use tokio::task::yield_now;

use super::*;
use crate::protocol::frame::tests::{encoded, frames};

const BYTES_MAX: usize = 1 << 20;

/// The frames that come out of a stream that arrives in these pieces, again and again, and how it ends.
async fn received(stream: &[u8], pieces: &[usize]) -> (Vec<Frame>, Ended) {
    let (ours, mut theirs) = duplex(BYTES_MAX);
    let mut connection = Connection::new(Stream::Memory(ours), Clock::start(), Duration::MAX);
    let send = async move {
        let mut rest = stream;
        for piece in pieces.iter().cycle() {
            let (piece, later) = rest.split_at((*piece).min(rest.len()));
            theirs.write_all(piece).await.expect("the reader is there");
            if later.is_empty() {
                return;
            }
            rest = later;
            // The reader has its turn, and sees the piece by itself.
            yield_now().await;
        }
    };
    let receive = async {
        let mut frames = Vec::new();
        loop {
            match connection.exchange(BYTES_MAX).await {
                Ok(frame) => frames.push(frame),
                Err(ended) => return (frames, ended),
            }
        }
    };
    tokio::join!(send, receive).1
}

proptest! {
    /// However a stream is cut into pieces, the frames that were sent come out.
    #[test]
    fn a_stream_may_arrive_in_any_pieces(
        sent in prop::collection::vec(frames(), 1..4),
        pieces in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let stream: Vec<u8> = sent.iter().flat_map(encoded).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (received, ended) = runtime.block_on(received(&stream, &pieces));
        prop_assert_eq!(received, sent);
        prop_assert!(matches!(ended, Ended::ByPeer), "{}", ended);
    }
}
