//! The desk: what customers and suppliers say to the client manager of their host, through a mailbox.
//!
//! A request is one message; playing is answered by one message for each piece, everything else by one. Messages are marshalled like
//! the arguments of a call.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mailbox::{Layout, Receiver, Sender};
use rpc_runtime::idl::{self, DecodeError, EncodeError};
use rpc_runtime::{Bytes, Message};

use crate::interface::{CustomerId, Loan, LoanId, StoreError, Supply, SupplyId};

/// Size of all mailboxes: pieces of [`PIECE_BYTES`](crate::interface::PIECE_BYTES) fit into a cell.
pub const LAYOUT: Layout = Layout::new(8, 34 * 1024);

/// How long a request may take in all. A store that is down for a while should not end it; a client manager that is dead or stopped
/// is noticed much earlier, by the mailbox itself.
const REQUEST_LIMIT: Duration = Duration::from_secs(90);

/// How long a local process waits before it asks again when the client manager has too much to do.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// The directory with the mailboxes of `host` unless told otherwise.
pub fn default_office(host: &str) -> PathBuf {
    mailbox::shared_memory_dir().join(host)
}

/// A request, with a number that its answers repeat.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Asked {
    /// Rises with each request of a mailbox.
    pub number: u64,
    /// What is wanted.
    pub request: Request,
}

