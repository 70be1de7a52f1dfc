//! The interface, its types, and an implementation that is not worth much.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rpc_runtime::{CallError, Message, RemoteError, interface};

#[interface]
pub trait Library {
    async fn add(&self, book: Book) -> Result<u32, LibraryError>;
    async fn remove(&self, title: String) -> Result<bool, LibraryError>;
    #[rpc(idempotent)]
    async fn find(&self, title: String) -> Result<Book, LibraryError>;
    #[rpc(idempotent)]
    async fn search(&self, text: String, limit: u32) -> Result<Vec<Book>, LibraryError>;
    async fn lend(&self, member: u64, title: String) -> Result<Loan, LibraryError>;
    async fn renew(&self, loan: u64, days: u32) -> Result<Loan, LibraryError>;
    async fn give_back(&self, loan: Loan) -> Result<(), LibraryError>;
    async fn reserve(&self, member: u64, title: String) -> Result<u32, LibraryError>;
    #[rpc(idempotent)]
    async fn loans(&self, member: u64) -> Result<Vec<Loan>, LibraryError>;
    #[rpc(idempotent)]
    async fn overdue(&self, days: u32) -> Result<HashMap<u64, u32>, LibraryError>;
}

#[derive(Debug, Clone, Message)]
pub struct Book {
    pub title: String,
    pub author: String,
    pub copies: u32,
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, Message)]
pub struct Loan {
    pub id: u64,
    pub member: u64,
    pub title: String,
    pub days: u32,
    pub note: Option<String>,
}

#[derive(Debug, thiserror::Error, RemoteError)]
pub enum LibraryError {
    #[error("no such title: {title}")]
    NoSuchTitle { title: String },
    #[error("no such loan: {id}")]
    NoSuchLoan { id: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
pub struct Shelf {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    books: Vec<Book>,
    loans: Vec<Loan>,
}

impl Shelf {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn book(&self, title: &str) -> Result<&Book, LibraryError> {
        let found = self.books.iter().find(|book| book.title == title);
        found.ok_or_else(|| LibraryError::NoSuchTitle { title: title.to_owned() })
    }
}

impl Library for Shelf {
    async fn add(&self, book: Book) -> Result<u32, LibraryError> {
        let copies = book.copies;
        self.state().books.push(book);
        Ok(copies)
    }

    async fn remove(&self, title: String) -> Result<bool, LibraryError> {
        let mut state = self.state();
        state.book(&title)?;
        state.books.retain(|book| book.title != title);
        Ok(true)
    }

    async fn find(&self, title: String) -> Result<Book, LibraryError> {
        self.state().book(&title).cloned()
    }

    async fn search(&self, text: String, limit: u32) -> Result<Vec<Book>, LibraryError> {
        let state = self.state();
        Ok(state.books.iter().filter(|book| book.title.contains(&text)).take(limit as usize).cloned().collect())
    }

    async fn lend(&self, member: u64, title: String) -> Result<Loan, LibraryError> {
        let mut state = self.state();
        state.book(&title)?;
        let loan = Loan { id: state.loans.len() as u64, member, title, days: 28, note: None };
        state.loans.push(loan.clone());
        Ok(loan)
    }

    async fn renew(&self, loan: u64, days: u32) -> Result<Loan, LibraryError> {
        let mut state = self.state();
        let found = state.loans.iter_mut().find(|known| known.id == loan);
        let renewed = found.ok_or(LibraryError::NoSuchLoan { id: loan })?;
        renewed.days += days;
        Ok(renewed.clone())
    }

    async fn give_back(&self, loan: Loan) -> Result<(), LibraryError> {
        self.state().loans.retain(|known| known.id != loan.id);
        Ok(())
    }

    async fn reserve(&self, _member: u64, title: String) -> Result<u32, LibraryError> {
        Ok(self.state().book(&title)?.copies)
    }

    async fn loans(&self, member: u64) -> Result<Vec<Loan>, LibraryError> {
        Ok(self.state().loans.iter().filter(|loan| loan.member == member).cloned().collect())
    }

    async fn overdue(&self, days: u32) -> Result<HashMap<u64, u32>, LibraryError> {
        Ok(self.state().loans.iter().filter(|loan| loan.days > days).map(|loan| (loan.id, loan.days)).collect())
    }
}
