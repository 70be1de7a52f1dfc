//! What a connection begins with: eight bytes say that it is ours. Whoever says anything else is cut off without a word,
//! at once; whoever says too little, when the time for it is over; and who says it and nothing more, likewise.
//!
//! An input is a list of lengths, which a zero ends, and what is said, cut at these.

use std::sync::OnceLock;
use std::time::Duration;

use rpc_runtime::Node;
use rpc_runtime::fuzzing::connect;
use rpc_runtime::protocol::frame::MAGIC;
use tokio::time::{Instant, sleep};

use crate::bounds::{constant, twice, within};
use crate::input::Input;
use crate::peer::{Peer, Record, play, settle};

const ADDRESS: &str = "memory://first byte";
const NAME: &str = "first byte";
/// How long a peer may be silent, and what the timers add.
const SILENCE_MAX: Duration = Duration::from_millis(5_010);
/// How long a node waits at most until its peer has heard its last words.
const FAREWELL_MAX: Duration = Duration::from_millis(1_010);

/// One input.
pub fn run(bytes: &[u8]) {
    static SET_UP_BYTES: OnceLock<u64> = OnceLock::new();
    let set_up = SET_UP_BYTES.get_or_init(|| constant(|| play(scene(&[], &mut Record::default()))));
    within(set_up + twice(bytes.len()), || play(scene(bytes, &mut Record::default())));
}

async fn scene(bytes: &[u8], record: &mut Record) {
    let node = Node::builder().listen(ADDRESS).start().await.expect("nobody else listens there");
    let mut peer = Peer::new(connect(NAME).await.expect("it listens"));
    let mut input = Input(bytes);
    let mut cuts = Input(input.0);
    while input.byte() != 0 {}
    while !input.is_empty() {
        let length = cuts.byte().into();
        let piece = if length == 0 { std::mem::take(&mut input.0) } else { input.take(length) };
        peer.send(piece, record).await;
    }
    let begun = Instant::now();
    settle().await;
    peer.hear(record).await;
    let is_ours = record.sent.starts_with(&MAGIC);
    let is_short = record.sent.len() < MAGIC.len();
    if is_short || is_ours && record.sent_frames().is_empty() {
        while !peer.is_closed && begun.elapsed() <= SILENCE_MAX {
            sleep(Duration::from_millis(100)).await;
            peer.hear(record).await;
        }
    }
    assert!(peer.is_closed || is_ours, "what it begins with is not ours, and it stays");
    assert!(peer.is_closed || !record.sent_frames().is_empty(), "it says nothing, and stays");
    assert!(is_ours || record.heard_nothing(), "a stranger was answered");
    sleep(FAREWELL_MAX).await;
    peer.hear(record).await;
    // The node exports nothing, so that there is no session to be opened.
    assert!(peer.is_closed, "it stays without a session");
    let stats = node.stats();
    assert_eq!((stats.connections_accepted, stats.sessions_opened), (1, 0));
}
