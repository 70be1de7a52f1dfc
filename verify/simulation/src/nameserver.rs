//! The software of the nameserver's host: one life after another over the same disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nameserver::Options;
use tempfile::TempDir;
use tokio::time::sleep;

/// The nameserver's host.
pub const HOST: &str = "ns";
/// Where its clients reach it.
pub const ADDRESS: &str = "ns:4100";
/// Where it listens.
const LISTEN: &str = "0.0.0.0:4100";
/// How long a life that cannot begin waits: its port may not be free yet.
const PAUSE: Duration = Duration::from_millis(100);
/// A directory in memory, where the system has one: a simulated disk need not outlive the machine.
const MEMORY: &str = "/dev/shm";

/// The nameserver's disk. It lies outside of the simulated hosts and outlives their crashes. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk(Arc<TempDir>);

impl Disk {
    /// An empty disk.
    pub fn new() -> std::io::Result<Disk> {
        let directory = tempfile::Builder::new().prefix("nameserver-").tempdir_in(MEMORY);
        directory.or_else(|_| tempfile::tempdir()).map(|directory| Disk(Arc::new(directory)))
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

/// Serves until it is crashed. What it had decided and not written is lost then.
pub async fn software(disk: Disk) -> turmoil::Result {
    loop {
        let options = Options { listen: LISTEN.to_owned(), data: disk.path() };
        if let Ok(running) = nameserver::start(options).await {
            running.ended().await;
        }
        sleep(PAUSE).await;
    }
}
