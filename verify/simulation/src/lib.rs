//! The whole stack on a simulated network, one run for each seed.
//!
//! Callers, exporters and their directory are hosts of a simulated network in one thread. All that a run does follows from
//! its [`Scenario`] and its seed: latencies, faults, the order of tasks, identities, the calls that are made. The same
//! seed gives the same run, bit by bit; [`Outcome::hash`] is over all that happened.
//!
//! An [`Oracle`](oracle::Oracle) outside the hosts survives their crashes. It sees each call begin, start, end and what its
//! caller was told, and checks the promise: a call starts once at most, `Never` is true for ever, a reply is that very
//! call's, everybody is answered in time. Of each stream it knows what was produced and what was consumed: each item once
//! and in order, its true end or an error, never more under way than the window.
//!
//! ```ignore
//! let outcome = run(7, &Scenario::drawn(7), &[]);
//! assert!(outcome.violations.is_empty(), "{outcome:#?}");
//! ```
#![cfg(verify)]

pub mod caller;
pub mod exporter;
pub mod faults;
pub mod flow;
pub mod names;
pub mod nameserver;
pub mod oracle;
pub mod outcome;
pub mod run;
pub mod scenario;
pub mod service;
mod stranger;
pub mod trace;
pub mod world;

pub use outcome::{Counts, Outcome, Rule, Violation};
pub use rpc_runtime::planted::Bug;
pub use run::{run, run_traced};
pub use scenario::{CallMix, FaultMix, Scenario, StreamMix};
