//! The store's interface: what a client manager can ask of a store.
//!
//! Calls that change something (`supply_begin`, `supply_commit`, `check_out`, `return_loan`) are plain: the runtime sees to it that
//! each runs at most once. Each carries an [`OperationId`] that the *application* made up. The store writes down, on disk and in the
//! same transaction as the effect, every run of every operation, and never looks at the id to decide anything: it is there so that
//! the audit at the end can count runs by itself, and so that a client manager whose call ended `Unknown` can ask what became of it.

use rpc_runtime::{Bytes, CallError, Message, RemoteError, interface};
use uuid::Uuid;

/// How many bytes of an object travel in one piece; the last piece may be shorter.
pub const PIECE_BYTES: u64 = 32 * 1024;

/// How many pieces an object of `bytes` bytes has. An empty object has none.
pub fn pieces_of(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(u32::MAX)
}

/// Names one thing that somebody wanted done, however often it was asked for. 128 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(transparent)]
pub struct OperationId(pub Uuid);

impl OperationId {
    /// A new one.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

/// Stands for a customer, whichever host it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(transparent)]
pub struct CustomerId(pub u64);

/// One loan of one copy; never given out twice by a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(transparent)]
pub struct LoanId(pub u64);

/// One supply that has begun; never given out twice by a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(transparent)]
pub struct SupplyId(pub u64);

/// The SHA-256 of an object's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(transparent)]
pub struct Digest(pub [u8; 32]);

/// What a supplier brings.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub struct Supply {
    /// Under which name it is filed.
    pub title: String,
    /// How long it is.
    pub bytes: u64,
    /// What its bytes hash to.
    pub digest: Digest,
    /// How many copies may be lent at the same time.
    pub copies: u32,
}

/// What a customer took home.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub struct Loan {
    /// Its number in the store.
    pub loan: LoanId,
    /// What was lent.
    pub title: String,
    /// How long it is.
    pub bytes: u64,
    /// What its bytes hash to.
    pub digest: Digest,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
pub enum Outcome {
    /// The store has no run of it on disk. Asked of a store that has restarted since, this is final: a store locks its shelf, so the
    /// process that was called is dead and can run nothing any more.
    NotRun,
    /// It ran and was refused; nothing has changed.
    Refused,
    /// It ran and had its effect.
    Done {
        /// Number of the loan or supply that it made; zero for the others.
        made: u64,
    },
}

/// A store: it lends copies of the objects that suppliers bring, for titles in its part of the name space.
#[interface(package = "store.v1")]
pub trait Store {
    /// Opens a supply and reserves the room for it.
    async fn supply_begin(&self, operation: OperationId, supply: Supply) -> Result<SupplyId, StoreError>;

    /// Brings one piece. The same piece may come again.
    #[rpc(idempotent)]
    async fn supply_piece(&self, supply: SupplyId, piece: u32, bytes: Bytes) -> Result<(), StoreError>;

    /// Puts what was brought on the shelf, if all pieces are there and hash to what was announced.
    async fn supply_commit(&self, operation: OperationId, supply: SupplyId) -> Result<(), StoreError>;

    /// Lends one copy.
    async fn check_out(&self, operation: OperationId, customer: CustomerId, title: &str) -> Result<Loan, StoreError>;

    /// Gives one piece of what was lent. Beyond the last it is empty.
    #[rpc(idempotent)]
    async fn play(&self, loan: LoanId, piece: u32) -> Result<Bytes, StoreError>;

    /// Takes a copy back.
    async fn return_loan(&self, operation: OperationId, loan: LoanId) -> Result<(), StoreError>;

    /// What became of an operation, as far as the disk knows.
    #[rpc(idempotent)]
    async fn outcome(&self, operation: OperationId) -> Result<Outcome, StoreError>;

    /// What a loan is about, as long as it lasts.
    #[rpc(idempotent)]
    async fn loan(&self, loan: LoanId) -> Result<Loan, StoreError>;

    /// All titles on the shelf, in order.
    #[rpc(idempotent)]
    async fn titles(&self) -> Result<Vec<String>, StoreError>;

    /// Everything that the store knows, counted on the shelf itself.
    #[rpc(idempotent)]
    async fn audit(&self) -> Result<Audit, StoreError>;
}

/// One object on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub struct Holding {
    /// Its name.
    pub title: String,
    /// How long it is.
    pub bytes: u64,
    /// What its bytes hash to, computed afresh from the pieces on the shelf.
    pub digest: Digest,
    /// How many copies there are.
    pub copies: u32,
    /// How many of them are lent, counted by the loans.
    pub lent: u32,
}

/// How often operations of one kind ran, by the store's own records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Message)]
pub struct Runs {
    /// Runs that had their effect.
    pub done: u64,
    /// Runs that were refused.
    pub refused: u64,
}

/// What a store finds when it counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Message)]
pub struct Audit {
    /// All objects, by title.
    pub holdings: Vec<Holding>,
    /// Loans that have not been returned.
    pub loans: u64,
    /// Supplies that were begun and neither committed nor dropped.
    pub open_supplies: u64,
    /// Runs of `supply_begin`.
    pub supply_begin: Runs,
    /// Runs of `supply_commit`.
    pub supply_commit: Runs,
    /// Runs of `check_out`.
    pub check_out: Runs,
    /// Runs of `return_loan`.
    pub return_loan: Runs,
    /// How many operations ran more than once. It should be none.
    pub double_executions: u64,
    /// How often the store was started on this shelf.
    pub starts: u64,
}

/// Why a store did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error, RemoteError)]
pub enum StoreError {
    /// Nothing of that name is on the shelf.
    #[error("no such title: {title}")]
    NoSuchTitle {
        /// What was asked for.
        title: String,
    },
    /// All copies are lent.
    #[error("all {copies} copies of {title} are out")]
    AllCopiesOut {
        /// What was asked for.
        title: String,
        /// How many copies there are.
        copies: u32,
    },
    /// The customer holds as many loans as a customer may.
    #[error("the customer already holds {loans_max} loans")]
    LimitReached {
        /// How many a customer may hold in one store.
        loans_max: u32,
    },
    /// The shelf has no room for it.
    #[error("{bytes} bytes wanted, {bytes_free} free")]
    CapacityExceeded {
        /// How much room it needs.
        bytes: u64,
        /// How much there is.
        bytes_free: u64,
    },
    /// The title belongs to another store.
    #[error("{title} does not belong to the part {part}")]
    WrongPart {
        /// What was asked for.
        title: String,
        /// What this store covers.
        part: String,
    },
    /// No such loan, or it was returned.
    #[error("no such loan")]
    NoSuchLoan,
    /// No such supply: never begun, committed, or dropped because nothing came for too long.
    #[error("no such supply")]
    NoSuchSupply,
    /// Pieces are missing, from this one on: the store has been restarted and had not written them to disk. Bring them again.
    #[error("piece {piece} is missing")]
    PieceMissing {
        /// The first one that is missing.
        piece: u32,
    },
    /// A piece that the object cannot have, or not of this length.
    #[error("piece {piece} does not fit the object")]
    NoSuchPiece {
        /// Which one.
        piece: u32,
    },
    /// What was brought does not hash to what was announced; the supply is dropped.
    #[error("the bytes of {title} do not hash to what was announced")]
    WrongDigest {
        /// What was brought.
        title: String,
    },
    /// The shelf has another object of that name.
    #[error("{title} is on the shelf with other contents")]
    OtherContents {
        /// What was brought.
        title: String,
    },
    /// The store's disk failed.
    #[error("the shelf failed: {what}")]
    Shelf {
        /// What it said.
        what: String,
    },
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}
