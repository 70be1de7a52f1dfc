//! The client manager: serves the customers and suppliers of one host, and calls the stores for them.
//!
//! ```text
//! mailbox ── postman (a thread for each mailbox) ─┐
//! mailbox ── postman ─────────────────────────────┼─ workpile ── workers (tasks) ── calls to the stores
//! mailbox ── postman ─────────────────────────────┘                   └─ answers into the mailbox
//! ```
//!
//! Nothing that a local process does can hold up another: a postman waits for one mailbox only, the workpile is bounded and turns
//! away what it cannot hold, and a worker waits for a local process that does not read no longer than five seconds.

mod calls;
mod desk_work;
mod pile;
mod postman;
mod stores;

use std::path::PathBuf;
use std::sync::Arc;

use mailbox::Office;
use tokio::sync::mpsc;

use crate::desk::{LAYOUT, default_office};
use crate::lifetime;
use crate::report::{Event, Reporter, Reporting};

pub use pile::Workpile;

use postman::Work;
use stores::Stores;

/// Mailboxes that lie empty, ready to be taken.
const EMPTY: usize = 2;

/// Mailboxes that may be in use at the same time: each has a thread and about half a megabyte.
const MAILBOXES_MAX: usize = 64;

/// Runs a client manager: serves the customers and suppliers of this host through shared memory.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// What this host is called; customers and suppliers say the same.
    #[arg(long, value_name = "NAME", default_value = "here")]
    pub host: String,
    /// The directory for its mailboxes [default: one for the host, in shared memory].
    #[arg(long, value_name = "DIR")]
    pub office: Option<PathBuf>,
    /// Where the nameserver is.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4100")]
    pub nameserver: String,
    /// Requests that may wait; beyond, local processes are asked to come again.
    #[arg(long, value_name = "WORKS", default_value_t = 16)]
    pub workpile: usize,
    /// Requests that are worked on at the same time.
    #[arg(long, value_name = "WORKERS", default_value_t = 8)]
    pub workers: usize,
    /// How it reports.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Runs a client manager until it is asked to end.
pub async fn serve(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let reporter = Reporter::new(options.reporting, format!("client manager {}", options.host));
    let stores = Arc::new(Stores::new(&options.nameserver).await?);
    let pile = Arc::new(Workpile::new(options.workpile));
    for _ in 0..options.workers.max(1) {
        // Ends with the runtime, that is with the program.
        tokio::spawn(work(Arc::clone(&pile), Arc::clone(&stores)));
    }

    let directory = options.office.unwrap_or_else(|| default_office(&options.host));
    let mut office = Office::open(&directory, LAYOUT)?;
    // Bounded by the number of mailboxes: each postman says at most that its mailbox was taken, and that it has ended.
    let (moved, mut moves) = mpsc::channel(2 * MAILBOXES_MAX);
    let (mut empty, mut in_use, mut ready) = (0, 0, false);
    let ended = lifetime::ended();
    tokio::pin!(ended);
    let mut report = tokio::time::interval(reporter.every());
    loop {
        while empty < EMPTY && empty + in_use < MAILBOXES_MAX {
            let (requests, answers) = office.place()?;
            postman::start(requests, answers, Arc::clone(&pile), Arc::clone(&stores.counts), moved.clone())?;
            empty += 1;
        }
        // Waits for a postman's news, the time to report, or the end.
        tokio::select! {
            Some(news) = moves.recv() => match news {
                postman::News::Taken => (empty, in_use) = (empty - 1, in_use + 1),
                postman::News::Closed => in_use -= 1,
                postman::News::NeverTaken => empty -= 1,
            },
            _ = report.tick() => {
                if !ready {
                    reporter.tell(&Event::Ready { endpoints: Vec::new() });
                    ready = true;
                }
                reporter.tell(&Event::Manager(stores.counts()));
            }
            result = &mut ended => {
                result?;
                // Dropping the office takes the empty mailboxes away; the others go with the process.
                return Ok(());
            }
        }
    }
}

/// A worker: takes work from the pile and does it.
async fn work(pile: Arc<Workpile<Work>>, stores: Arc<Stores>) {
    loop {
        let Work { asked, answers } = pile.take().await;
        desk_work::serve(&stores, asked, &answers).await;
    }
}
