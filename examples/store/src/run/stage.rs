//! The stage: starts everything in order, lets things go wrong at the right moment, and asks for the audit.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rpc_runtime::Node;
use tokio::time::{sleep, sleep_until};

use super::Options;
use super::board::Board;
use super::children::{Child, ChildError};
use super::cutter::Cutter;
use super::display::Display;
use super::verdict::{Object, Verdict};
use crate::interface::{Audit, Store, StoreClient};
use crate::part::Part;
use crate::supplier::{measure, objects};

/// How often suppliers bring everything: once before the customers come, the rest while they are there.
const DELIVERIES: u32 = 3;

/// How long customers and suppliers may take beyond the time they were given.
const FINISH_LIMIT: Duration = Duration::from_secs(150);

/// How often the runner looks whether somebody has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Everything that has to be cleaned up in the end. Dropping it kills all processes and removes temporary files.
pub(super) struct Stage {
    options: Options,
    /// Folder of the objects.
    folder: PathBuf,
    data: PathBuf,
    /// Removes `data` when it is dropped, unless the user wants to keep it.
    temporary: Option<tempfile::TempDir>,
    /// Directory of all mailboxes of this run.
    offices: PathBuf,
    board: Board,
    display: Display,
    nameserver: Option<Child>,
    stores: Vec<StoreOnStage>,
    managers: Vec<Child>,
}

struct StoreOnStage {
    part: Part,
    name: String,
    cutter: Cutter,
    child: Child,
}

