//! A postman: carries the requests of one mailbox to the workpile. A thread, because a mailbox is waited for by blocking.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mailbox::{Error, Receiver, Sender, State};
use rpc_runtime::idl;
use tokio::sync::mpsc;

use super::Workpile;
use super::stores::Counts;
use crate::desk::{Answer, Answered, Asked, Trouble};

/// How long an answer may find the mailbox full before its request is given up.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long a worker sleeps when the mailbox is full.
const FULL_PAUSE: Duration = Duration::from_millis(1);

/// How often a postman looks whether his mailbox has been taken.
const TAKEN_EVERY: Duration = Duration::from_millis(20);

/// How long a postman waits before he waits again; a peer that goes ends the wait at once.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// A request and where its answers go.
pub(super) struct Work {
    pub(super) asked: Asked,
    pub(super) answers: Arc<Answers>,
}

/// What happened to a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// A local process has taken it.
    Taken,
    /// That process has gone, or wrote nonsense.
    Closed,
    /// It failed before anybody took it.
    NeverTaken,
}

/// The outward half of a mailbox, which several workers may use.
pub(super) struct Answers {
    sender: Mutex<Sender>,
}

impl Answers {
    /// Puts an answer into the mailbox; `false` if the local process has gone or does not read. One that does not read for too long
    /// finds its mailbox closed when it looks again: an answer is missing, and it should not wait for it.
    pub(super) async fn send(&self, number: u64, answer: Answer) -> bool {
        // Nothing in an answer can nest too deep to be marshalled.
        let Ok(message) = idl::to_vec(&Answered { number, answer }) else {
            return false;
        };
        let started = Instant::now();
        loop {
            let sent = self.sender().try_send(&message);
            match sent {
                Ok(true) => return true,
                Ok(false) if started.elapsed() < ANSWER_LIMIT => tokio::time::sleep(FULL_PAUSE).await,
                // Full for too long, too long a message, or nonsense in the mailbox.
                Ok(false) | Err(_) => {
                    self.sender().close();
                    return false;
                }
            }
            if self.sender().peer_state() == State::Gone {
                return false;
            }
        }
    }

    /// The sender, locked for one look or one try, neither of which waits.
    fn sender(&self) -> MutexGuard<'_, Sender> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the postman of a mailbox. He ends when the local process has gone.
pub(super) fn start(
    requests: Receiver,
    answers: Sender,
    pile: Arc<Workpile<Work>>,
    counts: Arc<Counts>,
    news: mpsc::Sender<News>,
) -> io::Result<()> {
    let answers = Arc::new(Answers { sender: Mutex::new(answers) });
    let round = move || {
        let last = match carry(requests, &answers, &pile, &counts.busy, &news) {
            Ok(()) => News::Closed,
            Err(_) => News::NeverTaken,
        };
        // Workers may still hold the other half.
        answers.sender().close();
        // Fails only if the manager has ended, and then nobody wants to know.
        let _ = news.blocking_send(last);
    };
    std::thread::Builder::new().name("postman".into()).spawn(round)?;
    Ok(())
}

/// Carries requests until the local process goes; an error if there never was one.
fn carry(
    mut requests: Receiver,
    answers: &Arc<Answers>,
    pile: &Workpile<Work>,
    busy: &AtomicU64,
    news: &mpsc::Sender<News>,
) -> Result<(), Error> {
    let mut taken = false;
    loop {
        let limit = if taken { REQUEST_LIMIT } else { TAKEN_EVERY };
        let message = requests.receive(limit);
        if !taken && requests.is_claimed() {
            taken = true;
            let _ = news.blocking_send(News::Taken);
        }
        let asked = match message {
            Ok(message) => idl::from_slice::<Asked>(&message),
            Err(Error::TimedOut) => continue,
            Err(_) if taken => return Ok(()),
            Err(error) => return Err(error),
        };
        // A local process that does not speak the language is shown out: its mailbox closes.
        let Ok(asked) = asked else { return Ok(()) };
        if let Err(work) = pile.put(Work { asked, answers: Arc::clone(answers) }) {
            busy.fetch_add(1, Ordering::Relaxed);
            let refusal = Answered { number: work.asked.number, answer: Answer::Not(Trouble::Busy) };
            let mut sender = answers.sender();
            // A local process that asks and asks and reads no answer is not waited for.
            let _ = idl::to_vec(&refusal).map(|message| sender.try_send(&message));
        }
    }
}
