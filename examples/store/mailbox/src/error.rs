//! Why a message was not passed on.

/// Why a message was not passed on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer's process has ended, or it has closed its side. Nothing more will come; a message that was already in the mailbox
    /// was still delivered before this.
    #[error("the peer is gone")]
    PeerGone,
    /// The peer's process exists but gives no sign of life: it is stopped, or hangs.
    #[error("the peer gives no sign of life")]
    PeerStalled,
    /// The time limit has passed. A message that was to be sent was not sent.
    #[error("the time limit has passed")]
    TimedOut,
    /// The peer wrote something that cannot be. The mailbox is of no more use.
    #[error("the mailbox is corrupt: {what}")]
    Corrupt {
        /// What was found.
        what: &'static str,
    },
    /// The message is longer than a cell. Nothing was sent.
    #[error("a message of {bytes} bytes does not fit into a cell of {bytes_max}")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The rendezvous directory holds no free mailbox: nobody serves it, or all are taken.
    #[error("no free mailbox in the rendezvous directory")]
    NoMailbox,
    /// Another living process serves this rendezvous directory.
    #[error("process {process} already serves this rendezvous directory")]
    Occupied {
        /// Its process id.
        process: u32,
    },
    /// The rendezvous directory belongs to another user, or others may write to it.
    #[error("the rendezvous directory is open to other users")]
    NotPrivate,
    /// A file or a mapping could not be made.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
