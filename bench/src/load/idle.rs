//! Connections that do nothing any more: what each costs its server.

use std::sync::Arc;
use std::time::Duration;

use super::{Load, Measured, Meter};
use crate::contender::{Client, Contender, Error};
use crate::process;
use crate::serve::one_thread;

/// Connections before the measured ones, for what is allocated once.
const BEFORE: usize = 64;
/// After so long a connection rests.
const REST: Duration = Duration::from_secs(2);

/// A client process with idle connections. One thread drives them, as what is measured is the server.
pub(super) fn process<C: Contender>(load: &Load) -> Result<Measured, Error> {
    let tokio = one_thread()?;
    let _before = tokio.block_on(open::<C>(load, BEFORE))?;
    let memory_before = process::memory_of(load.server)?;
    let idle = tokio.block_on(open::<C>(load, load.workload.connections()))?;
    let memory = process::memory_of(load.server)?.saturating_sub(memory_before);
    Ok(Measured::idle(memory, idle.len()))
}

/// Opens so many connections, makes a call on each, and lets them rest.
async fn open<C: Contender>(load: &Load, connections: usize) -> Result<Vec<C::Client>, Error> {
    let meter = Arc::new(Meter::new());
    let mut caller = meter.caller(load.workload);
    let mut opened = Vec::new();
    for _ in 0..connections {
        let client = C::connect(&load.address).await?;
        let message = caller.message();
        let id = message.id;
        caller.end(id, None, &client.echo(message).await?);
        opened.push(client);
    }
    meter.check()?;
    tokio::time::sleep(REST).await;
    Ok(opened)
}
