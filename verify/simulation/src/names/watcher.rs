//! The software of a host that watches everything, over the nameserver's own interface.

use std::time::Duration;

use rpc_runtime::directory::nameserver::{Interest, NAMESERVER_INSTANCE, Nameserver, NameserverClient, Watched};
use rpc_runtime::directory::{Entry, Replica};
use rpc_runtime::{Limits, Node, within};
use tokio::time::sleep;

use super::ACTIVE;
use super::book::Book;
use crate::nameserver::ADDRESS;
use crate::oracle::now;
use crate::outcome::Rule;

/// How long one question may wait for news, in milliseconds.
const WAIT_MILLIS: std::ops::RangeInclusive<u64> = 0..=1000;
/// How long an answer may take beyond that.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a watcher that has met an error rests, in milliseconds.
const REST_MILLIS: std::ops::RangeInclusive<u64> = 10..=500;
/// How long, after everything was repaired, the copy may differ from what there is.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(40);

/// Watches until it is crashed, or until its copy is complete.
pub(super) async fn software(book: Book, host: &'static str) -> turmoil::Result {
    let mut limits = Limits::default();
    limits.ping_after = Duration::from_millis(300);
    limits.dial_timeout = Duration::from_millis(400);
    let node = Node::builder().limits(limits).start().await?;
    let client = loop {
        match node.import_at::<NameserverClient>(ADDRESS, NAMESERVER_INSTANCE).await {
            Ok(client) => break client,
            Err(_) => sleep(Duration::from_millis(fastrand::u64(REST_MILLIS))).await,
        }
    };
    let mut watcher = Watcher { book, host, client, replica: Replica::new() };
    while now() < ACTIVE {
        watcher.watch(Duration::from_millis(fastrand::u64(WAIT_MILLIS))).await;
        if fastrand::u32(..10) == 0 {
            sleep(Duration::from_millis(fastrand::u64(REST_MILLIS))).await;
        }
    }
    watcher.catch_up().await;
    watcher.book.done(host);
    std::future::pending().await
}

struct Watcher {
    book: Book,
    host: &'static str,
    client: NameserverClient,
    replica: Replica,
}

impl Watcher {
    /// Asks once what is new.
    async fn watch(&mut self, wait: Duration) {
        let from = self.replica.cursor();
        let expected = self.book.kept();
        let asked = self.client.ns_watch(Interest::everything(), from.clone(), wait);
        match within(wait + PATIENCE, asked).await {
            Ok(watched) => {
                self.book.check_watched(self.host, from.as_ref(), &self.replica, &watched);
                self.replica.apply(watched);
                if self.replica.ready() {
                    let entries: Vec<&Entry> = self.replica.entries().map(|entry| &**entry).collect();
                    // What was acknowledged before it was asked is in the answer.
                    self.book.check_kept(self.host, &expected, &entries);
                }
            }
            Err(_) => sleep(Duration::from_millis(fastrand::u64(REST_MILLIS))).await,
        }
    }

    /// The copy becomes what there is.
    async fn catch_up(&mut self) {
        let until = now() + CAUGHT_UP_WITHIN;
        while !self.has_caught_up().await {
            if now() > until {
                let what = format!("{}'s copy does not become what there is", self.host);
                return self.book.violation(Rule::WatchGap, what);
            }
            self.watch(Duration::ZERO).await;
        }
    }

    /// Compares the copy with a snapshot of the same revision.
    async fn has_caught_up(&mut self) -> bool {
        let asked = self.client.ns_watch(Interest::everything(), None, Duration::ZERO);
        let Ok(Watched::Snapshot { revision, entries, .. }) = within(PATIENCE, asked).await else { return false };
        self.watch(Duration::ZERO).await;
        let is_same = self.replica.cursor().is_some_and(|cursor| cursor.revision == revision);
        is_same && self.replica.entries().eq(&entries)
    }
}
