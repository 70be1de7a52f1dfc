//! Loans: checked out, played, returned.

use redb::{ReadableDatabase, ReadableTable};

use super::tables::{HELD, LOANS, OBJECTS, PIECES};
use super::{Shelf, Verb, number};
use crate::interface::{CustomerId, Digest, Loan, LoanId, OperationId, StoreError};

impl Shelf {
    /// Lends one copy.
    pub fn check_out(&self, operation: OperationId, customer: CustomerId, title: &str) -> Result<Loan, StoreError> {
        self.execute(operation, Verb::CheckOut, |transaction| {
            self.check_part(title)?;
            let mut objects = transaction.open_table(OBJECTS)?;
            let object = objects.get(title)?.map(|row| row.value());
            let (digest, bytes, copies, lent) =
                object.ok_or_else(|| StoreError::NoSuchTitle { title: title.to_owned() })?;
            let mut held = transaction.open_table(HELD)?;
            let loans_max = self.limits.loans_max;
            if held.range((customer.0, 0)..=(customer.0, u64::MAX))?.count() >= loans_max as usize {
                return Err(StoreError::LimitReached { loans_max });
            }
            if lent >= copies {
                return Err(StoreError::AllCopiesOut { title: title.to_owned(), copies });
            }
            let loan = number(transaction)?;
            objects.insert(title, (digest, bytes, copies, lent + 1))?;
            held.insert((customer.0, loan), ())?;
            transaction.open_table(LOANS)?.insert(loan, (customer.0, title.to_owned()))?;
            Ok((Loan { loan: LoanId(loan), title: title.to_owned(), bytes, digest: Digest(digest) }, loan))
        })
    }

    /// One piece of what was lent; empty beyond the last.
    pub fn play(&self, loan: LoanId, piece: u32) -> Result<Vec<u8>, StoreError> {
        let transaction = self.database.begin_read()?;
        let (_, title) = transaction.open_table(LOANS)?.get(loan.0)?.ok_or(StoreError::NoSuchLoan)?.value();
        let found = transaction.open_table(PIECES)?.get((title.as_str(), piece))?;
        Ok(found.map_or_else(Vec::new, |row| row.value().to_vec()))
    }

    /// Takes a copy back.
    pub fn return_loan(&self, operation: OperationId, loan: LoanId) -> Result<(), StoreError> {
        self.execute(operation, Verb::ReturnLoan, |transaction| {
            let ended = transaction.open_table(LOANS)?.remove(loan.0)?.map(|row| row.value());
            let (customer, title) = ended.ok_or(StoreError::NoSuchLoan)?;
            transaction.open_table(HELD)?.remove((customer, loan.0))?;
            let mut objects = transaction.open_table(OBJECTS)?;
            let object = objects.get(title.as_str())?.map(|row| row.value());
            let (digest, bytes, copies, lent) = object.ok_or(StoreError::NoSuchTitle { title: title.clone() })?;
            objects.insert(title.as_str(), (digest, bytes, copies, lent.saturating_sub(1)))?;
            Ok(((), 0))
        })
    }

    /// What a loan is about.
    pub fn loan(&self, loan: LoanId) -> Result<Loan, StoreError> {
        let transaction = self.database.begin_read()?;
        let (_, title) = transaction.open_table(LOANS)?.get(loan.0)?.ok_or(StoreError::NoSuchLoan)?.value();
        let object = transaction.open_table(OBJECTS)?.get(title.as_str())?.map(|row| row.value());
        let (digest, bytes, ..) = object.ok_or_else(|| StoreError::NoSuchTitle { title: title.clone() })?;
        Ok(Loan { loan, title, bytes, digest: Digest(digest) })
    }

    /// All titles, in order.
    pub fn titles(&self) -> Result<Vec<String>, StoreError> {
        let objects = self.database.begin_read()?.open_table(OBJECTS)?;
        objects.iter()?.map(|row| Ok(row?.0.value().to_owned())).collect()
    }
}
