//! The store program: exports a shelf under the name of its part.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::{Bytes, Node, RegisterMode};

use crate::interface::{
    Audit, CustomerId, Loan, LoanId, OperationId, Outcome, Store, StoreError, StoreServer, Supply, SupplyId,
};
use crate::lifetime;
use crate::part::Part;
use crate::report::{Event, Reporter, Reporting, StoreCounts};
use crate::shelf::{Limits, Shelf};

/// How long a store that is asked to end waits for calls in progress.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Runs a store: lends what suppliers bring, for titles in its part of the name space.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The part of the name space that it covers, for example a-m.
    #[arg(value_name = "PART")]
    pub part: Part,
    /// Where the nameserver is.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4100")]
    pub nameserver: String,
    /// The file with its objects and loans; made if it is missing [default: store-PART.redb].
    #[arg(long, value_name = "FILE")]
    pub shelf: Option<PathBuf>,
    /// Where it listens; port 0 means any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The address that it registers, if callers must use another one than where it listens.
    #[arg(long, value_name = "ADDRESS")]
    pub advertise: Option<String>,
    /// Room on the shelf in bytes, each copy counted.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub capacity: u64,
    /// How many loans a customer may hold.
    #[arg(long, value_name = "LOANS", default_value_t = 3)]
    pub loans: u32,
    /// How it reports.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Runs a store until it is asked to end.
pub async fn serve(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let reporter = Reporter::new(options.reporting, format!("store {}", options.part));
    let path = options.shelf.unwrap_or_else(|| PathBuf::from(format!("store-{}.redb", options.part)));
    let limits = Limits { bytes_max: options.capacity, loans_max: options.loans };
    let shelf = Shelf::open(&path, options.part, limits)?;

    let mut builder = Node::builder().nameserver(options.nameserver).listen(options.listen.to_string());
    if let Some(address) = options.advertise {
        builder = builder.advertise(address);
    }
    let node = builder.start().await?;
    // Takeover, not exclusive: after a crash the name is still held by the store that was killed, for as long as its lease runs.
    // That there is only one store is not the name's business anyway: the lock on the shelf sees to it.
    let export = node
        .export(options.part.to_string(), StoreServer::new(Lender::new(shelf)))
        .label("from", options.part.from())
        .label("to", options.part.to())
        .mode(RegisterMode::Takeover)
        .await?;
    reporter.tell(&Event::Ready { endpoints: node.local_endpoints() });

    // Reports until the program is to end.
    let ended = lifetime::ended();
    tokio::pin!(ended);
    while tokio::time::timeout(reporter.every(), &mut ended).await.is_err() {
        let stats = node.stats();
        reporter
            .tell(&Event::Store(StoreCounts { executed: stats.calls_executed, duplicates: stats.duplicates_answered }));
    }
    export.withdraw().await;
    node.shutdown(DRAIN_LIMIT).await;
    Ok(())
}

/// The implementation of the interface: each method hands its arguments to the shelf, on a thread that may block.
pub struct Lender {
    shelf: Arc<Shelf>,
}

impl Lender {
    /// A store over `shelf`.
    pub fn new(shelf: Shelf) -> Self {
        Self { shelf: Arc::new(shelf) }
    }

    /// Runs `work` where it may wait for the disk. It runs to its end even if the caller does not wait for it any more.
    async fn with_shelf<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shelf = Arc::clone(&self.shelf);
        match tokio::task::spawn_blocking(move || work(&shelf)).await {
            Ok(result) => result,
            Err(panic) => Err(StoreError::Shelf { what: panic.to_string() }),
        }
    }
}

impl Store for Lender {
    async fn supply_begin(&self, operation: OperationId, supply: Supply) -> Result<SupplyId, StoreError> {
        self.with_shelf(move |shelf| shelf.supply_begin(operation, &supply)).await
    }

    async fn supply_piece(&self, supply: SupplyId, piece: u32, bytes: Bytes) -> Result<(), StoreError> {
        self.with_shelf(move |shelf| shelf.supply_piece(supply, piece, &bytes)).await
    }

    async fn supply_commit(&self, operation: OperationId, supply: SupplyId) -> Result<(), StoreError> {
        self.with_shelf(move |shelf| shelf.supply_commit(operation, supply)).await
    }

