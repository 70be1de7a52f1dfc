//! Nameservers as processes, and what tests ask of them.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nameserver::command::Remote;
use rpc_runtime::directory::Registration;
use rpc_runtime::directory::nameserver::{NAMESERVER_INSTANCE, NameserverClient};
use rpc_runtime::{Incarnation, Node};
use uuid::Uuid;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_nameserver");
pub(crate) const INTERFACE: &str = "library.v1.Store";

/// A nameserver in a process of its own; killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    data: PathBuf,
}

impl Process {
    /// Starts one at a port that the system chooses, and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0")
    }

    fn start_at(data: &Path, listen: &str) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--listen", listen, "--data"])
            .arg(data)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening at tcp://").unwrap_or_else(|| panic!("{line:?}"));
        Self { address: address.to_owned(), child, data: data.to_owned() }
    }

    /// SIGKILL: nothing is written or said any more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; gives whether it ended well.
    pub(crate) fn terminate(&mut self) -> bool {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        self.child.wait().expect("it ends").success()
    }

    /// Starts it again at the same place, with the same data.
    pub(crate) fn restart(&mut self) {
        let (data, address) = (self.data.clone(), self.address.clone());
        *self = Self::start_at(&data, &address);
    }

    /// Asks it with the command line, and gives whether that ended well, and what it said on both outputs.
    pub(crate) fn ask(&self, arguments: &[&str]) -> (bool, String) {
        ask(&self.address, arguments)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of the command line against the nameserver at `address`.
pub(crate) fn ask(address: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(BINARY).args(arguments).env("NAMESERVER", address).output().expect("the binary");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("text"))
}

/// A user stub of the nameserver at `address`, as soon as that answers; and how long it took.
pub(crate) async fn reach(node: &Node, address: &str) -> (NameserverClient, Duration) {
    let begun = Instant::now();
    loop {
        match node.import_at(address, NAMESERVER_INSTANCE).await {
            Ok(client) => return (client, begun.elapsed()),
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The numbers of all registrations, by instance.
pub(crate) async fn list(address: &str) -> std::collections::BTreeMap<String, u64> {
    let entries = Remote::connect(address).await.expect("it runs").list(None).await.expect("it answers");
    entries.iter().map(|entry| (entry.instance.clone(), entry.epoch.number)).collect()
}

/// A wish to be registered under `instance`, that lives long.
pub(crate) fn registration(instance: &str) -> Registration {
    let mut registration = Registration::new(INTERFACE, instance, Incarnation::new(Uuid::new_v4()));
    registration.endpoints = vec!["tcp://127.0.0.1:1".into()];
    registration.ttl = Duration::from_secs(3600);
    registration
}

/// Waits until `done`, which is asked again and again.
pub(crate) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
