//! The stage: starts everything in order, lets things go wrong at the right moment, and asks for the audit.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rpc_runtime::Node;
use tokio::time::sleep;

use super::Options;
use super::board::{Board, Sums};
use super::children::{Child, ChildError};
use super::cutter::Cutter;
use super::display::Display;
use super::script::{DELIVERIES, Script};
use super::verdict::{Object, Verdict};
use crate::interface::{Audit, Store, StoreClient};
use crate::part::Part;
use crate::supplier::{measure, objects};

/// How often the runner looks whether somebody has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long there may be nothing new from anybody. A client manager gives a request up long before that.
const SILENCE_MAX: Duration = Duration::from_secs(150);

/// How long a store may take to answer the audit's import.
const AUDIT_WAIT: Duration = Duration::from_secs(10);

/// How long a store may count.
const AUDIT_LIMIT: Duration = Duration::from_secs(300);

/// Everything that has to be cleaned up in the end. Dropping it kills all processes and removes temporary files.
pub(super) struct Stage {
    script: Script,
    /// Removes the data directory when it is dropped, unless the user wants to keep it.
    temporary: Option<tempfile::TempDir>,
    board: Board,
    display: Display,
    nameserver: Option<Child>,
    stores: Vec<StoreOnStage>,
    managers: Vec<Child>,
    suppliers: Vec<Child>,
    customers: Vec<Child>,
}

struct StoreOnStage {
    part: Part,
    name: String,
    cutter: Cutter,
    /// None while it is dead.
    child: Option<Child>,
}