/// What a customer or supplier can want.
#[derive(Debug, Clone, PartialEq, Message)]
pub enum Request {
    /// The titles of all stores that come after this one, or as many of them as fit into a message.
    Titles {
        /// The last one that is known.
        after: String,
    },
    /// A copy to take home.
    CheckOut {
        /// For whom.
        customer: CustomerId,
        /// Of what.
        title: String,
    },
    /// All pieces of what was lent.
    Play {
        /// Which loan.
        loan: Loan,
    },
    /// To give a copy back.
    Return {
        /// Of what.
        title: String,
        /// Which loan.
        loan: LoanId,
    },
    /// To open a supply.
    SupplyBegin {
        /// Of what.
        supply: Supply,
    },
    /// To bring a piece.
    SupplyPiece {
        /// Of what.
        title: String,
        /// To which supply.
        supply: SupplyId,
        /// Which piece.
        piece: u32,
        /// Its contents.
        bytes: Bytes,
    },
    /// To have a supply put on the shelf.
    SupplyCommit {
        /// Of what.
        title: String,
        /// Which supply.
        supply: SupplyId,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Answered {
    /// The number of the request.
    pub number: u64,
    /// What came of it.
    pub answer: Answer,
}

/// What can come of a request.
#[derive(Debug, Clone, PartialEq, Message)]
pub enum Answer {
    /// The titles, in order; none when there are no more.
    Titles(Vec<String>),
    /// The copy.
    Lent(Loan),
    /// One piece; the last one is empty.
    Piece(Bytes),
    /// The supply is open.
    Begun(SupplyId),
    /// It is done.
    Done,
    /// It is not done.
    Not(Trouble),
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Message)]
pub enum Trouble {
    /// The client manager has too much to do. Nothing was begun; ask again.
    #[error("the client manager is busy")]
    Busy,
    /// No store covers the title.
    #[error("no store covers {title}")]
    NoStore {
        /// What was asked for.
        title: String,
    },
    /// The store refused, or could not be called.
    #[error(transparent)]
    Store(StoreError),
    /// The call may have run, and the store could not say.
    #[error("nobody can say what became of it: {text}")]
    Unresolved {
        /// The last thing that was learned.
        text: String,
    },
}

/// Why the desk gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The mailbox failed: most of all, the client manager is dead or stopped.
    #[error("the mailbox to the client manager failed: {0}")]
    Mailbox(#[from] mailbox::Error),
    /// The request cannot be put into bytes.
    #[error("the request cannot be marshalled: {0}")]
    Unencodable(#[from] EncodeError),
    /// What came is no answer.
    #[error("the client manager sent what is no answer: {0}")]
    Undecodable(#[from] DecodeError),
    /// An answer to something else.
    #[error("the client manager sent an answer to something else")]
    Unexpected,
    /// The request was not done.
    #[error(transparent)]
    Not(#[from] Trouble),
}

/// A local process's place at the client manager. Its methods block.
#[derive(Debug)]
pub struct Desk {
    requests: Sender,
    answers: Receiver,
    last: u64,
}

impl Desk {
    /// Finds the client manager that serves the directory `office`, waiting for it up to `limit`.
    pub fn find(office: &Path, limit: Duration) -> Result<Self, DeskError> {
        let (requests, answers) = mailbox::claim(office, LAYOUT, limit)?;
        Ok(Self { requests, answers, last: 0 })
    }

    /// The titles of all stores.
    pub fn titles(&mut self) -> Result<Vec<String>, DeskError> {
        let mut all: Vec<String> = Vec::new();
        loop {
            let after = all.last().cloned().unwrap_or_default();
            match self.ask(Request::Titles { after })? {
                Answer::Titles(more) if more.is_empty() => return Ok(all),
                Answer::Titles(more) => all.extend(more),
                _ => return Err(DeskError::Unexpected),
            }
        }
    }

    /// Takes a copy home.
    pub fn check_out(&mut self, customer: CustomerId, title: &str) -> Result<Loan, DeskError> {
        match self.ask(Request::CheckOut { customer, title: title.to_owned() })? {
            Answer::Lent(loan) => Ok(loan),
            _ => Err(DeskError::Unexpected),
        }
    }

    /// Plays what was lent: `piece` gets its bytes, in order.
    pub fn play(&mut self, loan: &Loan, mut piece: impl FnMut(&[u8])) -> Result<(), DeskError> {
        let mut answer = self.ask(Request::Play { loan: loan.clone() })?;
        loop {
            match answer {
                Answer::Piece(bytes) if bytes.is_empty() => return Ok(()),
                Answer::Piece(bytes) => piece(&bytes),
                _ => return Err(DeskError::Unexpected),
            }
            answer = self.answer(Instant::now() + REQUEST_LIMIT)?;
        }
    }

    /// Gives a copy back.
    pub fn return_loan(&mut self, loan: &Loan) -> Result<(), DeskError> {
        self.done(Request::Return { title: loan.title.clone(), loan: loan.loan })
    }

    /// Opens a supply.
    pub fn supply_begin(&mut self, supply: &Supply) -> Result<SupplyId, DeskError> {
        match self.ask(Request::SupplyBegin { supply: supply.clone() })? {
            Answer::Begun(supply) => Ok(supply),
            _ => Err(DeskError::Unexpected),
        }
    }

    /// Brings one piece of a supply.
    pub fn supply_piece(&mut self, title: &str, supply: SupplyId, piece: u32, bytes: Bytes) -> Result<(), DeskError> {
        self.done(Request::SupplyPiece { title: title.to_owned(), supply, piece, bytes })
    }

    /// Has a supply put on the shelf.
    pub fn supply_commit(&mut self, title: &str, supply: SupplyId) -> Result<(), DeskError> {
        self.done(Request::SupplyCommit { title: title.to_owned(), supply })
    }

    fn done(&mut self, request: Request) -> Result<(), DeskError> {
        match self.ask(request)? {
            Answer::Done => Ok(()),
            _ => Err(DeskError::Unexpected),
        }
    }

    /// Sends a request and gives its first answer. While the client manager is busy it asks again: nothing was begun.
    fn ask(&mut self, request: Request) -> Result<Answer, DeskError> {
        let deadline = Instant::now() + REQUEST_LIMIT;
        let mut asked = Asked { number: 0, request };
        loop {
            self.last += 1;
            asked.number = self.last;
            self.requests.send(&idl::to_vec(&asked)?, deadline.saturating_duration_since(Instant::now()))?;
            match self.answer(deadline) {
                Err(DeskError::Not(Trouble::Busy)) if Instant::now() < deadline => std::thread::sleep(BUSY_PAUSE),
                other => return other,
            }
        }
    }

    /// The next answer to the last request; late answers to earlier ones are passed over.
    fn answer(&mut self, deadline: Instant) -> Result<Answer, DeskError> {
        loop {
            let message = self.answers.receive(deadline.saturating_duration_since(Instant::now()))?;
            let answered: Answered = idl::from_slice(&message)?;
            match answered.answer {
                _ if answered.number != self.last => {}
                Answer::Not(trouble) => return Err(trouble.into()),
                answer => return Ok(answer),
            }
        }
    }
}
