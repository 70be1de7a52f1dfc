//! Nodes and their directory against nameservers that come and go.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use nameserver::durable::DurableRegistry;
use nameserver::server::Registrar;
use rpc_runtime::directory::nameserver::{
    Cursor, Interest, Lease, Looked, NAMESERVER_INSTANCE, Nameserver, NameserverError, NameserverServer, Renewal,
    Watched,
};
use rpc_runtime::directory::{
    Directory, DirectoryError, Ended, EntryState, NameserverDirectory, RegisterMode, Registered, Registration,
    Selector, Standing,
};
use rpc_runtime::{Binding, CallError, Epoch, Node, interface};
use support::{INTERFACE, Process, list, reach, registration, until};
use tokio::sync::Semaphore;
use uuid::Uuid;

fn any() -> Selector {
    Selector::Any
}

async fn instances(directory: &NameserverDirectory) -> Vec<String> {
    let found = directory.lookup(INTERFACE, &any()).await.expect("it answers");
    assert!(!found.stale);
    found.entries.into_iter().map(|entry| entry.instance).collect()
}

/// With a ttl that a test can wait for.
fn brief(instance: &str) -> Registration {
    Registration { ttl: Duration::from_millis(500), ..registration(instance) }
}

async fn standing(registered: &mut Registered) -> Standing {
    tokio::time::timeout(Duration::from_secs(10), registered.changed()).await.expect("a change")
}

/// A registration is found until it is taken back, by a call or by dropping it; then the name is free at once, also for
/// the same node.
#[tokio::test]
async fn registered_until_taken_back() {
    let data = tempfile::tempdir().expect("a directory");
    let process = Process::start(data.path());
    let directory = NameserverDirectory::new(&process.address).expect("a thread");
    let wanted = registration("a-m");
    let first = directory.register(wanted.clone()).await.expect("free");
    assert_eq!(instances(&directory).await, ["a-m"]);
    let again = directory.register(wanted.clone()).await.expect_err("this node has it");
    assert!(matches!(again, DirectoryError::NameTaken { .. }), "{again}");

    drop(first);
    let second = directory.register(wanted.clone()).await.expect("free again");
    assert_eq!(instances(&directory).await, ["a-m"], "dropping the first did not end the second");
    directory.unregister(&second).await.expect("it answers");
    assert_eq!(instances(&directory).await, [] as [&str; 0]);
    directory.unregister(&second).await.expect("once more does no harm");

    let third = directory.register(wanted).await.expect("free again");
    directory.drain(&third).await.expect("it answers");
    let found = directory.lookup(INTERFACE, &"a-m".into()).await.expect("it answers");
    assert_eq!(found.entries[0].state, EntryState::Draining);
}

/// A nameserver that ends registrations only when it is allowed to.
struct Slow {
    inner: Registrar,
    allowed: Arc<Semaphore>,
}

impl Nameserver for Slow {
    async fn ns_unregister(&self, epoch: Epoch) -> Result<bool, NameserverError> {
        self.allowed.acquire().await.expect("never closed").forget();
        self.inner.ns_unregister(epoch).await
    }

    async fn ns_register(
        &self,
        registration: Registration,
        token: Uuid,
        after: Option<Epoch>,
    ) -> Result<Lease, NameserverError> {
        self.inner.ns_register(registration, token, after).await
    }

    async fn ns_set_state(&self, epoch: Epoch, state: EntryState) -> Result<(), NameserverError> {
        self.inner.ns_set_state(epoch, state).await
    }

    async fn ns_renew(&self, epochs: Vec<Epoch>) -> Result<Vec<Renewal>, NameserverError> {
        self.inner.ns_renew(epochs).await
    }

    async fn ns_lookup(&self, interface: String, selector: Selector) -> Result<Looked, NameserverError> {
        self.inner.ns_lookup(interface, selector).await
    }

    async fn ns_watch(
        &self,
        interest: Interest,
        from: Option<Cursor>,
        wait: Duration,
    ) -> Result<Watched, NameserverError> {
        self.inner.ns_watch(interest, from, wait).await
    }
}

