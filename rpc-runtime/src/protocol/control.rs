//! The messages that open, attach and end sessions, and the bodies of answers that carry no value.
//!
//! They are proto3 messages, so that a later version can add fields that an older one skips.

use std::fmt;
use std::time::Duration;

use crate::Message;
use idl::{DecodeError, Reader, Registry, Shape, Wire, Writer};
use uuid::Uuid;

use super::id::{AttachNumber, Epoch, Incarnation, Owner, Sequence, SessionId, Slot, Token};

/// Caller: open a session with one export.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Hello {
    /// The caller's life.
    pub incarnation: Incarnation,
    /// Whose life it is, if the caller wants its earlier lives' sessions ended (R18).
    pub owner: Option<Owner>,
    /// The interface's full name.
    pub interface: String,
    /// Which of its exporters.
    pub instance: String,
    /// The callee's incarnation that the directory promised: another one rejects the session.
    pub expect: Option<Incarnation>,
    /// How many slots the caller would like.
    pub slots: u16,
    /// The largest frame that the caller reads.
    pub frame_bytes_max: u32,
}

/// Callee: the session is open.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Welcome {
    /// The callee's life.
    pub incarnation: Incarnation,
    /// The registration that the export stands under, if it is registered.
    pub epoch: Option<Epoch>,
    /// The session's number.
    pub session: SessionId,
    /// What proves that the session is the caller's.
    pub token: Token,
    /// Slots granted.
    pub slots: u16,
    /// How long the session outlives silence.
    pub lease: Duration,
    /// The largest frame that the callee reads.
    pub frame_bytes_max: u32,
    /// The callee's clock, in microseconds.
    pub clock: u64,
    /// The fingerprint of the interface as exported.
    pub fingerprint: Uuid,
}

/// Caller: bind this connection to a session that it has.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Attach {
    /// The callee's life that the session belongs to.
    pub incarnation: Incarnation,
    /// The session.
    pub session: SessionId,
    /// The proof.
    pub token: Token,
    /// Larger than in any `Attach` before (R27).
    pub number: AttachNumber,
}

/// Callee: the session is bound to this connection.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Attached {
    /// The callee's clock, in microseconds.
    pub clock: u64,
}

/// Callee: `Hello` or `Attach` was rejected, and changed nothing.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Reject {
    /// Why.
    pub why: Rejection,
    /// In words.
    pub text: String,
}

/// Why a session was not opened or attached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate")]
pub enum Rejection {
    /// Another life answers at this address.
    WrongIncarnation {
        /// Its incarnation.
        mine: Incarnation,
    },
    /// There is no such session; `running` says whether a handler of it may still run.
    UnknownSession {
        /// Whether a handler of the session has not ended yet.
        running: bool,
    },
    /// The token is another one.
    Fenced,
    /// The attach number is not larger than before.
    Superseded,
    /// This node does not export that interface under that name.
    NoSuchExport,
    /// The node is shutting down.
    Draining,
    /// The node has no room for another session.
    Overload,
    /// A reason of a newer version of the wire.
    #[rpc(other)]
    Other,
}

/// Callee: it is leaving (R31).
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Goodbye {
    /// False: draining, new calls are refused. True: nothing runs any more and nothing will.
    pub last: bool,
    /// In the final one: each slot's last call.
    pub activities: LastCalls,
}

/// The last calls of a session, kept as they travel: a stranger's cost no more memory than their bytes. On the wire a
/// list of [`LastCall`].
#[derive(Clone, Default)]
pub struct LastCalls(Vec<u8>);

impl LastCalls {
    /// The calls, in the order in which they were said.
    pub fn iter(&self) -> impl Iterator<Item = LastCall> {
        let mut rest = Reader::new(&self.0);
        // What does not decode is not kept.
        std::iter::from_fn(move || if rest.is_empty() { None } else { LastCall::decode_value(None, &mut rest).ok() })
    }
}

/// The same calls may be written in several ways.
impl PartialEq for LastCalls {
    fn eq(&self, other: &LastCalls) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for LastCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<LastCall> for LastCalls {
    fn from_iter<I: IntoIterator<Item = LastCall>>(calls: I) -> LastCalls {
        let mut out = Writer::new();
        calls.into_iter().for_each(|call| call.encode_value(&mut out));
        LastCalls(out.to_vec())
    }
}

impl Message for LastCalls {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        self.iter().for_each(|call| out.field(tag, &call));
    }

    fn merge(slot: &mut Option<LastCalls>, wire: Wire, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        wire.expect(Wire::Len)?;
        let before = r.rest();
        LastCall::decode_value(None, r)?;
        let LastCalls(bytes) = slot.get_or_insert_default();
        if bytes.is_empty() {
            // Room for all that may come, so that it is not taken anew for each.
            bytes.reserve_exact(before.len());
        }
        bytes.extend_from_slice(&before[..before.len() - r.rest().len()]);
        Ok(())
    }

