//! Many watchers, each on a connection of its own, as they are in many processes; and how soon a change is known to the
//! last of them.

use std::time::{Duration, Instant};

use rpc_runtime::directory::nameserver::{Interest, NAMESERVER_INSTANCE, Nameserver, NameserverClient, Watched};
use rpc_runtime::directory::{EntryState, Replica};
use rpc_runtime::{Node, Selector};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::name;
use crate::contender::Error;

/// So many changes, one after another.
const CHANGES: usize = 10;
/// Watchers that have read what there is wait within this time.
const SETTLING: Duration = Duration::from_millis(500);
/// A watch waits so long for something to happen.
const WATCH: Duration = Duration::from_secs(20);
/// The last watcher is given up after this.
const LATEST: Duration = Duration::from_secs(30);

/// Watchers of one interface.
pub(super) struct Watchers {
    count: usize,
    heard: mpsc::Receiver<Instant>,
    /// Dropping the set ends them.
    tasks: JoinSet<Result<(), Error>>,
    node: Node,
}

impl Watchers {
    /// So many watchers of the interface of exporter `number`, once they have read what there is.
    pub(super) async fn start(address: &str, count: usize, number: usize) -> Result<Watchers, Error> {
        let node = Node::builder().start().await?;
        let interest = Interest { interface: Some(name(number).0), selector: Selector::Any };
        let (said, heard) = mpsc::channel(count.max(1));
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let client: NameserverClient = node.import_at(address, NAMESERVER_INSTANCE).await?;
            tasks.spawn(watch(client, interest.clone(), said.clone()));
        }
        let mut watchers = Watchers { count, heard, tasks, node };
        watchers.last().await?;
        Ok(watchers)
    }

    /// How long it took until the last of them had each of several changes of exporter `number`: from asking for the
    /// change, which is then first put on disk.
    pub(super) async fn measure(&mut self, address: &str, number: usize) -> Result<Vec<Duration>, Error> {
        let (interface, instance) = name(number);
        let client: NameserverClient = self.node.import_at(address, NAMESERVER_INSTANCE).await?;
        let looked = client.ns_lookup(interface, Selector::Instance(instance)).await?;
        let epoch = looked.entries.first().ok_or("a name is missing")?.epoch;
        let mut told = Vec::new();
        for change in 0..CHANGES {
            sleep(SETTLING).await;
            let begun = Instant::now();
            let state = if change % 2 == 0 { EntryState::Draining } else { EntryState::Live };
            client.ns_set_state(epoch, state).await?;
            told.push(self.last().await?.saturating_duration_since(begun));
        }
        Ok(told)
    }

    /// When the last of them said something.
    async fn last(&mut self) -> Result<Instant, Error> {
        let mut last = Instant::now();
        for _ in 0..self.count {
            // Each says it once; one that ends instead ends the measurement.
            tokio::select! {
                said = timeout(LATEST, self.heard.recv()) => last = last.max(said?.ok_or("no watcher is left")?),
                Some(ended) = self.tasks.join_next() => return Err(ended?.err().unwrap_or("a watcher has ended".into())),
            }
        }
        Ok(last)
    }
}

/// Reads what there is, and says so; then waits for changes, and says when each has come.
async fn watch(client: NameserverClient, interest: Interest, said: mpsc::Sender<Instant>) -> Result<(), Error> {
    let mut replica = Replica::new();
    while !replica.ready() {
        replica.apply(client.ns_watch(interest.clone(), replica.cursor(), Duration::ZERO).await?);
    }
    said.send(Instant::now()).await?;
    loop {
        let told = client.ns_watch(interest.clone(), replica.cursor(), WATCH).await?;
        if matches!(&told, Watched::Events { events, .. } if !events.is_empty()) {
            said.send(Instant::now()).await?;
        }
        replica.apply(told);
    }
}