    async fn check_out(&self, operation: OperationId, customer: CustomerId, title: &str) -> Result<Loan, StoreError> {
        let title = title.to_owned();
        self.with_shelf(move |shelf| shelf.check_out(operation, customer, &title)).await
    }

    async fn play(&self, loan: LoanId, piece: u32) -> Result<Bytes, StoreError> {
        self.with_shelf(move |shelf| shelf.play(loan, piece).map(Bytes::from)).await
    }

    async fn return_loan(&self, operation: OperationId, loan: LoanId) -> Result<(), StoreError> {
        self.with_shelf(move |shelf| shelf.return_loan(operation, loan)).await
    }

    async fn outcome(&self, operation: OperationId) -> Result<Outcome, StoreError> {
        self.with_shelf(move |shelf| shelf.outcome(operation)).await
    }

    async fn loan(&self, loan: LoanId) -> Result<Loan, StoreError> {
        self.with_shelf(move |shelf| shelf.loan(loan)).await
    }

    async fn titles(&self) -> Result<Vec<String>, StoreError> {
        self.with_shelf(Shelf::titles).await
    }

    async fn audit(&self) -> Result<Audit, StoreError> {
        self.with_shelf(Shelf::audit).await
    }
}

#[cfg(test)]
mod tests {
    use rpc_runtime::in_memory;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::interface::{Digest, PIECE_BYTES, StoreClient};

    async fn supplied(dir: &tempfile::TempDir, title: &str, contents: &[u8]) -> StoreClient {
        let limits = Limits { bytes_max: 1 << 20, loans_max: 1 };
        let shelf = Shelf::open(&dir.path().join("shelf.redb"), "a-m".parse().expect("a part"), limits);
        let store = in_memory(StoreServer::new(Lender::new(shelf.expect("a new shelf"))));
        let digest = Digest(Sha256::digest(contents).into());
        let supply = Supply { title: title.into(), bytes: contents.len() as u64, digest, copies: 1 };
        let number = store.supply_begin(OperationId::random(), supply).await.expect("there is room");
        for (piece, bytes) in contents.chunks(PIECE_BYTES as usize).enumerate() {
            let bytes = Bytes::copy_from_slice(bytes);
            store.supply_piece(number, piece as u32, bytes).await.expect("it fits");
        }
        store.supply_commit(OperationId::random(), number).await.expect("all is there");
        store
    }

    /// Through the stub: an object of several pieces is supplied, lent, played and returned.
    #[tokio::test]
    async fn a_store_lends_through_its_stub() {
        let dir = tempfile::tempdir().expect("a directory");
        let contents: Vec<u8> = (0..100_000u32).map(|number| (number / 7) as u8).collect();
        let store = supplied(&dir, "dune", &contents).await;
        assert_eq!(store.titles().await, Ok(vec!["dune".to_owned()]));
        let operation = OperationId::random();
        let loan = store.check_out(operation, CustomerId(1), "dune").await.expect("a copy is there");
        assert_eq!(store.outcome(operation).await, Ok(Outcome::Done { made: loan.loan.0 }));
        let mut played = Vec::new();
        for piece in 0.. {
            let bytes = store.play(loan.loan, piece).await.expect("it is lent");
            if bytes.is_empty() {
                break;
            }
            played.extend_from_slice(&bytes);
        }
        assert_eq!(played, contents);
        store.return_loan(OperationId::random(), loan.loan).await.expect("it was lent");
        assert_eq!(store.audit().await.expect("readable").loans, 0);
    }

    /// Through the stub: a refusal arrives as the variant that the store returned, with its data.
    #[tokio::test]
    async fn refusals_arrive_typed() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = supplied(&dir, "dune", b"sand").await;
        let ask = |customer, title| store.check_out(OperationId::random(), CustomerId(customer), title);
        ask(1, "dune").await.expect("a copy is there");
        assert_eq!(ask(1, "dune").await, Err(StoreError::LimitReached { loans_max: 1 }));
        assert_eq!(ask(2, "dune").await, Err(StoreError::AllCopiesOut { title: "dune".into(), copies: 1 }));
        assert_eq!(ask(2, "kim").await, Err(StoreError::NoSuchTitle { title: "kim".into() }));
        let wrong = StoreError::WrongPart { title: "nemo".into(), part: "a-m".into() };
        assert_eq!(ask(2, "nemo").await, Err(wrong));
    }
}
