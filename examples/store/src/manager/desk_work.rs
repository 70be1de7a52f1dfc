//! What is done for a request: which calls it takes, and which answers.

use std::future::ready;

use super::calls::{once, repeat};
use super::postman::Answers;
use super::stores::Stores;
use crate::desk::{Answer, Asked, LAYOUT, Request, Trouble};
use crate::interface::{Loan, LoanId, Store, SupplyId, pieces_of};

/// What a title takes in an answer besides its own bytes, and with it, generously, what the answer takes besides its titles.
const TITLE_EXTRA: usize = 16;

/// Serves one request to its end.
pub(super) async fn serve(stores: &Stores, asked: Asked, answers: &Answers) {
    let answer = match asked.request {
        Request::Play { loan } => match play(stores, &loan, asked.number, answers).await {
            Ok(true) => return,
            // The local process has gone, or does not read.
            Ok(false) => return,
            Err(trouble) => Err(trouble),
        },
        request => single(stores, request).await,
    };
    // If it cannot be delivered, there is nobody to tell.
    let _ = answers.send(asked.number, answer.unwrap_or_else(Answer::Not)).await;
}

/// Requests with one answer.
async fn single(stores: &Stores, request: Request) -> Result<Answer, Trouble> {
    let counts = &stores.counts;
    match request {
        Request::Titles { after } => titles(stores, &after).await.map(Answer::Titles),
        Request::CheckOut { customer, title } => {
            let store = &stores.covering(&title).await?;
            let call = |operation| store.check_out(operation, customer, &title);
            once(store, counts, call, |number| store.loan(LoanId(number))).await.map(Answer::Lent)
        }
        Request::Return { title, loan } => {
            let store = &stores.covering(&title).await?;
            let call = |operation| store.return_loan(operation, loan);
            once(store, counts, call, |_| ready(Ok(()))).await.map(|()| Answer::Done)
        }
        Request::SupplyBegin { supply } => {
            let store = &stores.covering(&supply.title).await?;
            let call = |operation| store.supply_begin(operation, supply.clone());
            once(store, counts, call, |number| ready(Ok(SupplyId(number)))).await.map(Answer::Begun)
        }
        Request::SupplyPiece { title, supply, piece, bytes } => {
            let store = &stores.covering(&title).await?;
            repeat(|| store.supply_piece(supply, piece, bytes.clone())).await.map(|()| Answer::Done)
        }
        Request::SupplyCommit { title, supply } => {
            let store = &stores.covering(&title).await?;
            let call = |operation| store.supply_commit(operation, supply);
            once(store, counts, call, |_| ready(Ok(()))).await.map(|()| Answer::Done)
        }
        // Has many answers; `serve` does it.
        Request::Play { loan } => Err(Trouble::NoStore { title: loan.title }),
    }
}

/// Sends all pieces of a loan, then an empty one; `false` if nobody takes them.
async fn play(stores: &Stores, loan: &Loan, number: u64, answers: &Answers) -> Result<bool, Trouble> {
    let store = stores.covering(&loan.title).await?;
    for piece in 0..=pieces_of(loan.bytes) {
        let bytes = repeat(|| store.play(loan.loan, piece)).await?;
        let last = bytes.is_empty();
        if !answers.send(number, Answer::Piece(bytes)).await {
            return Ok(false);
        }
        if last {
            break;
        }
    }
    Ok(true)
}

/// The titles of all stores that the nameserver knows, from the first one after `after`, as many as fit into an answer.
async fn titles(stores: &Stores, after: &str) -> Result<Vec<String>, Trouble> {
    let mut titles = Vec::new();
    for store in stores.all().await? {
        titles.extend(repeat(|| store.titles()).await?);
    }
    titles.retain(|title| title.as_str() > after);
    titles.sort_unstable();
    let mut bytes = 0;
    titles.retain(|title| {
        bytes += title.len() + TITLE_EXTRA;
        bytes < LAYOUT.message_bytes_max()
    });
    Ok(titles)
}
