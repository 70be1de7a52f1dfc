//! The outcome of a call that its caller gave up on, to be asked for later.

use std::fmt;

use tokio::sync::watch;

use crate::executed::Executed;

/// Stands for a call given up at its deadline. Its verdict may come later: the runtime goes on asking for it
/// while the session lives.
#[derive(Clone)]
pub struct Receipt {
    verdict: watch::Receiver<Option<Executed>>,
}

impl Receipt {
    /// A receipt and the end that settles it. If that end is dropped, nothing more will be known.
    pub(crate) fn new() -> (Settle, Receipt) {
        let (settle, verdict) = watch::channel(None);
        (Settle(settle), Receipt { verdict })
    }

    /// The verdict, if it has come.
    pub fn verdict(&self) -> Option<Executed> {
        *self.verdict.borrow()
    }

    /// Waits for the verdict. `Unknown` if the session ended without one; dropping the future loses nothing.
    pub async fn settled(&self) -> Executed {
        let mut verdict = self.verdict.clone();
        let settled = verdict.wait_for(Option::is_some).await;
        settled.ok().and_then(|verdict| *verdict).unwrap_or(Executed::Unknown { may_still_run: true })
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receipt").field(&self.verdict()).finish()
    }
}

/// The runtime's end of a receipt.
#[derive(Debug)]
pub(crate) struct Settle(watch::Sender<Option<Executed>>);

impl Settle {
    /// The verdict came.
    pub(crate) fn settle(&self, verdict: Executed) {
        self.0.send_replace(Some(verdict));
    }
}
