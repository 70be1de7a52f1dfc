//! The customer program: checks copies out, plays them, and brings them back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::desk::{Desk, DeskError, Trouble, default_office};
use crate::interface::{CustomerId, Digest, Loan, StoreError};
use crate::report::{CustomerCounts, Event, Reporter, Reporting};

/// How long a customer looks for the client manager of its host.
const FIND_LIMIT: Duration = Duration::from_secs(10);

/// In every so many rounds it takes home more than it may, to be refused.
const GREEDY_EVERY: u64 = 10;

/// Most titles that a greedy customer asks for at once.
const GREED_MAX: usize = 8;

/// Runs a customer: checks out, plays and returns, again and again.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The customer's number, under which stores count its loans.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub customer: u64,
    /// What this host is called, as its client manager was told.
    #[arg(long, value_name = "NAME", default_value = "here")]
    pub host: String,
    /// The directory with the client manager's mailboxes [default: the one of the host].
    #[arg(long, value_name = "DIR")]
    pub office: Option<PathBuf>,
    /// Go home after so many rounds.
    #[arg(long, value_name = "ROUNDS", default_value_t = u64::MAX, hide_default_value = true)]
    pub rounds: u64,
    /// Go home after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub seconds: f64,
    /// Only these titles [default: all that the stores have].
    #[arg(value_name = "TITLE")]
    pub titles: Vec<String>,
    /// How it reports.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Why a customer went home early.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// The desk failed.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// What was played is not what was supplied.
    #[error("{title} was played wrong: its bytes do not hash to what the store announced")]
    PlayedWrong {
        /// What was played.
        title: String,
    },
}

/// Runs a customer to its end. Blocks.
pub fn visit(options: &Options) -> Result<CustomerCounts, CustomerError> {
    let office = options.office.clone().unwrap_or_else(|| default_office(&options.host));
    let mut customer = Customer {
        id: CustomerId(options.customer),
        desk: Desk::find(&office, FIND_LIMIT)?,
        counts: CustomerCounts::default(),
        random: fastrand::Rng::with_seed(options.customer),
    };
    let reporter = Reporter::new(options.reporting, format!("customer {}", options.customer));
    reporter.tell(&Event::Ready { endpoints: Vec::new() });
    let (started, mut reported) = (Instant::now(), Instant::now());
    // A length of time that the clock cannot hold is as good as for ever.
    let length = Duration::try_from_secs_f64(options.seconds).unwrap_or(Duration::MAX);
    let mut titles = options.titles.clone();
    let mut round = 0;
    while round < options.rounds && started.elapsed() < length {
        if options.titles.is_empty() && round.is_multiple_of(GREEDY_EVERY) {
            titles = customer.desk.titles()?;
        }
        round += 1;
        let wanted = if round.is_multiple_of(GREEDY_EVERY) { GREED_MAX } else { 1 };
        customer.round(&titles, wanted)?;
        if reported.elapsed() > reporter.every() {
            reported = Instant::now();
            reporter.tell(&Event::Customer(customer.counts));
        }
    }
    reporter.tell(&Event::Customer(customer.counts));
    reporter.tell(&Event::Done);
    Ok(customer.counts)
}

struct Customer {
    id: CustomerId,
    desk: Desk,
    counts: CustomerCounts,
    random: fastrand::Rng,
}

impl Customer {
    /// Takes `wanted` titles home, or as many as the stores give, plays the first, and brings all back.
    fn round(&mut self, titles: &[String], wanted: usize) -> Result<(), CustomerError> {
        let mut loans = Vec::new();
        for _ in 0..wanted {
            let Some(title) = self.random.choice(titles) else {
                break;
            };
            match self.desk.check_out(self.id, title) {
                Ok(loan) => {
                    self.counts.checked_out += 1;
                    loans.push(loan);
                }
                Err(error) => self.shrug(error)?,
            }
        }
        if let Some(loan) = loans.first() {
            self.play(loan)?;
        }
        for loan in loans {
            match self.desk.return_loan(&loan) {
                Ok(()) => self.counts.returned += 1,
                Err(error) => self.shrug(error)?,
            }
        }
        Ok(())
    }

    /// Plays a loan and compares it with what the store announced.
    fn play(&mut self, loan: &Loan) -> Result<(), CustomerError> {
        let started = Instant::now();
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let result = self.desk.play(loan, |piece| {
            hash.update(piece);
            bytes += piece.len() as u64;
        });
        if let Err(error) = result {
            return self.shrug(error);
        }
        if Digest(hash.finalize().into()) != loan.digest || bytes != loan.bytes {
            return Err(CustomerError::PlayedWrong { title: loan.title.clone() });
        }
        self.counts.played += 1;
        self.counts.bytes += bytes;
        self.counts.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    /// Takes what belongs to a customer's life, and counts it; everything else is an error.
    fn shrug(&mut self, error: DeskError) -> Result<(), CustomerError> {
        match error {
            DeskError::Not(Trouble::Store(
                StoreError::LimitReached { .. } | StoreError::AllCopiesOut { .. } | StoreError::NoSuchTitle { .. },
            )) => self.counts.refused += 1,
            DeskError::Not(Trouble::Unresolved { .. }) => self.counts.unresolved += 1,
            error => return Err(error.into()),
        }
        Ok(())
    }
}
