//! The service, and an implementation that is not worth much.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pb::library_server::Library;
use pb::{
    AddReply, Book, Books, LendRequest, Loan, LoansReply, LoansRequest, OverdueReply, OverdueRequest, RemoveReply,
    RenewRequest, ReserveReply, SearchRequest, Title,
};
use tonic::{Request, Response, Status};

pub mod pb {
    tonic::include_proto!("library");
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
    fn book(&self, title: &str) -> Result<&Book, Status> {
        let found = self.books.iter().find(|book| book.title == title);
        found.ok_or_else(|| Status::not_found(format!("no such title: {title}")))
    }
}

#[tonic::async_trait]
impl Library for Shelf {
    async fn add(&self, request: Request<Book>) -> Result<Response<AddReply>, Status> {
        let book = request.into_inner();
        let copies = book.copies;
        self.state().books.push(book);
        Ok(Response::new(AddReply { copies }))
    }

    async fn remove(&self, request: Request<Title>) -> Result<Response<RemoveReply>, Status> {
        let Title { title } = request.into_inner();
        let mut state = self.state();
        state.book(&title)?;
        state.books.retain(|book| book.title != title);
        Ok(Response::new(RemoveReply { removed: true }))
    }

    async fn find(&self, request: Request<Title>) -> Result<Response<Book>, Status> {
        Ok(Response::new(self.state().book(&request.into_inner().title)?.clone()))
    }

    async fn search(&self, request: Request<SearchRequest>) -> Result<Response<Books>, Status> {
        let SearchRequest { text, limit } = request.into_inner();
        let state = self.state();
        let found = state.books.iter().filter(|book| book.title.contains(&text)).take(limit as usize);
        Ok(Response::new(Books { books: found.cloned().collect() }))
    }

    async fn lend(&self, request: Request<LendRequest>) -> Result<Response<Loan>, Status> {
        let LendRequest { member, title } = request.into_inner();
        let mut state = self.state();
        state.book(&title)?;
        let loan = Loan { id: state.loans.len() as u64, member, title, days: 28, note: None };
        state.loans.push(loan.clone());
        Ok(Response::new(loan))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<Loan>, Status> {
        let RenewRequest { loan, days } = request.into_inner();
        let mut state = self.state();
        let found = state.loans.iter_mut().find(|known| known.id == loan);
        let renewed = found.ok_or_else(|| Status::not_found(format!("no such loan: {loan}")))?;
        renewed.days += days;
        Ok(Response::new(renewed.clone()))
    }

    async fn give_back(&self, request: Request<Loan>) -> Result<Response<()>, Status> {
        let loan = request.into_inner();
        self.state().loans.retain(|known| known.id != loan.id);
        Ok(Response::new(()))
    }

    async fn reserve(&self, request: Request<LendRequest>) -> Result<Response<ReserveReply>, Status> {
        Ok(Response::new(ReserveReply { place: self.state().book(&request.into_inner().title)?.copies }))
    }

    async fn loans(&self, request: Request<LoansRequest>) -> Result<Response<LoansReply>, Status> {
        let LoansRequest { member } = request.into_inner();
        let loans = self.state().loans.iter().filter(|loan| loan.member == member).cloned().collect();
        Ok(Response::new(LoansReply { loans }))
    }

    async fn overdue(&self, request: Request<OverdueRequest>) -> Result<Response<OverdueReply>, Status> {
        let OverdueRequest { days } = request.into_inner();
        let state = self.state();
        let days = state.loans.iter().filter(|loan| loan.days > days).map(|loan| (loan.id, loan.days)).collect();
        Ok(Response::new(OverdueReply { days }))
    }
}
