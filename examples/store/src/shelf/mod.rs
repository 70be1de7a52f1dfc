//! The shelf: a store's objects, loans and executions, on disk.
//!
//! Every change is one redb transaction that is on disk when the method returns, and the record of the execution is part of it: there
//! is no moment at which a copy is lent and the execution is not counted, or the other way round. Only the pieces of a supply are
//! written without waiting for the disk; should they be lost with the process, the commit says which one is missing.
//!
//! redb locks the file for as long as the process lives. That is more than tidiness: when a restarted store answers, the one before
//! it has ended, and what it has not written it never will.

mod audit;
mod lend;
mod supply;
mod tables;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::{Database, ReadableDatabase, ReadableTable, WriteTransaction};

use crate::interface::{OperationId, Outcome, StoreError};
use crate::part::Part;
use tables::{BROUGHT, COUNTERS, EXECUTIONS, HELD, LAST_NUMBER, LOANS, OBJECTS, PIECES, STARTS, SUPPLIES};

/// What a store allows.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes on the shelf, each copy counted.
    pub bytes_max: u64,
    /// Loans that one customer may hold.
    pub loans_max: u32,
}

/// Kinds of operations, as they stand on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    SupplyBegin = 1,
    SupplyCommit = 2,
    CheckOut = 3,
    ReturnLoan = 4,
}

/// A store's memory. Its methods block for as long as the disk takes.
#[derive(Debug)]
pub struct Shelf {
    database: Database,
    part: Part,
    limits: Limits,
}

impl Shelf {
    /// Opens the shelf in the file at `path`, or makes one. Fails while another process has it open.
    pub fn open(path: &Path, part: Part, limits: Limits) -> Result<Self, StoreError> {
        let database = Database::create(path)?;
        let transaction = database.begin_write()?;
        // All tables exist from now on, so that reading never meets a missing one.
        transaction.open_table(OBJECTS)?;
        transaction.open_table(PIECES)?;
        transaction.open_table(SUPPLIES)?;
        transaction.open_table(BROUGHT)?;
        transaction.open_table(LOANS)?;
        transaction.open_table(HELD)?;
        transaction.open_table(EXECUTIONS)?;
        raise(&transaction, STARTS, 1)?;
        transaction.commit()?;
        Ok(Self { database, part, limits })
    }

    /// What became of an operation.
    pub fn outcome(&self, operation: OperationId) -> Result<Outcome, StoreError> {
        let executions = self.database.begin_read()?.open_table(EXECUTIONS)?;
        Ok(match executions.get(operation.0.as_u128())?.map(|row| row.value()) {
            None => Outcome::NotRun,
            Some((_, _, 0, _)) => Outcome::Refused,
            Some((_, _, _, made)) => Outcome::Done { made },
        })
    }

    /// Runs an operation and writes down that it ran. A refusal changes nothing else.
    fn execute<T>(
        &self,
        operation: OperationId,
        verb: Verb,
        run: impl FnOnce(&WriteTransaction) -> Result<(T, u64), StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.database.begin_write()?;
        match run(&transaction) {
            Ok((value, made)) => {
                count(&transaction, operation, verb, Some(made))?;
                transaction.commit()?;
                Ok(value)
            }
            Err(refusal) => {
                transaction.abort()?;
                let transaction = self.database.begin_write()?;
                count(&transaction, operation, verb, None)?;
                transaction.commit()?;
                Err(refusal)
            }
        }
    }

    fn check_part(&self, title: &str) -> Result<(), StoreError> {
        if self.part.covers(title) {
            return Ok(());
        }
        Err(StoreError::WrongPart { title: title.to_owned(), part: self.part.to_string() })
    }
}

/// Adds one run of `operation`; `made` is `None` if it was refused. Nothing is decided by what stood there before.
fn count(
    transaction: &WriteTransaction,
    operation: OperationId,
    verb: Verb,
    made: Option<u64>,
) -> Result<(), StoreError> {
    let mut executions = transaction.open_table(EXECUTIONS)?;
    let (_, runs, effects, before) = executions.get(operation.0.as_u128())?.map_or((0, 0, 0, 0), |row| row.value());
    let effects = effects + u32::from(made.is_some());
    executions.insert(operation.0.as_u128(), (verb as u8, runs + 1, effects, made.unwrap_or(before)))?;
    Ok(())
}

/// Adds to a counter and gives its new value.
fn raise(transaction: &WriteTransaction, counter: &str, by: u64) -> Result<u64, StoreError> {
    let mut counters = transaction.open_table(COUNTERS)?;
    let value = counters.get(counter)?.map_or(0, |row| row.value()) + by;
    counters.insert(counter, value)?;
    Ok(value)
}

/// A number that no loan and no supply has had.
fn number(transaction: &WriteTransaction) -> Result<u64, StoreError> {
    raise(transaction, LAST_NUMBER, 1)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
