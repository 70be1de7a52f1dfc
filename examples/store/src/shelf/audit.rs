//! The audit: everything is counted afresh from the rows themselves, nothing is taken from a running total.

use std::collections::BTreeMap;

use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata};
use sha2::{Digest as _, Sha256};

use super::tables::{COUNTERS, EXECUTIONS, LOANS, OBJECTS, PIECES, STARTS, SUPPLIES};
use super::{Shelf, Verb};
use crate::interface::{Audit, Digest, Holding, StoreError, pieces_of};

impl Shelf {
    /// Counts everything, in one snapshot.
    pub fn audit(&self) -> Result<Audit, StoreError> {
        let transaction = self.database.begin_read()?;
        let mut audit = Audit::default();

        let mut lent: BTreeMap<String, u32> = BTreeMap::new();
        for row in transaction.open_table(LOANS)?.iter()? {
            let (_, title) = row?.1.value();
            *lent.entry(title).or_default() += 1;
            audit.loans += 1;
        }

        let pieces = transaction.open_table(PIECES)?;
        for row in transaction.open_table(OBJECTS)?.iter()? {
            let (title, object) = row?;
            let (title, (_, bytes, copies, _)) = (title.value().to_owned(), object.value());
            let mut hash = Sha256::new();
            for piece in 0..pieces_of(bytes) {
                if let Some(found) = pieces.get((title.as_str(), piece))? {
                    hash.update(found.value());
                }
            }
            let digest = Digest(hash.finalize().into());
            let lent = lent.remove(&title).unwrap_or(0);
            audit.holdings.push(Holding { title, bytes, digest, copies, lent });
        }

        for row in transaction.open_table(EXECUTIONS)?.iter()? {
            let (verb, runs, effects, _) = row?.1.value();
            let runs_of_verb = match verb {
                verb if verb == Verb::SupplyBegin as u8 => &mut audit.supply_begin,
                verb if verb == Verb::SupplyCommit as u8 => &mut audit.supply_commit,
                verb if verb == Verb::CheckOut as u8 => &mut audit.check_out,
                _ => &mut audit.return_loan,
            };
            runs_of_verb.done += u64::from(effects);
            runs_of_verb.refused += u64::from(runs - effects);
            audit.double_executions += u64::from(runs > 1);
        }

        audit.open_supplies = transaction.open_table(SUPPLIES)?.len()?;
        audit.starts = transaction.open_table(COUNTERS)?.get(STARTS)?.map_or(0, |row| row.value());
        Ok(audit)
    }
}
