//! The bounds of a node, each with its default. At a bound the node refuses with a reason; it never forgets a
//! record to make room (R9).

use std::time::Duration;

/// Instances that an error names.
pub(crate) const NAMED_INSTANCES_MAX: usize = 8;

/// What a node allows. Give it to [`NodeBuilder::limits`](crate::NodeBuilder::limits). What happens at each bound stands in
/// `docs/LIMITS.md`, beside those that are no settings.
///
/// ```
/// let mut limits = rpc_runtime::Limits::default();
/// limits.frame_bytes_max = 64 * 1024 * 1024;
/// let node = rpc_runtime::Node::builder().limits(limits);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// The largest frame that is read, so the largest arguments or reply. 16 MiB.
    pub frame_bytes_max: usize,
    /// Connections served at once; a further one is closed at once. 10,000.
    pub connections_max: usize,
    /// Connections served at once from one IP address. 4,096.
    pub connections_per_address_max: usize,
    /// How long an accepted connection may take to open or attach a session. 5 s.
    pub handshake_timeout: Duration,
    /// Memory for sessions, their slots and their replies, of all callers together (R11). 256 MiB.
    pub record_bytes_max: u64,
    /// Memory for the replies of one session. 1 MiB.
    pub session_reply_bytes_max: u64,
    /// Reserved for each call's reply before it runs; larger ones are kept while there is room. 1 KiB.
    pub reply_bytes_reserved: u64,
    /// Slots that a session is granted, so calls that one binding has in flight; further ones wait. 1,024.
    pub slots_max: u16,
    /// How long a session outlives silence (R4). 60 s.
    pub session_lease: Duration,
    /// Handlers that run at once, of all callers together; further calls are queued. 4,096.
    pub handlers_max: usize,
    /// Calls with streams that run at once, of all callers together; a further one is refused. Each stream may hold 256 KiB
    /// and one item. They do not count as handlers. 1,024.
    pub streams_max: usize,
    /// Calls with streams that run at once, of one session. 256.
    pub session_streams_max: usize,
    /// Memory for queued calls, of all callers together, 1 KiB each beside their arguments; beyond it calls are refused.
    /// A call that would not get its turn within half of the time that it has is refused at once. 32 MiB.
    pub queued_bytes_max: usize,
    /// Memory for the queued calls of one session, counted the same way. 4 MiB.
    pub session_queued_bytes_max: usize,
    /// Bytes waiting to be sent on one connection, beyond which no further call is started for it. 4 MiB.
    pub out_bytes_max: usize,
    /// Memory for large replies that are sent once and not kept, of all connections beyond `out_bytes_max` together. A
    /// further one is lost: its caller learns that the call has completed. 256 MiB.
    pub passing_bytes_max: usize,
    /// How long a peer may leave what was sent to it unread before its connection is closed. 10 s.
    pub write_timeout: Duration,
    /// Calls of one binding that wait for a slot or a connection; a further one fails with overload. 65,536.
    pub waiting_max: usize,
    /// How long a call may take where neither its method nor its binding says otherwise (R13). 30 s. A time of a second or
    /// more may end up to 10 ms early, whoever gives it.
    pub call_timeout: Duration,
    /// How long reaching one address may take. 5 s.
    pub dial_timeout: Duration,
    /// How often a caller asks whether its callee is there, or more often where the session's lease is short; after
    /// three such times of silence it dials anew. 5 s.
    pub ping_after: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            frame_bytes_max: 16 * 1024 * 1024,
            connections_max: 10_000,
            connections_per_address_max: 4096,
            handshake_timeout: Duration::from_secs(5),
            record_bytes_max: 256 * 1024 * 1024,
            session_reply_bytes_max: 1024 * 1024,
            reply_bytes_reserved: 1024,
            slots_max: 1024,
            session_lease: Duration::from_secs(60),
            handlers_max: 4096,
            streams_max: 1024,
            session_streams_max: 256,
            queued_bytes_max: 32 * 1024 * 1024,
            session_queued_bytes_max: 4 * 1024 * 1024,
            out_bytes_max: 4 * 1024 * 1024,
            passing_bytes_max: 256 * 1024 * 1024,
            write_timeout: Duration::from_secs(10),
            waiting_max: 65_536,
            call_timeout: Duration::from_secs(30),
            dial_timeout: Duration::from_secs(5),
            ping_after: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table for users has each setting with its default, and no other.
    #[test]
    fn the_table_is_complete() {
        let table = include_str!("../../docs/LIMITS.md");
        let fields = format!("{:#?}", Limits::default());
        let fields: Vec<_> =
            fields.lines().filter_map(|line| line.trim().trim_end_matches(',').split_once(": ")).collect();
        for (name, value) in &fields {
            let row = format!("| `{name}` | {} | ", for_people(name, value));
            assert!(table.lines().any(|line| line.starts_with(&row)), "docs/LIMITS.md has no row `{row}…`");
        }
        let rows = table.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, fields.len(), "docs/LIMITS.md has rows for settings that are none");
    }

    /// A default as the table writes it.
    fn for_people(name: &str, value: &str) -> String {
        match value.parse::<u64>() {
            Err(_) => value.replace('s', " s"),
            Ok(bytes) if name.contains("bytes") && bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
            Ok(bytes) if name.contains("bytes") => format!("{} KiB", bytes >> 10),
            Ok(number) if number < 1000 => number.to_string(),
            Ok(number) => format!("{},{:03}", number / 1000, number % 1000),
        }
    }
}
