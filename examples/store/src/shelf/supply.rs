//! Supplies: begun, brought in pieces, committed.

use redb::{Durability, ReadableTable, WriteTransaction};
use sha2::{Digest as _, Sha256};

use super::tables::{BROUGHT, Begun, COUNTERS, OBJECTS, PIECES, SUPPLIES, TAKEN};
use super::{Shelf, Verb, now, number, raise};
use crate::interface::{Digest, OperationId, PIECE_BYTES, StoreError, Supply, SupplyId, pieces_of};

/// How long a supply may stay open, in seconds; then its room is given to others.
const OPEN_MAX: u64 = 600;

impl Shelf {
    /// Opens a supply and reserves room for all its copies.
    pub fn supply_begin(&self, operation: OperationId, supply: &Supply) -> Result<SupplyId, StoreError> {
        self.execute(operation, Verb::SupplyBegin, |transaction| {
            self.check_part(&supply.title)?;
            check_contents(transaction, &supply.title, supply.digest)?;
            drop_abandoned(transaction)?;
            let bytes = room(supply.bytes, supply.copies);
            let bytes_free = self.limits.bytes_max.saturating_sub(raise(transaction, TAKEN, 0)?);
            if bytes > bytes_free {
                return Err(StoreError::CapacityExceeded { bytes, bytes_free });
            }
            raise(transaction, TAKEN, bytes)?;
            let number = number(transaction)?;
            let begun = (supply.title.clone(), supply.bytes, supply.digest.0, supply.copies, now());
            transaction.open_table(SUPPLIES)?.insert(number, begun)?;
            Ok((SupplyId(number), number))
        })
    }

    /// Keeps one piece; the same one may come again. On disk only with the commit.
    pub fn supply_piece(&self, supply: SupplyId, piece: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::None)?;
        {
            let supplies = transaction.open_table(SUPPLIES)?;
            let (_, whole, ..) = supplies.get(supply.0)?.ok_or(StoreError::NoSuchSupply)?.value();
            let start = u64::from(piece) * PIECE_BYTES;
            if start >= whole || bytes.len() as u64 != (whole - start).min(PIECE_BYTES) {
                return Err(StoreError::NoSuchPiece { piece });
            }
            transaction.open_table(BROUGHT)?.insert((supply.0, piece), bytes)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Puts the object on the shelf, or more copies of one that is there.
    pub fn supply_commit(&self, operation: OperationId, supply: SupplyId) -> Result<(), StoreError> {
        let mut wrong = false;
        let result = self.execute(operation, Verb::SupplyCommit, |transaction| {
            let begun = transaction.open_table(SUPPLIES)?.remove(supply.0)?.map(|row| row.value());
            let (title, bytes, digest, copies, _) = begun.ok_or(StoreError::NoSuchSupply)?;
            check_contents(transaction, &title, Digest(digest))?;
            let mut hash = Sha256::new();
            let mut brought = transaction.open_table(BROUGHT)?;
            let mut pieces = transaction.open_table(PIECES)?;
            for piece in 0..pieces_of(bytes) {
                let found = brought.remove((supply.0, piece))?.ok_or(StoreError::PieceMissing { piece })?;
                hash.update(found.value());
                pieces.insert((title.as_str(), piece), found.value())?;
            }
            if hash.finalize()[..] != digest {
                wrong = true;
                return Err(StoreError::WrongDigest { title });
            }
            let mut objects = transaction.open_table(OBJECTS)?;
            let (before, lent) = objects.get(title.as_str())?.map_or((0, 0), |row| (row.value().2, row.value().3));
            objects.insert(title.as_str(), (digest, bytes, before.saturating_add(copies), lent))?;
            Ok(((), 0))
        });
        if wrong {
            let transaction = self.database.begin_write()?;
            drop_supply(&transaction, supply.0)?;
            transaction.commit()?;
        }
        result
    }
}

/// Room that all copies take.
fn room(bytes: u64, copies: u32) -> u64 {
    bytes.saturating_mul(u64::from(copies))
}

/// Refuses a supply of other contents under a name that is taken.
fn check_contents(transaction: &WriteTransaction, title: &str, digest: Digest) -> Result<(), StoreError> {
    match transaction.open_table(OBJECTS)?.get(title)? {
        Some(row) if row.value().0 != digest.0 => Err(StoreError::OtherContents { title: title.to_owned() }),
        _ => Ok(()),
    }
}

/// Drops supplies whose supplier has not come back: dead, or cut off.
fn drop_abandoned(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let mut abandoned = Vec::new();
    for row in transaction.open_table(SUPPLIES)?.iter()? {
        let (number, begun) = row?;
        if now().saturating_sub(begun.value().4) > OPEN_MAX {
            abandoned.push(number.value());
        }
    }
    abandoned.into_iter().try_for_each(|number| drop_supply(transaction, number))
}

fn drop_supply(transaction: &WriteTransaction, supply: u64) -> Result<(), StoreError> {
    let begun: Option<Begun> = transaction.open_table(SUPPLIES)?.remove(supply)?.map(|row| row.value());
    let Some((_, bytes, _, copies, _)) = begun else {
        return Ok(());
    };
    transaction.open_table(BROUGHT)?.retain_in((supply, 0)..=(supply, u32::MAX), |_, _| false)?;
    let mut counters = transaction.open_table(COUNTERS)?;
    let taken = counters.get(TAKEN)?.map_or(0, |row| row.value());
    counters.insert(TAKEN, taken.saturating_sub(room(bytes, copies)))?;
    Ok(())
}
