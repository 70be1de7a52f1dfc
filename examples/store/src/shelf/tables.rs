//! The tables on disk, and how their failures are told.

use redb::TableDefinition;

use crate::interface::StoreError;

/// One object: digest, bytes, copies, copies lent.
pub(super) type Object = ([u8; 32], u64, u32, u32);

/// One supply that has begun: title, bytes, digest, copies, when it was begun (seconds since 1970).
pub(super) type Begun = (String, u64, [u8; 32], u32, u64);

/// One operation: its kind, how often it ran, how often with effect, what it made.
pub(super) type Execution = (u8, u32, u32, u64);

/// Objects by title.
pub(super) const OBJECTS: TableDefinition<'_, &str, Object> = TableDefinition::new("objects");
/// Pieces by title and number.
pub(super) const PIECES: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("pieces");
/// Supplies that have begun.
pub(super) const SUPPLIES: TableDefinition<'_, u64, Begun> = TableDefinition::new("supplies");
/// Pieces that were brought, by supply and number.
pub(super) const BROUGHT: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("brought");
/// Customer and title by loan.
pub(super) const LOANS: TableDefinition<'_, u64, (u64, String)> = TableDefinition::new("loans");
/// Loans by customer.
pub(super) const HELD: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("held");
/// Every operation that ever ran, by its id.
pub(super) const EXECUTIONS: TableDefinition<'_, u128, Execution> = TableDefinition::new("executions");
/// Numbers that only rise, and sums.
pub(super) const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");

/// The last number given to a loan or supply.
pub(super) const LAST_NUMBER: &str = "last number";
/// Bytes of all copies on the shelf and in supplies that have begun.
pub(super) const TAKEN: &str = "bytes taken";
/// How often the shelf was opened.
pub(super) const STARTS: &str = "starts";

/// A failure of redb, whichever of its kinds.
macro_rules! failures {
    ($($failure:ident),*) => {$(
        impl From<redb::$failure> for StoreError {
            fn from(failure: redb::$failure) -> Self {
                StoreError::Shelf { what: failure.to_string() }
            }
        }
    )*};
}

failures!(DatabaseError, TransactionError, TableError, StorageError, CommitError, SetDurabilityError);