/// R21: for the same node, under the same name, a second registration waits until the first is gone: it would be the same
/// one, and go with it.
#[tokio::test]
async fn a_second_registration_waits_for_the_end_of_the_first() {
    let data = tempfile::tempdir().expect("a directory");
    let registry = Arc::new(DurableRegistry::open(data.path()).expect("a new one"));
    let allowed = Arc::new(Semaphore::new(0));
    let slow = Slow { inner: Registrar::new(registry), allowed: Arc::clone(&allowed) };
    let node = Node::builder().listen("127.0.0.1:0").start().await.expect("a node");
    let _export = node.export(NAMESERVER_INSTANCE, NameserverServer::new(slow)).await.expect("a free name");
    let directory = NameserverDirectory::new(&node.local_endpoints()[0]).expect("a thread");

    let wanted = registration("a-m");
    let first = directory.register(wanted.clone()).await.expect("free");
    let epoch = first.epoch;
    drop(first);
    let mut second = directory.register(wanted);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut second).await;
    assert!(early.is_err(), "the first is not gone yet");
    allowed.add_permits(1);
    let second = second.await.expect("free again");
    assert!(second.epoch.number > epoch.number);
    assert_eq!(instances(&directory).await, ["a-m"]);
    allowed.add_permits(1);
}

/// R22: leases are renewed while the application does not let its runtime run at all.
#[tokio::test]
async fn renewals_do_not_starve() {
    let data = tempfile::tempdir().expect("a directory");
    let process = Process::start(data.path());
    let directory = NameserverDirectory::new(&process.address).expect("a thread");
    let registered = directory.register(brief("a-m")).await.expect("free");
    // Work that blocks the only thread of this runtime, for three ttl.
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(registered.standing(), Standing::Held(registered.epoch));
    assert_eq!(list(&process.address).await["a-m"], registered.epoch.number);
}

/// R22: nobody renews for a process that died; its name is free after the ttl.
#[tokio::test]
async fn leases_end() {
    let data = tempfile::tempdir().expect("a directory");
    let process = Process::start(data.path());
    let node = Node::builder().start().await.expect("a node");
    let (client, _) = reach(&node, &process.address).await;
    client.ns_register(brief("a-m"), Uuid::nil(), None).await.expect("free");
    until("it ends", async || list(&process.address).await.is_empty()).await;
    client.ns_register(brief("a-m"), Uuid::nil(), None).await.expect("free");
}

/// R22: a registration that the nameserver does not know any more is made again, under its name and with a new number.
#[tokio::test]
async fn lost_registrations_are_made_again() {
    let data = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(data.path());
    let directory = NameserverDirectory::new(&process.address).expect("a thread");
    let mut registered =
        directory.register(Registration { mode: RegisterMode::AutoNamed, ..brief("customer") }).await.expect("a name");
    assert_eq!(registered.instance, "customer-1");
    process.kill();
    // The registry begins anew, as after a loss of its disk.
    std::fs::remove_dir_all(data.path()).expect("the store");
    process.restart();
    until("it is back", async || list(&process.address).await.contains_key("customer-1")).await;
    while !matches!(standing(&mut registered).await, Standing::Held(epoch) if epoch != registered.epoch) {}

    directory.unregister(&registered).await.expect("it answers");
    assert!(list(&process.address).await.is_empty(), "the number that it has now was ended");
}

/// R22, R32: what was replaced or unregistered hears of it and does not come back.
#[tokio::test]
async fn replaced_and_unregistered_stay_away() {
    let data = tempfile::tempdir().expect("a directory");
    let process = Process::start(data.path());
    let directory = NameserverDirectory::new(&process.address).expect("a thread");
    let mut replaced = directory.register(brief("replaced")).await.expect("free");
    let mut removed = directory.register(brief("removed")).await.expect("free");

    let successor = NameserverDirectory::new(&process.address).expect("a thread");
    let takeover = Registration { mode: RegisterMode::Takeover, ..brief("replaced") };
    let new = successor.register(takeover).await.expect("the same owner");
    let (ok, said) = process.ask(&["unregister", INTERFACE, "removed"]);
    assert!(ok, "{said}");

    assert_eq!(standing(&mut replaced).await, Standing::Ended(Ended::Replaced));
    assert_eq!(standing(&mut removed).await, Standing::Ended(Ended::Unregistered));
    drop((replaced, removed));
    // Two ttl: time for whoever wanted to come back.
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let listed = list(&process.address).await;
    assert_eq!(listed.into_iter().collect::<Vec<_>>(), [("replaced".to_owned(), new.epoch.number)]);
}

