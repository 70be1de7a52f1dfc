//! The software of a host that registers: it takes names, keeps them, lets them be taken over, and gives them up, often late.

use std::time::Duration;

use rpc_runtime::directory::{
    Directory, DirectoryError, Entry, EntryState, Members, NameserverDirectory, RegisterMode, Registered, Registration,
    Selector, Standing,
};
use rpc_runtime::{Incarnation, random};
use tokio::time::{sleep, timeout};

use super::ACTIVE;
use super::book::{Attempt, Book};
use crate::nameserver::ADDRESS;
use crate::oracle::now;
use crate::outcome::Rule;

pub(super) const INTERFACE: &str = "names.v1.Thing";
/// Names that the exporters fight for.
const NAMES: [&str; 3] = ["a", "b", "c"];
/// How long a registration may take before it is given up, in milliseconds.
const PATIENCE_MILLIS: std::ops::RangeInclusive<u64> = 5..=3000;
/// How long registrations live without being renewed, in milliseconds.
const TTL_MILLIS: std::ops::RangeInclusive<u64> = 300..=3000;
/// So long does nobody's keeping last here.
const TTL_FOR_EVER: Duration = Duration::from_secs(3600);
/// How long, after everything was repaired, what is watched may differ from what is looked up: connections that the faults
/// left dead are found out by pings, the fourth of which is 20 s away.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(50);

/// Registers until it is crashed, or until there is nothing left to do.
pub(super) async fn software(book: Book, host: &'static str) -> turmoil::Result {
    let directory = NameserverDirectory::new(ADDRESS)?;
    let members = directory.watch(INTERFACE, &Selector::Any);
    let mut exporter = Exporter { book, host, directory, held: Vec::new() };
    let kept = exporter.keep_one().await;
    while now() < ACTIVE {
        match fastrand::u32(..10) {
            0..4 => exporter.register().await,
            4..6 => exporter.take_back().await,
            6 => exporter.drop_one(),
            7 => exporter.check_kept().await,
            _ => sleep(Duration::from_millis(fastrand::u64(1..=300))).await,
        }
        exporter.look();
    }
    exporter.catch_up(&members).await;
    exporter.look();
    exporter.book.done(host);
    // A host whose software has ended stands still, and renews no lease.
    let _kept = kept;
    std::future::pending().await
}

struct Exporter {
    book: Book,
    host: &'static str,
    directory: NameserverDirectory,
    held: Vec<Held>,
}

struct Held {
    attempt: Attempt,
    registered: Registered,
    standing: Standing,
}

impl Exporter {
    /// Registers under a name of this life's own, for ever.
    async fn keep_one(&self) -> Option<Registered> {
        let name = format!("{}-{}", self.host, self.book.new_life());
        let mut registration = Registration::new(INTERFACE, &*name, Incarnation::new(random::identity()));
        registration.ttl = TTL_FOR_EVER;
        registration.endpoints = vec![format!("{}:1", self.host)];
        let registered = self.directory.register(registration).await.ok()?;
        self.book.keep(&name, registered.epoch);
        Some(registered)
    }

    async fn register(&mut self) {
        let name = NAMES[fastrand::usize(..NAMES.len())];
        let incarnation = Incarnation::new(random::identity());
        let mut registration = Registration::new(INTERFACE, name, incarnation);
        registration.mode = if fastrand::bool() { RegisterMode::Takeover } else { RegisterMode::Exclusive };
        registration.ttl = Duration::from_millis(fastrand::u64(TTL_MILLIS));
        registration.endpoints = vec![format!("{}:1", self.host)];
        let patience = Duration::from_millis(fastrand::u64(PATIENCE_MILLIS));
        let attempt = self.book.begin(self.host, name, incarnation);
        match timeout(patience, self.directory.register(registration)).await {
            Ok(Ok(registered)) => {
                let standing = Standing::Held(registered.epoch);
                self.book.acknowledged(&attempt, registered.epoch);
                self.held.push(Held { attempt, registered, standing });
            }
            // What is not known to have failed is taken back.
            Ok(Err(_)) | Err(_) => self.book.give_up(&attempt),
        }
    }

    /// Takes one back, or drains it first. It may have been replaced long ago.
    async fn take_back(&mut self) {
        let Some(held) = self.remove_one() else { return };
        if fastrand::bool() {
            // What it says matters to nobody here.
            let _: Result<(), DirectoryError> = self.directory.drain(&held.registered).await;
        }
        self.book.give_up(&held.attempt);
        let patience = Duration::from_millis(fastrand::u64(PATIENCE_MILLIS));
        // If it does not come through, the registration runs out.
        let _ = timeout(patience, self.directory.unregister(&held.registered)).await;
    }

    /// Drops one, which takes it back in the background.
    fn drop_one(&mut self) {
        if let Some(held) = self.remove_one() {
            self.book.give_up(&held.attempt);
        }
    }

    fn remove_one(&mut self) -> Option<Held> {
        let count = self.held.len();
        (count > 0).then(|| self.held.swap_remove(fastrand::usize(..count)))
    }

    /// Looks at how everything stands.
    fn look(&mut self) {
        for held in &mut self.held {
            let standing = held.registered.standing();
            if standing == held.standing {
                continue;
            }
            held.standing = standing;
            self.book.told(&held.attempt, standing);
            if let Standing::Held(epoch) = standing {
                self.book.acknowledged(&held.attempt, epoch);
            }
        }
    }

    /// What was acknowledged for ever is there.
    async fn check_kept(&self) {
        let expected = self.book.kept();
        if let Ok(found) = self.directory.lookup(INTERFACE, &Selector::Any).await
            && !found.stale
        {
            let entries: Vec<&Entry> = found.entries.iter().collect();
            self.book.check_kept(self.host, &expected, &entries);
        }
    }

    /// What is watched becomes what is looked up.
    async fn catch_up(&self, members: &Members) {
        let until = now() + CAUGHT_UP_WITHIN;
        loop {
            let looked = self.directory.lookup(INTERFACE, &Selector::Any).await;
            let watched = members.found();
            if let (Ok(looked), Some(watched)) = (&looked, &watched)
                && !looked.stale
                && sorted(&looked.entries) == sorted(&watched.entries)
            {
                return;
            }
            if now() > until {
                let what = format!("{} watches {watched:?} and looks up {looked:?}", self.host);
                return self.book.violation(Rule::WatchGap, what);
            }
            sleep(PAUSE).await;
        }
    }
}

fn sorted(entries: &[Entry]) -> Vec<(&str, u64, EntryState)> {
    let mut sorted: Vec<_> = entries.iter().map(|entry| (&*entry.instance, entry.epoch.number, entry.state)).collect();
    sorted.sort_unstable();
    sorted
}
