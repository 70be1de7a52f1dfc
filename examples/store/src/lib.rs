//! The store application: an example of everything that rpc-runtime does, after the classic design for teaching it.
//!
//! Five programs. A **nameserver** knows who exports what. **Stores** lend copies of objects; each covers a part of the name space
//! (`a-m`) and registers under it. On every host a **client manager** serves the local **customers** and **suppliers**: they are
//! processes of their own and talk to it through shared-memory mailboxes; it looks up which store covers a title and makes the calls.
//!
//! ```text
//! customer ─┐  mailboxes                          ┌─ store a-m ── shelf on disk
//! customer ─┼──────────── client manager ── calls ┤
//! supplier ─┘                     └─ nameserver   └─ store n-z ── shelf on disk
//! ```
//!
//! What to look at:
//!
//! - [`interface`] is the whole contract between client managers and stores: a trait, its types, its typed error.
//! - [`store`] implements it over the [`shelf`], which is plain code and counts every execution by itself.
//! - [`manager`] is a caller that takes the outcomes seriously: what was never executed it sends again, and for `Unknown` it asks.
//! - [`run`] plays it all as processes, cuts connections and kills a store in between, and counts everything at the end.

pub mod customer;
pub mod desk;
pub mod interface;
pub mod lifetime;
pub mod manager;
pub mod part;
pub mod report;
pub mod run;
pub mod shelf;
pub mod store;
pub mod supplier;
