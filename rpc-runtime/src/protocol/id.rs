//! Identifiers. Two kinds are never mixed: an incarnation is random and compared for equality only, an
//! epoch is given out by a nameserver and compared for order.

use std::cmp::Ordering;
use std::fmt;

use crate::Message;
use uuid::Uuid;

/// One life of one node: 128 random bits, never stored, never reused, compared for equality only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate", transparent)]
pub struct Incarnation(Uuid);

impl Incarnation {
    /// The incarnation with these random bits.
    pub const fn new(random: Uuid) -> Incarnation {
        Incarnation(random)
    }

    /// The bits.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for Incarnation {
    /// The first eight hexadecimal digits: enough to tell two lives apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0.as_u128() >> 96)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({})", self.0)
    }
}

/// The nameserver's number of one registration: it rises with every registration in one registry.
///
/// Epochs of two registries have no order ([`PartialOrd`] answers `None`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate")]
pub struct Epoch {
    /// Which registry gave it out.
    pub registry: Uuid,
    /// Its place in that registry's order, from 1.
    pub number: u64,
}

impl PartialOrd for Epoch {
    fn partial_cmp(&self, other: &Epoch) -> Option<Ordering> {
        (self.registry == other.registry).then(|| self.number.cmp(&other.number))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)
    }
}

/// What a node proves to own across its lives: who knows it may end the sessions of its earlier lives (R18).
///
/// A secret of 128 random bits that the application keeps (in a file, say) and gives to the node's builder.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate", transparent)]
pub struct Owner(Uuid);

impl Owner {
    /// The owner with this secret.
    pub const fn new(secret: Uuid) -> Owner {
        Owner(secret)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(secret)")
    }
}

/// The number of a session within its callee's incarnation. Another incarnation may give the same number, so
/// it is compared only together with incarnation and token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
#[rpc(crate = "crate", transparent)]
pub struct SessionId(pub u64);

/// What proves that a session is the caller's: 128 random bits that only the two sides know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate", transparent)]
pub struct Token(Uuid);

impl Token {
    /// The token with these random bits.
    pub const fn new(random: Uuid) -> Token {
        Token(random)
    }

    /// The bits, which only the session's caller may see.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

/// How often a caller has attached a session; it rises with every `Attach` sent, also with one that fails (R27).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Message)]
#[rpc(crate = "crate", transparent)]
pub struct AttachNumber(pub u64);

/// One line of work in a session: at most one unresolved call each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
#[rpc(crate = "crate", transparent)]
pub struct Slot(pub u16);

/// The number of a call within its session, from 1; drawn from one counter for all slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
#[rpc(crate = "crate", transparent)]
pub struct Sequence(pub u64);

/// One call within one session. With the callee's incarnation and the session, it names a call for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId {
    /// The activity that makes the call.
    pub slot: Slot,
    /// Its number.
    pub sequence: Sequence,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.slot.0, self.sequence.0)
    }
}

/// One accepted or dialled connection within a process. Never crosses the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    /// An epoch is compared for order within its registry only.
    #[test]
    fn epochs_of_two_registries_have_no_order() {
        let (here, there) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let epoch = |registry, number| Epoch { registry, number };
        assert!(epoch(here, 2) > epoch(here, 1));
        assert_eq!(epoch(here, 2).partial_cmp(&epoch(there, 1)), None);
    }

    /// Secrets stay out of logs.
    #[test]
    fn secrets_are_not_printed() {
        let token = Token::new(Uuid::from_u128(0xfeed));
        let owner = Owner::new(Uuid::from_u128(0xfeed));
        assert!(!format!("{token:?} {owner:?}").contains("feed"));
    }
}
