//! The steps that a world can take.

use rpc_runtime::protocol::control::Refusal;
use rpc_runtime::protocol::id::{ConnectionId, SessionId};
use rpc_runtime::protocol::session::Gate;

use crate::oracle::End;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A caller opens a session.
    Open(u8),
    /// A caller makes its next call.
    Begin(u8),
    /// A caller gives up on a call.
    GiveUp(u8),
    /// A connection delivers a frame to the callee.
    ToCallee {
        /// Which connection.
        connection: ConnectionId,
        /// Which frame.
        carried: Carried,
        /// What the callee thinks of it, if it is a new call.
        gate: Gate,
    },
    /// A caller's connection delivers a frame to it.
    ToCaller(u8, Carried),
    /// A handler ends.
    Finish(SessionId, u8),
    /// A queued call's turn comes; it is run, or refused.
    Turn(SessionId, u8, Option<Refusal>),
    /// The callee learns that a caller has left a connection, before it has read all of it.
    CalleeLoses(ConnectionId),
    /// A caller learns that the callee has closed its connection.
    CallerLoses(u8),
    /// A caller dials anew.
    Reconnect(u8),
    /// A caller says acks.
    SayAcks(u8),
    /// A caller loses its connection.
    Cut(u8),
    /// The callee is killed and starts anew.
    Crash,
    /// A session ends.
    EndSession(SessionId, End),
    /// The callee refuses new calls from now on.
    Drain,
    /// The callee leaves a session.
    Farewell(SessionId),
    /// A caller ends its session.
    Close(u8),
    /// The clocks go on.
    Tick,
    /// A caller asks for the other's session.
    Stranger(u8),
}

/// Stands for a call that may run, and then cannot.
pub const UNDECODABLE: Gate = Gate::Refuse(Refusal::Undecodable);

/// Which frame a connection delivers. All but the first are what no good connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The oldest.
    First,
    /// The oldest, and it keeps a copy.
    Copy,
    /// The one behind the oldest.
    Second,
}