    fn absent() -> Option<LastCalls> {
        Some(LastCalls::default())
    }

    fn describe(registry: &mut Registry) -> Shape {
        Vec::<LastCall>::describe(registry)
    }
}

/// What became of a slot's last call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate")]
pub struct LastCall {
    /// The slot.
    pub slot: Slot,
    /// The call.
    pub sequence: Sequence,
    /// Whether it was refused; otherwise it ran and ended.
    pub refused: bool,
}

/// The body of a refusal: the call did not run and never will.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// In words.
    pub text: String,
}

/// Why a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate")]
pub enum Refusal {
    /// The export was withdrawn.
    Withdrawn,
    /// The node is shutting down.
    Draining,
    /// It came after its `start_before`.
    Late,
    /// There is no room for another call.
    Overload,
    /// The interface has no such method.
    UnknownMethod,
    /// The arguments do not decode.
    Undecodable,
    /// The caller cancelled it before it started.
    Cancelled,
    /// The caller takes the method for idempotent, which it is not.
    NotIdempotent,
    /// A reason of a newer version of the wire.
    #[rpc(other)]
    Other,
}

/// The body of an answer to a call that ran and gave neither a value nor an error of the application.
#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// In words.
    pub text: String,
    /// The verdict of the further call that failed, for [`FaultKind::Nested`].
    pub nested: Option<NestedFault>,
}

/// What happened to a call that ran and gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate")]
pub enum FaultKind {
    /// The implementation panicked or was dropped.
    Aborted,
    /// The implementation said that it failed, in words only.
    Failed,
    /// A call that the implementation made failed.
    Nested,
    /// The reply is larger than a frame may be.
    ReplyTooLarge,
    /// The reply could not be encoded.
    ReplyUndecodable,
    /// A kind of a newer version of the wire.
    #[rpc(other)]
    Other,
}

/// What is told of a call that an implementation made and that failed: data, never the outer call's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub struct NestedFault {
    /// The inner error's kind, by name.
    pub kind: String,
    /// The inner verdict: 1 never, 2 completed, 3 unknown and may still run, 4 unknown and does not run.
    pub executed: u32,
    /// The inner error in words.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusals() -> impl Strategy<Value = Refusal> {
        prop::sample::select(vec![
            Refusal::Withdrawn,
            Refusal::Draining,
            Refusal::Late,
            Refusal::Overload,
            Refusal::UnknownMethod,
            Refusal::Undecodable,
            Refusal::Cancelled,
            Refusal::NotIdempotent,
        ])
    }

    fn faults() -> impl Strategy<Value = FaultKind> {
        prop::sample::select(vec![
            FaultKind::Aborted,
            FaultKind::Failed,
            FaultKind::Nested,
            FaultKind::ReplyTooLarge,
            FaultKind::ReplyUndecodable,
        ])
    }

    fn nested_faults() -> impl Strategy<Value = NestedFault> {
        (".*", any::<u32>(), ".*").prop_map(|(kind, executed, text)| NestedFault { kind, executed, text })
    }

    proptest! {
        /// What is written as the body of an answer is what is read.
        #[test]
        fn bodies_survive_the_wire(why in refusals(), kind in faults(), text in ".*", nested in prop::option::of(nested_faults())) {
            let refused = Refused { why, text: text.clone() };
            prop_assert_eq!(idl::from_slice(&idl::to_vec(&refused).expect("flat")), Ok(refused));
            let fault = Fault { kind, text, nested };
            prop_assert_eq!(idl::from_slice(&idl::to_vec(&fault).expect("flat")), Ok(fault));
        }
    }

    /// On the wire the last calls are a list, whoever wrote it; what is not one is refused.
    #[test]
    fn last_calls_travel_as_a_list() {
        let call = |slot, refused| LastCall { slot: Slot(slot), sequence: Sequence(300), refused };
        let calls = vec![call(0, false), call(9, true)];
        let bytes = idl::to_vec(&(true, calls.clone())).expect("flat");
        let goodbye: Goodbye = idl::from_slice(&bytes).expect("a goodbye");
        assert!(goodbye.last && goodbye.activities.iter().eq(calls.clone()));
        assert_eq!(goodbye, Goodbye { last: true, activities: calls.into_iter().collect() });
        assert_eq!(idl::to_vec(&goodbye), Ok(bytes));
        assert!(idl::from_slice::<Goodbye>(b"\x12\x02\x08\xff").is_err());
    }

    /// They are kept in as many bytes as came.
    #[test]
    fn empty_last_calls_take_no_memory() {
        let goodbye: Goodbye = idl::from_slice(&b"\x12\0".repeat(1000)).expect("empty ones");
        assert_eq!(goodbye.activities.iter().count(), 1000);
        assert!(goodbye.activities.0.capacity() <= 2000);
    }
}