impl Stage {
    /// Prepares the directories.
    pub(super) fn build(options: Options) -> Result<Self, Box<dyn Error>> {
        let (data, temporary): (PathBuf, _) = match &options.data {
            Some(data) => (data.clone(), None),
            None => {
                let temporary = tempfile::Builder::new().prefix("store-app-").tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let script = Script::new(options, data);
        if !script.folder.is_dir() {
            let folder = script.folder.display();
            return Err(format!("no folder of objects at {folder}: say where with --objects DIR").into());
        }
        std::fs::create_dir_all(script.logs())?;
        let board = Board::default();
        let display = Display::new(board.clone(), &script.options);
        Ok(Self {
            script,
            temporary,
            board,
            display,
            nameserver: None,
            stores: Vec::new(),
            managers: Vec::new(),
            suppliers: Vec::new(),
            customers: Vec::new(),
        })
    }

    /// Plays everything and gives the verdict.
    pub(super) async fn play(&mut self) -> Result<Verdict, Box<dyn Error>> {
        let objects = self.measured()?;
        let (hosts, parts) = (self.script.options.hosts, self.script.options.stores.clone());

        self.display.phase("opening");
        let mut nameserver = self.start("nameserver", &self.script.nameserver())?;
        let address = nameserver.ready().await?.first().cloned().ok_or("the nameserver listens nowhere")?;
        self.nameserver = Some(nameserver);
        for part in parts {
            let (name, cutter) = (format!("store {part}"), Cutter::start(self.script.options.cut).await?);
            self.stores.push(StoreOnStage { part, name, cutter, child: None });
            self.open_store(self.stores.len() - 1, &address).await?;
        }
        for host in 1..=hosts {
            let name = format!("host {host}");
            let mut manager = self.start(&name, &self.script.manager(host, &address))?;
            manager.ready().await?;
            self.board.say_state(&name, &running(&manager));
            self.managers.push(manager);
        }
        let node = Node::builder().nameserver(&address).start().await?;
        let before = self.audits(&node).await?;

        self.display.phase("first delivery");
        for host in 1..=hosts {
            self.suppliers.push(self.start(&format!("supplier {host}"), &self.script.supplier(host))?);
        }
        self.first_delivery().await?;

        self.display.phase("customers");
        let started = Instant::now();
        self.display.begin(started);
        for host in 1..=hosts {
            for customer in 1..=self.script.options.customers {
                let number = (host - 1) * self.script.options.customers + customer;
                self.customers.push(self.start(&format!("customer {number}"), &self.script.customer(host, number))?);
            }
        }
        self.business(started, &address).await?;
        let elapsed = started.elapsed();

        self.display.phase("audit");
        // The last reports of stores and client managers are on their way.
        sleep(Duration::from_millis(600)).await;
        let after = self.audits(&node).await?;
        node.shutdown(Duration::from_secs(1)).await;
        self.display.end();
        let cuts = self.stores.iter().map(|store| store.cutter.cuts()).sum();
        Ok(Verdict::new(objects, u64::from(DELIVERIES), &before, after, self.board.sums(), cuts, elapsed))
    }

    /// Waits until every supplier has brought everything once.
    async fn first_delivery(&mut self) -> Result<(), Box<dyn Error>> {
        let mut silence = Silence::new();
        while self.board.suppliers_delivered() < self.suppliers.len() {
            self.look_after()?;
            silence.check(self.board.sums())?;
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits until all customers and suppliers have gone home. Half-way a store is killed, and after a while it comes back.
    async fn business(&mut self, started: Instant, nameserver: &str) -> Result<(), Box<dyn Error>> {
        let half_way = Duration::from_secs_f64(self.script.options.seconds / 2.0);
        let back = half_way + Duration::from_secs_f64(self.script.options.away);
        let (mut killed, mut silence) = (None, Silence::new());
        let mut may_kill = self.script.options.kill;
        while !self.look_after()? || killed.is_some() {
            silence.check(self.board.sums())?;
            if may_kill && started.elapsed() >= half_way {
                killed = self.kill_busiest().await?;
                may_kill = false;
            }
            if let (Some(store), true) = (killed, started.elapsed() >= back) {
                self.open_store(store, nameserver).await?;
                self.display.say(&format!("{} is back, on the same shelf", self.stores[store].name));
                killed = None;
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Sees to it that nobody has ended who should not; says whether all suppliers and customers have ended well.
    fn look_after(&mut self) -> Result<bool, Box<dyn Error>> {
        let stores = self.stores.iter_mut().filter_map(|store| store.child.as_mut());
        for server in stores.chain(&mut self.managers).chain(&mut self.nameserver) {
            if server.has_finished()? {
                return Err(format!("{} has ended by itself", server.name()).into());
            }
        }
        let mut all = true;
        for local in self.suppliers.iter_mut().chain(&mut self.customers) {
            all &= local.has_finished()?;
        }
        Ok(all)
    }

    /// Starts a store, or starts it again, and leads its cutter to it.
    async fn open_store(&mut self, store: usize, nameserver: &str) -> Result<(), Box<dyn Error>> {
        let StoreOnStage { part, name, cutter, .. } = &self.stores[store];
        let mut child = self.start(name, &self.script.store(*part, nameserver, &cutter.address()))?;
        cutter.lead_to(Some(address_of(&mut child).await?));
        self.board.say_state(name, &running(&child));
        self.stores[store].child = Some(child);
        Ok(())
    }

    /// Kills the store that has had the most to do; gives which one.
    async fn kill_busiest(&mut self) -> Result<Option<usize>, Box<dyn Error>> {
        let busy = |store: &StoreOnStage| self.board.store(&store.name).executed;
        let busiest = (0..self.stores.len()).max_by_key(|store| busy(&self.stores[*store]));
        let Some(store) = busiest.map(|busiest| &mut self.stores[busiest]) else { return Ok(None) };
        if let Some(mut child) = store.child.take() {
            let id = child.id().unwrap_or_default();
            child.kill().await?;
            store.cutter.lead_to(None);
            self.board.bury(&store.name);
            self.board.say_state(&store.name, "killed");
            self.display.say(&format!("kill -9 {id}: {} is dead, with calls in flight", store.name));
        }
        Ok(busiest)
    }

    /// Has every store count what it has.
    async fn audits(&self, node: &Node) -> Result<Vec<(Part, Audit)>, Box<dyn Error>> {
        let mut audits = Vec::new();
        for StoreOnStage { part, .. } in &self.stores {
            let store: StoreClient = node.import(part.to_string()).wait(AUDIT_WAIT).timeout(AUDIT_LIMIT).await?;
            audits.push((*part, store.audit().await?));
        }
        Ok(audits)
    }

    fn measured(&self) -> Result<Vec<Object>, Box<dyn Error>> {
        let folder = &self.script.folder;
        let mut measured = Vec::new();
        for (title, path) in objects(folder)? {
            let (bytes, digest) = measure(&path)?;
            measured.push(Object { title, bytes, digest });
        }
        if measured.is_empty() {
            return Err(format!("there is nothing to lend in {}", folder.display()).into());
        }
        let bytes: u64 = measured.iter().map(|object| object.bytes).sum();
        self.display.say(&format!("{} objects of {bytes} bytes in {}", measured.len(), folder.display()));
        Ok(measured)
    }

    fn start(&self, name: &str, arguments: &[String]) -> Result<Child, ChildError> {
        Child::start(name, arguments, &self.script.logs(), &self.board)
    }

    /// Tells the user something.
    pub(super) fn say(&self, text: &str) {
        self.display.say(text);
    }

    /// Leaves the data directory behind if somebody may want to look at the logs in it.
    pub(super) fn keep_logs(&mut self) {
        let logs = self.script.logs();
        let any = std::fs::read_dir(&logs).is_ok_and(|mut entries| entries.next().is_some());
        if let (true, Some(temporary)) = (any, self.temporary.take()) {
            self.display.say(&format!("logs are kept in {}", logs.display()));
            let _ = temporary.keep();
        }
    }

    /// Ends all processes: asks them first, and kills what is left after `patience`.
    pub(super) async fn close(&mut self, patience: Duration) {
        self.display.end();
        // Those who ask go before those who answer.
        let mut children: Vec<Child> = self.customers.drain(..).chain(self.suppliers.drain(..)).collect();
        children.append(&mut self.managers);
        children.extend(self.stores.drain(..).filter_map(|store| store.child));
        children.extend(self.nameserver.take());
        children.iter().for_each(Child::ask_to_end);
        let until = Instant::now() + patience;
        for mut child in children {
            child.wait(until.saturating_duration_since(Instant::now())).await;
            // What has not ended by itself; and before anybody clears the directories up, it is gone.
            let _ = child.kill().await;
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.display.end();
        // Mailboxes that a client manager had no time to take away.
        let _ = std::fs::remove_dir_all(&self.script.offices);
    }
}

/// Notices that nothing happens any more.
struct Silence {
    last: Sums,
    since: Instant,
}

impl Silence {
    fn new() -> Self {
        Self { last: Sums::default(), since: Instant::now() }
    }

    /// An error if there has been nothing new for too long.
    fn check(&mut self, sums: Sums) -> Result<(), Box<dyn Error>> {
        if sums != self.last {
            (self.last, self.since) = (sums, Instant::now());
        }
        if self.since.elapsed() > SILENCE_MAX {
            return Err(format!("nothing has happened for {} seconds", SILENCE_MAX.as_secs()).into());
        }
        Ok(())
    }
}

fn running(child: &Child) -> String {
    format!("process {}", child.id().unwrap_or_default())
}

/// Where a store listens.
async fn address_of(store: &mut Child) -> Result<SocketAddr, Box<dyn Error>> {
    let endpoints = store.ready().await?;
    let tcp = endpoints.iter().find_map(|endpoint| endpoint.strip_prefix("tcp://")?.parse().ok());
    Ok(tcp.ok_or("the store listens at no TCP address")?)
}
