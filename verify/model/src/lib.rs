//! The protocol core in every state of small worlds.
//!
//! The machines are the real ones of [`rpc_runtime::protocol`]: a [`Session`] for each session at the callee with the
//! server's [`Budget`], a [`Caller`] at its other end. A [`World`](world::World) drives them as the runtime's own drivers
//! do, one step at a time; an [`Oracle`](oracle::Oracle) beside them knows what really started and ended, and every
//! promise that is broken stays written in the state. stateright takes every step in every state.
//!
//! | file | idea |
//! | --- | --- |
//! | [`setup`], [`worlds`] | what a world has, what may go wrong in it, and how often |
//! | [`world`], [`wire`] | a state: both sides, and what is under way between them |
//! | [`actions`], `next`, `step` | the steps; which are possible; taking one |
//! | `callee`, `caller` | what either side does with what its machine says |
//! | [`oracle`], [`invariant`] | what happened, and the promises |
//! | [`dangers`] | the dangerous paths, which must be seen to be taken |
//! | [`planted`] | the defects, which must be found |
//! | [`model`], [`check`] | the world as a model, and walks through it |
//! | [`streams`] | worlds with one stream and nothing else |
//!
//! A world has two callers with two slots each, up to three calls, and up to two incarnations of the callee. A connection
//! that its caller has left may deliver what was sent on it late, in part, or not at all; in the messy worlds a connection
//! also copies and reorders. Leases end at any step, whatever the clock says, since no promise may rest on a clock (only
//! liveness does). A session is opened in one step: nothing is sent in it before (R3), and a `Hello` that is lost or
//! repeated makes an unused session at most (R2). Rows 1 and 2, which the runtime checks outside of the protocol's
//! machines, are written out here.
//!
//! [`Session`]: rpc_runtime::protocol::session::Session
//! [`Budget`]: rpc_runtime::protocol::budget::Budget
//! [`Caller`]: rpc_runtime::protocol::caller::Caller
#![cfg(verify)]

pub mod actions;
mod callee;
mod caller;
pub mod check;
pub mod dangers;
pub mod invariant;
pub mod model;
mod next;
pub mod oracle;
pub mod planted;
pub mod setup;
mod step;
pub mod streams;
pub mod wire;
pub mod world;
pub mod worlds;
