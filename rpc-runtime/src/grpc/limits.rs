//! The bounds of HTTP/2 and gRPC. `docs/LIMITS.md` has them for users.

use std::time::Duration;

/// Streams of one connection at once.
pub(super) const STREAMS_MAX: u32 = 100;
/// Streams that are accepted, and streams that are answered, before the answers are sent: so that this side and the peer work at the same
/// time.
pub(super) const STREAMS_AT_ONCE: u32 = 32;
/// So often in a row, before other tasks get their turn.
pub(super) const STREAM_ROUNDS_MAX: u32 = 4;
/// The headers of one request, decompressed.
pub(super) const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// One HTTP/2 frame.
pub(super) const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// What may be on its way of one stream.
pub(super) const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// What may be on its way of all streams of an accepted connection: streams that nobody reads hold up no others.
pub(super) const CONNECTION_WINDOW_BYTES: u32 = STREAMS_MAX * STREAM_WINDOW_BYTES;
/// The same of a binding's connection to a server: for each call with streams that it may have, and for a few others.
pub(super) fn binding_window_bytes(streams_max: usize) -> u32 {
    const OTHERS: usize = 16;
    /// What HTTP/2 can say.
    const WINDOW_BYTES_MAX: u32 = (1 << 31) - 1;
    let windows = u32::try_from(streams_max.saturating_add(OTHERS)).unwrap_or(u32::MAX);
    windows.saturating_mul(STREAM_WINDOW_BYTES).min(WINDOW_BYTES_MAX)
}

/// What frames that wait take beside their bytes: each counts as 256 bytes if it has fewer. For small items of streams that nobody
/// reads.
pub(super) const SMALL_FRAMES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What waits to be sent on one stream beyond what was handed over whole.
pub(super) const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Larger messages are handed over in parts, each when there is room for it.
pub(super) const PART_BYTES_MAX: usize = 16 * 1024;
/// Streams that a peer may reset before they were looked at.
pub(super) const PENDING_RESETS_MAX: usize = 20;
/// Streams that this side may have to reset for a peer's mistakes.
pub(super) const LOCAL_RESETS_MAX: usize = 100;
/// Reset streams that are remembered, and how long.
pub(super) const REMEMBERED_RESETS: usize = 50;
pub(super) const RESETS_REMEMBERED_FOR: Duration = Duration::from_secs(10);
/// How often a peer is asked whether it is there.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long its answer may take.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last replies of a closing connection may take.
pub(super) const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
/// Messages that have come in part, of all streams of one connection, in units of `frame_bytes_max`.
pub(super) const PARTS_MAX: usize = 4;
/// Smaller replies are not compressed.
pub(super) const COMPRESSED_BYTES_MIN: usize = 1024;
/// The largest window that zstd may ask for, as a power of two: 8 MiB.
pub(super) const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// The text of a status.
pub(super) const TEXT_BYTES_MAX: usize = 1024;
/// The details of a status; larger ones are left out, as callers refuse larger trailers.
pub(super) const DETAILS_BYTES_MAX: usize = 4 * 1024;
/// Exports that `rpc.v1.Sessions/List` names.
pub(super) const LISTED_MAX: usize = 1000;
/// Slots of a session that does not say how many it wants.
pub(super) const SLOTS_DEFAULT: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// The table for users says what is here.
    #[test]
    fn the_table_is_in_step() {
        let kib = |bytes: usize| match bytes {
            bytes if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
            bytes => format!("{} KiB", bytes >> 10),
        };
        let rows = [
            ("streams of one connection", STREAMS_MAX.to_string()),
            ("streams answered at a time", STREAMS_AT_ONCE.to_string()),
            ("headers of a request", kib(HEADER_LIST_BYTES_MAX as usize)),
            ("an HTTP/2 frame", kib(FRAME_BYTES_MAX as usize)),
            ("window of a stream", kib(STREAM_WINDOW_BYTES as usize)),
            ("window of a connection", kib(CONNECTION_WINDOW_BYTES as usize)),
            ("small frames that wait", kib(SMALL_FRAMES_BYTES_MAX)),
            ("unsent bytes of a stream", kib(SEND_BUFFER_BYTES)),
            ("streams reset before they were looked at", PENDING_RESETS_MAX.to_string()),
            ("streams reset for a peer's mistakes", LOCAL_RESETS_MAX.to_string()),
            ("reset streams that are remembered", format!("{REMEMBERED_RESETS}, for {RESETS_REMEMBERED_FOR:?}")),
            ("pings", format!("every {PING_INTERVAL:?}, answered within {PING_TIMEOUT:?}")),
            ("last replies of a closing connection", format!("{FAREWELL_TIMEOUT:?}")),
            ("messages in part, of one connection", format!("{PARTS_MAX} × `frame_bytes_max`")),
            ("compressed replies", format!("from {}", kib(COMPRESSED_BYTES_MIN))),
            ("window of zstd", kib(1 << ZSTD_WINDOW_LOG_MAX)),
            ("text of a status", kib(TEXT_BYTES_MAX)),
            ("details of a status", kib(DETAILS_BYTES_MAX)),
            ("exports that `rpc.v1.Sessions/List` names", LISTED_MAX.to_string()),
            ("instances that an error names", crate::limits::NAMED_INSTANCES_MAX.to_string()),
            ("slots of a session that asks for none", SLOTS_DEFAULT.to_string()),
        ];
        let table = include_str!("../../../docs/LIMITS.md");
        for (name, value) in rows {
            let value = value.replace("0s", "0 s").replace("1s", "1 s");
            let row = format!("| {name} | {value} | ");
            assert!(table.lines().any(|line| line.starts_with(&row)), "docs/LIMITS.md has no row `{row}…`");
        }
    }
}
