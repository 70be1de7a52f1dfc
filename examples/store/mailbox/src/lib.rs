//! Shared-memory mailboxes between the processes of one host.
//!
//! An [`Office`] (the serving process) keeps a few empty mailboxes in a rendezvous directory. A local process takes one with
//! [`claim`] and from then on the two exchange messages through it: each direction is a bounded ring of cells with one producer and
//! one consumer.
//!
//! ```
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), mailbox::Error> {
//! let dir = std::env::temp_dir().join(format!("mailbox-doc-{}", std::process::id()));
//! let second = Duration::from_secs(1);
//!
//! // The serving process:
//! let mut office = mailbox::Office::open(&dir, mailbox::Layout::default())?;
//! let (mut requests, mut replies) = office.place()?;
//!
//! // Another process:
//! let (mut ask, mut answers) = mailbox::claim(&dir, mailbox::Layout::default(), second)?;
//! ask.send(b"is anyone there?", second)?;
//!
//! // The serving process again:
//! let question = requests.receive(second)?;
//! replies.send(&[question.as_slice(), b" yes"].concat(), second)?;
//!
//! assert_eq!(answers.receive(second)?, b"is anyone there? yes");
//! # Ok(())
//! # }
//! ```
//!
//! # What a peer can do to us
//!
//! The peer is another process: it may be killed or stopped between any two instructions, and it may write anything anywhere into
//! the mapping. So:
//!
//! - **No wait is without end.** Every wait has a limit, and within it looks every 50 ms whether the peer still lives (its process id
//!   *and* start time) and, for the office's side, whether its heart still beats. A dead peer is [`Error::PeerGone`], a stopped one
//!   [`Error::PeerStalled`] or [`Error::TimedOut`].
//! - **No number in shared memory decides an address.** The layout is compiled in; each side keeps its own position in a private
//!   variable and checks the other's against it; a length is checked before anything is copied. What does not fit is
//!   [`Error::Corrupt`].
//! - **Bytes are copied out before anyone looks at them**, so that they cannot change between a check and a use.
//! - **Nothing is ever borrowed from the mapping but atomics**, so a peer that writes at the wrong moment makes a wrong value, never
//!   undefined behaviour. The crate has one `unsafe` block (and its loom model one `unsafe impl`); the safety is argued there, in `region.rs`.
//!
//! One thing is out of reach: a process of the same user that *truncates* the mapped file makes the next access a SIGBUS. It could as
//! well send SIGKILL. The files are mode 0600 in a directory of mode 0700 and are unlinked as soon as they are claimed, so no other
//! user, and no accident with a path, can do it.
//!
//! # How it is checked
//!
//! Unit tests scribble over the memory, `tests/processes.rs` kills and stops real processes, and loom goes through the
//! interleavings of the hand-over, the wake-up and the claim:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p mailbox --release --lib
//! ```
//!
//! # Why not a library
//!
//! Looked at before writing this: `shared_memory` 0.12 and `raw_sync` (unmaintained, and only raw memory and locks, on which a peer
//! that dies holding one hangs the other); `iceoryx2` 0.10 (everything we want, but its build wants libclang); `shmem-ipc` 0.3 (made
//! for untrusted peers, but needs descriptors passed over a socket, has no time limits, and rests on memmap2 0.5); `ipc_ring` 0.2,
//! `shmring` 0.4 and `ringfire` 0.5 (build with Rust alone and are young; they trust the peer's indexes or make values of type `T`
//! straight from shared bytes, and none notices that the peer has died).

#![cfg_attr(loom, allow(dead_code, unused_imports, reason = "the models use the ring without files and processes"))]

mod error;
mod layout;
mod mailbox;
#[cfg(not(loom))]
mod office;
mod process;
mod region;
mod ring;
mod sync;

pub use error::Error;
pub use layout::Layout;
pub use mailbox::{Receiver, Sender};
#[cfg(not(loom))]
pub use office::{Office, claim, shared_memory_dir};
pub use process::{Process, State};