/// R20: with the nameserver away lookups are answered from the cache, at once, and say so; what is not known is an
/// error.
#[tokio::test]
async fn lookups_use_the_cache_while_away() {
    let data = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(data.path());
    let directory = NameserverDirectory::new(&process.address).expect("a thread");
    let _registered = directory.register(registration("a-m")).await.expect("free");
    let mut members = directory.watch(INTERFACE, &any());
    assert_eq!(members.changed().await.entries.len(), 1);
    assert_eq!(instances(&directory).await, ["a-m"]);

    process.kill();
    assert!(members.changed().await.stale, "watchers hear that it is away");
    let begun = Instant::now();
    let found = directory.lookup(INTERFACE, &any()).await.expect("known");
    assert!(found.stale && found.entries.len() == 1);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    process.restart();
    assert!(!members.changed().await.stale);
    assert_eq!(instances(&directory).await, ["a-m"]);
}

/// A directory may be there before its nameserver: registrations wait for it.
#[tokio::test]
async fn the_nameserver_may_come_later() {
    let data = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(data.path());
    process.kill();
    let directory = NameserverDirectory::new(&process.address).expect("a thread");
    let wanted = registration("a-m");
    let (registered, ()) = tokio::join!(directory.register(wanted), async { process.restart() });
    registered.expect("it came");
}

/// R23: members see every change of a group, in whichever order it is made, and end up with what there is.
#[tokio::test]
async fn members_follow_their_group() {
    let data = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(data.path());
    let directory = NameserverDirectory::new(&process.address).expect("a thread");
    let mut members = directory.watch(INTERFACE, &Selector::Group("east".into()));
    let mut held = Vec::new();
    for n in 0..60 {
        let groups = if n % 3 == 0 { vec![] } else { vec!["east".to_owned()] };
        held.push(
            directory.register(Registration { groups, ..registration(&format!("s{n:02}")) }).await.expect("free"),
        );
        if n % 4 == 0 {
            held.remove(fastrand::usize(..held.len()));
        }
        if n == 30 {
            process.kill();
            process.restart();
        }
    }
    let mut expected: Vec<_> = held.iter().map(|registered| registered.instance.clone()).collect();
    expected.retain(|instance| instance[1..].parse::<u32>().expect("a number") % 3 != 0);
    expected.sort();
    loop {
        let found = tokio::time::timeout(Duration::from_secs(10), members.changed()).await.expect("it catches up");
        if !found.stale && found.entries.iter().map(|entry| &entry.instance).eq(&expected) {
            break;
        }
    }
}

/// Repeats what it hears.
#[interface(package = "test.v1")]
trait Echo {
    /// Gives `text` back.
    async fn echo(&self, text: String) -> Result<String, CallError>;
}

struct Parrot;

impl Echo for Parrot {
    async fn echo(&self, text: String) -> Result<String, CallError> {
        Ok(text)
    }
}

/// R20: bindings go on while the nameserver is away, new ones are made from the cache, and exports come through its
/// restart.
#[tokio::test]
async fn bindings_outlive_the_nameserver() {
    let data = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(data.path());
    let node = |address: &str| Node::builder().nameserver(address).listen("127.0.0.1:0").start();
    let exporter = node(&process.address).await.expect("a node");
    let export = exporter.export("parrot", EchoServer::new(Parrot)).await.expect("a free name");
    let importer = node(&process.address).await.expect("a node");
    let echo: EchoClient = importer.import("parrot").await.expect("registered");
    assert_eq!(echo.echo("before".into()).await.expect("it runs"), "before");

    process.kill();
    for n in 0..100 {
        assert_eq!(echo.echo(n.to_string()).await.expect("the nameserver has no part in it"), n.to_string());
    }
    assert_eq!(Binding::of(&echo).stats().calls, 101);
    let other: EchoClient = importer.import("parrot").await.expect("from the cache");
    assert_eq!(other.echo("away".into()).await.expect("it runs"), "away");

    process.restart();
    let third = node(&process.address).await.expect("a node");
    let echo: EchoClient = third.import("parrot").await.expect("still registered");
    assert_eq!(echo.echo("after".into()).await.expect("it runs"), "after");
    drop(export);
    until("it is taken back", async || list(&process.address).await.is_empty()).await;
}
