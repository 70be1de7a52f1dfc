use proptest::prelude::*;
use tokio::io::duplex;
use tokio::task::yield_now;

use super::*;
use crate::protocol::frame::wire::tests::{encoded, frames};

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

/// Counts what it is handed.
#[derive(Default)]
struct Counting {
    frames: usize,
    batches: usize,
}

impl Role for Counting {
    fn frame(&mut self, _frame: Frame, _now: Time, _is_followed: bool) -> ControlFlow<String> {
        self.frames += 1;
        ControlFlow::Continue(())
    }

    fn handled(&mut self, _now: Time) -> ControlFlow<String> {
        self.batches += 1;
        ControlFlow::Continue(())
    }

    fn tick(&mut self, _now: Time) -> ControlFlow<String> {
        ControlFlow::Continue(())
    }

    fn wake_at(&self) -> Time {
        Time::NEVER
    }

    fn frame_bytes_max(&self) -> usize {
        BYTES_MAX
    }
}

/// Frames that come together are handed over in batches, and all before the end that came with them.
#[tokio::test]
async fn the_last_frames_come_before_the_end() {
    let (ours, mut theirs) = duplex(BYTES_MAX);
    let mut connection = Connection::new(Stream::Memory(ours), Clock::start(), Duration::MAX);
    let sent = 3 * FRAMES_MAX + 1;
    let ping = encoded(&Frame::Ping);
    theirs.write_all(&ping.repeat(sent)).await.expect("there is room");
    drop(theirs);
    let mut role = Counting::default();
    let ended = connection.run(&mut role).await;
    assert!(matches!(ended, Ended::ByPeer), "{ended}");
    assert_eq!(role.frames, sent);
    assert!(role.batches > sent / FRAMES_MAX, "{} batches", role.batches);
}

/// A frame's length is only what the peer says: at first there is room for a few times what has come in, and after a
/// large frame that did come, for another one.
#[tokio::test]
async fn room_follows_what_has_come_in() {
    let (ours, mut theirs) = duplex(2 * BYTES_MAX);
    let mut connection = Connection::new(Stream::Memory(ours), Clock::start(), Duration::MAX);
    let sent = Frame::Description(vec![7; BYTES_MAX - 100].into());
    let (begin, rest) = (encoded(&sent), encoded(&sent).split_off(20_000));
    theirs.write_all(&begin[..20_000]).await.expect("there is room");
    while connection.inbox.len() < 20_000 {
        connection.read().await.expect("it goes on");
    }
    assert!(connection.room() <= (GROWTH_MAX - 1) * 20_000, "{}", connection.room());
    theirs.write_all(&rest).await.expect("there is room");
    assert_eq!(connection.exchange(BYTES_MAX).await.expect("it is whole"), sent);
    theirs.write_all(&begin[..100]).await.expect("there is room");
    connection.read().await.expect("it goes on");
    assert_eq!(connection.room(), begin.len() - 100);
}
