//! Which session a connection carries, read from the first frame of each side as it passes.

use std::collections::HashMap;
use std::io;

use rpc_runtime::Bytes;
use rpc_runtime::Incarnation;
use rpc_runtime::protocol::frame::{Frame, MAGIC, frame_bytes};
use tokio::sync::watch;

/// No first frame is as long.
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// A session's name, the same on all its connections.
pub(super) type SessionName = (Incarnation, u64);

/// What was said first on a connection, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    up: Vec<u8>,
    down: Vec<u8>,
}

impl Handshake {
    /// These bytes of the caller have passed.
    pub(super) fn went_up(&mut self, bytes: &[u8]) {
        self.up.extend_from_slice(bytes);
    }

    /// These bytes of the exporter have passed.
    pub(super) fn went_down(&mut self, bytes: &[u8]) {
        self.down.extend_from_slice(bytes);
    }

    /// The session that the connection carries from now on. `None` if that was not said yet.
    pub(super) fn session(&self) -> io::Result<Option<SessionName>> {
        let (Some(asked), Some(answered)) = (first(&self.up)?, first(&self.down)?) else { return Ok(None) };
        match (asked, answered) {
            (_, Frame::Welcome(welcome)) => Ok(Some((welcome.incarnation, welcome.session.0))),
            (Frame::Attach(attach), Frame::Attached(_)) => Ok(Some((attach.incarnation, attach.session.0))),
            // Rejected: the connection is about to end.
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

/// The first frame after the magic number, if it is whole.
fn first(bytes: &[u8]) -> io::Result<Option<Frame>> {
    let rest = bytes.strip_prefix(&MAGIC).unwrap_or(bytes);
    match frame_bytes(rest, FRAME_BYTES_MAX).map_err(io::Error::other)? {
        Some(length) if length <= rest.len() => {
            Frame::decode(Bytes::copy_from_slice(&rest[..length])).map(Some).map_err(io::Error::other)
        }
        _ => Ok(None),
    }
}

/// The latest connection, by its number, that each session was attached to.
#[derive(Debug, Default)]
pub(super) struct Attached(watch::Sender<HashMap<SessionName, u64>>);

impl Attached {
    /// A session was opened on a connection, or attached to it.
    pub(super) fn to(&self, session: SessionName, connection: u64) {
        self.0.send_modify(|attached| {
            let latest = attached.entry(session).or_default();
            *latest = connection.max(*latest);
        });
    }

    /// Waits until a session has gone on from a connection to a later one. It may never do so.
    pub(super) async fn later_than(&self, session: SessionName, connection: u64) {
        let mut attached = self.0.subscribe();
        // The sender is in `self`.
        let _ = attached.wait_for(|attached| attached.get(&session).is_some_and(|latest| *latest > connection)).await;
    }
}
