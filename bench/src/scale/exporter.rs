//! The exporter's process: one node with as many exports as asked for.

use std::io::{Read, stdin};
use std::process::exit;
use std::thread;
use std::time::Duration;

use rpc_runtime::{Bytes, CallError, Limits, Node, interface};
use serde::{Deserialize, Serialize};

use crate::contender::{Client, Error, Message};
use crate::{process, serve};

/// Longer than anything that is measured.
pub(super) const FOR_EVER: Duration = Duration::from_secs(3_600);
/// More than there are sessions at any level.
const CONNECTIONS_MAX: usize = 20_000;
/// As few slots as are needed, so that the last of many sessions has as many as the first.
const SLOTS: u16 = 64;

/// What is called.
#[interface]
pub(super) trait Echo {
    /// Gives back what it is given.
    async fn echo(&self, value: Bytes) -> Result<Bytes, CallError>;
}

struct Echoing;

impl Echo for Echoing {
    async fn echo(&self, value: Bytes) -> Result<Bytes, CallError> {
        Ok(value)
    }
}

impl Client for EchoClient {
    async fn echo(&self, mut message: Message) -> Result<Message, Error> {
        message.value = Echo::echo(self, message.value).await?;
        Ok(message)
    }
}

/// The name of an export.
pub(super) fn instance(number: usize) -> String {
    format!("echo-{number}")
}

/// What an exporter is to be.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Exporting {
    pub(super) exports: usize,
    /// Whether its sessions need no pings while they are measured.
    pub(super) quiet: bool,
    /// The one CPU that it may use.
    pub(super) cpu: usize,
}

/// Exports until standard input ends.
pub(super) fn run(exporting: &Exporting) -> Result<(), Error> {
    process::prepare(Some(exporting.cpu))?;
    // Ends with the process, which it ends.
    thread::spawn(|| {
        let _ended = stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
    serve::one_thread()?.block_on(export(exporting))
}

async fn export(exporting: &Exporting) -> Result<(), Error> {
    let mut limits = Limits::default();
    limits.connections_max = CONNECTIONS_MAX;
    limits.connections_per_address_max = CONNECTIONS_MAX;
    limits.slots_max = SLOTS;
    if exporting.quiet {
        limits.session_lease = FOR_EVER;
    }
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await?;
    let mut exports = Vec::new();
    for number in 0..exporting.exports {
        exports.push(node.export(instance(number), EchoServer::new(Echoing)).await?);
    }
    let endpoints = node.local_endpoints();
    serve::ready(&endpoints.first().ok_or("the node listens nowhere")?.parse()?)?;
    std::future::pending().await
}
