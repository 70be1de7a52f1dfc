//! A connection with what is under way on it.

use rpc_runtime::protocol::control::{LastCall, Rejection};
use rpc_runtime::protocol::frame::AnswerHeader;
use rpc_runtime::protocol::id::{AttachNumber, CallId, ConnectionId, SessionId};

use crate::oracle::SessionName;

/// A connection. It lives until neither side has it any more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wire {
    /// Its number.
    pub id: ConnectionId,
    /// Who dialled it. The caller has it as long as it is the caller's present one.
    pub caller: u8,
    /// The session that its first frame has bound it to.
    pub session: Option<SessionId>,
    /// Sent by the caller, not read.
    pub up: Vec<Up>,
    /// Sent by the callee, not read.
    pub down: Vec<Down>,
    /// Whether the callee still sends on it.
    pub is_written: bool,
    /// Whether it still reads: of a connection that it closes, a little longer.
    pub is_read: bool,
}

impl Wire {
    /// The callee has it no more, nor what it has not read of it.
    pub fn close(&mut self) {
        self.up.clear();
        self.is_written = false;
        self.is_read = false;
    }
}

/// What a caller sends. A call is sent by its number: its header is the same each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Up {
    /// Bind this connection to a session.
    Attach {
        /// Which session.
        session: SessionName,
        /// The one that the token proves.
        proves: SessionName,
        /// Larger than in any before.
        number: AttachNumber,
    },
    /// Run this.
    Call(u8),
    /// The verdict is all that is still wanted.
    Cancel {
        /// Of which call.
        id: CallId,
        /// Whether the callee records it.
        recorded: bool,
    },
    /// The reply has come.
    Ack(CallId),
    /// The session ends.
    Close,
}

/// What the callee sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Down {
    /// The session is bound to this connection.
    Attached(u64),
    /// It is not.
    Reject(Rejection),
    /// What is known of a call; of a value, whose result it is.
    Answer(AnswerHeader, u8),
    /// The callee is leaving.
    Draining,
    /// It has left: the last call of each slot.
    Goodbye(Vec<LastCall>),
}