impl Stage {
    /// Prepares the directories.
    pub(super) fn build(options: Options) -> Result<Self, Box<dyn Error>> {
        let folder = options.objects.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("objects"));
        if !folder.is_dir() {
            return Err(format!("no folder of objects at {}: say where with --objects DIR", folder.display()).into());
        }
        let (data, temporary) = match &options.data {
            Some(data) => (data.clone(), None),
            None => {
                let temporary = tempfile::Builder::new().prefix("store-app-").tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        std::fs::create_dir_all(data.join("logs"))?;
        let offices = mailbox::shared_memory_dir().join(format!("run-{}", std::process::id()));
        let board = Board::default();
        let display = Display::new(board.clone(), &options);
        Ok(Self {
            options,
            folder,
            data,
            temporary,
            offices,
            board,
            display,
            nameserver: None,
            stores: Vec::new(),
            managers: Vec::new(),
        })
    }

    /// Plays everything and gives the verdict.
    pub(super) async fn play(&mut self) -> Result<Verdict, Box<dyn Error>> {
        let objects = self.measured()?;
        let bytes: u64 = objects.iter().map(|object| object.bytes).sum();
        self.display.say(&format!("{} objects of {bytes} bytes in {}", objects.len(), self.folder.display()));
        if objects.is_empty() {
            return Err("there is nothing to lend in this folder".into());
        }

        self.display.phase("opening");
        let mut nameserver = self.start("nameserver", &self.nameserver_arguments())?;
        let address = nameserver.ready().await?.first().cloned().ok_or("the nameserver listens nowhere")?;
        self.nameserver = Some(nameserver);
        for part in self.options.stores.clone() {
            self.open_store(part, &address).await?;
        }
        for host in 1..=self.options.hosts {
            self.open_host(host, &address).await?;
        }
        let node = Node::builder().nameserver(&address).start().await?;
        let before = self.audits(&node).await?;

        self.display.phase("first delivery");
        let mut locals = Vec::new();
        for host in 1..=self.options.hosts {
            locals.push(self.start(&format!("supplier {host}"), &self.supplier_arguments(host))?);
        }
        self.first_delivery(&mut locals).await?;

        self.display.phase("customers");
        let started = Instant::now();
        self.display.begin(started);
        for host in 1..=self.options.hosts {
            for customer in 1..=self.options.customers {
                let number = (host - 1) * self.options.customers + customer;
                locals.push(self.start(&format!("customer {number}"), &self.customer_arguments(host, number))?);
            }
        }
        if self.options.kill {
            self.kill_one(started, &address).await?;
        }
        self.last_customer(&mut locals, started).await?;
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

    /// Tells the user something.
    pub(super) fn say(&self, text: &str) {
        self.display.say(text);
    }

    /// Leaves the data directory behind, because somebody may want to look at the logs.
    pub(super) fn keep_logs(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            self.display.say(&format!("logs are kept in {}", temporary.keep().join("logs").display()));
        }
    }

    /// Ends all processes: asks them first, and kills what is left after `patience`.
    pub(super) async fn close(&mut self, patience: Duration) {
        self.display.end();
        let mut children: Vec<Child> = self.managers.drain(..).collect();
        children.extend(self.stores.drain(..).map(|store| store.child));
        children.extend(self.nameserver.take());
        children.iter().for_each(Child::ask_to_end);
        let until = Instant::now() + patience;
        for mut child in children {
            // What does not end by itself is killed when it is dropped here.
            child.wait(until.saturating_duration_since(Instant::now())).await;
        }
    }

    fn measured(&self) -> Result<Vec<Object>, Box<dyn Error>> {
        let mut measured = Vec::new();
        for (title, path) in objects(&self.folder)? {
            let (bytes, digest) = measure(&path)?;
            measured.push(Object { title, bytes, digest });
        }
        Ok(measured)
    }

    fn start(&self, name: &str, arguments: &[String]) -> Result<Child, ChildError> {
        Child::start(name, arguments, &self.data.join("logs"), &self.board)
    }

    async fn open_store(&mut self, part: Part, nameserver: &str) -> Result<(), Box<dyn Error>> {
        let cutter = Cutter::start(self.options.cut).await?;
        let name = format!("store {part}");
        let arguments = self.store_arguments(part, nameserver, &cutter);
        let mut child = self.start(&name, &arguments)?;
        cutter.lead_to(Some(address_of(&mut child).await?));
        self.board.say_state(&name, &running(&child));
        self.stores.push(StoreOnStage { part, name, cutter, child });
        Ok(())
    }

    async fn open_host(&mut self, host: u32, nameserver: &str) -> Result<(), Box<dyn Error>> {
        let name = format!("host {host}");
        let mut manager = self.start(&name, &self.manager_arguments(host, nameserver))?;
        manager.ready().await?;
        self.board.say_state(&name, &running(&manager));
        self.managers.push(manager);
        Ok(())
    }

    /// Waits until every supplier has brought everything once.
    async fn first_delivery(&mut self, suppliers: &mut [Child]) -> Result<(), Box<dyn Error>> {
        let deliveries = u64::from(self.options.hosts);
        let started = Instant::now();
        while self.board.sums().supplier.deliveries < deliveries {
            self.look_after(suppliers)?;
            if started.elapsed() > FINISH_LIMIT {
                return Err("the suppliers do not get ahead".into());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits until all customers and suppliers have gone home.
    async fn last_customer(&mut self, locals: &mut [Child], started: Instant) -> Result<(), Box<dyn Error>> {
        let limit = Duration::from_secs_f64(self.options.seconds) + FINISH_LIMIT;
        while !self.look_after(locals)? {
            if started.elapsed() > limit {
                return Err("the customers do not go home".into());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Sees to it that nobody has ended who should not; says whether all `locals` have ended well.
    fn look_after(&mut self, locals: &mut [Child]) -> Result<bool, Box<dyn Error>> {
        let stores = self.stores.iter_mut().map(|store| &mut store.child);
        for server in stores.chain(&mut self.managers).chain(&mut self.nameserver) {
            if server.has_finished()? {
                return Err(format!("{} has ended by itself", server.name()).into());
            }
        }
        let mut all = true;
        for local in locals {
            all &= local.has_finished()?;
        }
        Ok(all)
    }

    /// Half-way, kills the store that has the most to do, and starts it again.
    async fn kill_one(&mut self, started: Instant, nameserver: &str) -> Result<(), Box<dyn Error>> {
        let half_way = started + Duration::from_secs_f64(self.options.seconds / 2.0);
        sleep_until(half_way.into()).await;
        let board = self.board.clone();
        let Some(store) = self.stores.iter_mut().max_by_key(|store| board.store(&store.name).executed) else {
            return Ok(());
        };
        let id = store.child.id().unwrap_or_default();
        store.child.kill().await?;
        store.cutter.lead_to(None);
        board.bury(&store.name);
        board.say_state(&store.name, "killed");
        self.display.say(&format!("kill -9 {id}: {} is dead, with calls in flight", store.name));
        sleep(Duration::from_secs_f64(self.options.away)).await;

        let (part, name) = (store.part, store.name.clone());
        let arguments = self.store_arguments(part, nameserver, self.cutter_of(part)?);
        let mut child = self.start(&name, &arguments)?;
        let address = address_of(&mut child).await?;
        self.cutter_of(part)?.lead_to(Some(address));
        self.board.say_state(&name, &running(&child));
        self.display.say(&format!("{name} is back as process {}, on the same shelf", child.id().unwrap_or_default()));
        if let Some(store) = self.stores.iter_mut().find(|store| store.part == part) {
            store.child = child;
        }
        Ok(())
    }

    fn cutter_of(&self, part: Part) -> Result<&Cutter, Box<dyn Error>> {
        let store = self.stores.iter().find(|store| store.part == part);
        Ok(&store.ok_or("no such store on stage")?.cutter)
    }

    /// Has every store count what it has.
    async fn audits(&self, node: &Node) -> Result<Vec<(Part, Audit)>, Box<dyn Error>> {
        let mut audits = Vec::new();
        for part in &self.options.stores {
            let store: StoreClient = node.import(part.to_string()).wait(Duration::from_secs(10)).await?;
            audits.push((*part, store.audit().await?));
        }
        Ok(audits)
    }

    fn nameserver_arguments(&self) -> Vec<String> {
        let data = self.data.join("nameserver");
        words(&["nameserver", "--listen", "127.0.0.1:0", "--data", &data.to_string_lossy()])
    }

    fn store_arguments(&self, part: Part, nameserver: &str, cutter: &Cutter) -> Vec<String> {
        let (part, shelf) = (part.to_string(), self.data.join(format!("store-{part}.redb")));
        let (shelf, advertise) = (shelf.to_string_lossy(), cutter.address());
        words(&["store", &part, "--nameserver", nameserver, "--shelf", &shelf, "--advertise", &advertise])
    }

    fn manager_arguments(&self, host: u32, nameserver: &str) -> Vec<String> {
        let (name, office) = (format!("host-{host}"), self.office(host));
        words(&["client-manager", "--host", &name, "--office", &office, "--nameserver", nameserver])
    }

    fn supplier_arguments(&self, host: u32) -> Vec<String> {
        let (folder, share) = (self.folder.to_string_lossy(), format!("{host}/{}", self.options.hosts));
        let (deliveries, pause) = (DELIVERIES.to_string(), self.options.seconds / f64::from(DELIVERIES + 1));
        let (office, pause) = (self.office(host), pause.to_string());
        let rest = ["--office", &office, "--share", &share, "--deliveries", &deliveries, "--pause", &pause];
        words(&[&["supplier", &*folder], &rest[..]].concat())
    }

    fn customer_arguments(&self, host: u32, number: u32) -> Vec<String> {
        let (office, number, seconds) = (self.office(host), number.to_string(), self.options.seconds.to_string());
        words(&["customer", "--office", &office, "--customer", &number, "--seconds", &seconds])
    }

    fn office(&self, host: u32) -> String {
        self.offices.join(format!("host-{host}")).to_string_lossy().into_owned()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.display.end();
        // Mailboxes that a client manager had no time to take away.
        let _ = std::fs::remove_dir_all(&self.offices);
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
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
