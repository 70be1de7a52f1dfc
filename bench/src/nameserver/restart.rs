//! A nameserver that is killed and started again, and the disk under it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rpc_runtime::directory::nameserver::{NAMESERVER_INSTANCE, Nameserver, NameserverClient};
use rpc_runtime::{Node, Selector};
use rustix::fs::{Advice, fadvise};

use super::{LOG, name, start};
use crate::contender::Error;
use crate::process::{Process, memory_of};

/// So many restarts of each kind; the median counts.
const RESTARTS: usize = 3;
/// So many writes to find out how fast the disk is.
const FSYNCS: usize = 100;

/// What restarting took.
pub(super) struct Restarted {
    /// From the start of the process to the first answer.
    pub(super) warm: Duration,
    /// The same, with nothing of the data in the system's memory.
    pub(super) cold: Duration,
    /// The memory of the new process.
    pub(super) memory: u64,
    /// The size of the data on disk.
    pub(super) data: u64,
}

/// Kills the nameserver and starts it again, several times.
pub(super) async fn measure(mut process: Process, data: &Path, names: usize) -> Result<Restarted, Error> {
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for round in 0..2 * RESTARTS {
        // As `kill -9` does.
        drop(process);
        let is_cold = round % 2 == 1;
        if is_cold {
            forget(data)?;
        }
        let begun = Instant::now();
        let (started, address) = start(data)?;
        first_lookup(&address, names).await?;
        if is_cold { &mut cold } else { &mut warm }.push(begun.elapsed());
        process = started;
    }
    let memory = memory_of(process.id())?;
    Ok(Restarted { warm: median(warm), cold: median(cold), memory, data: size(data)? })
}

async fn first_lookup(address: &str, names: usize) -> Result<(), Error> {
    let node = Node::builder().start().await?;
    let client: NameserverClient = node.import_at(address, NAMESERVER_INSTANCE).await?;
    let (interface, instance) = name(names - 1);
    let looked = client.ns_lookup(interface, Selector::Instance(instance)).await?;
    if looked.entries.len() == 1 { Ok(()) } else { Err("a registration that was acknowledged is gone".into()) }
}

/// Bytes of the registry's files.
fn size(data: &Path) -> Result<u64, Error> {
    let mut size = 0;
    for file in std::fs::read_dir(data)? {
        let file = file?;
        if file.file_name() != LOG {
            size += file.metadata()?.len();
        }
    }
    Ok(size)
}

/// Has the system forget the data, so that it is read from disk again.
fn forget(data: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(data)? {
        let file = File::options().read(true).write(true).open(entry?.path())?;
        // Only what has been written back is forgotten.
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

/// How long the disk takes to keep 4 KiB at the end of a file: the median.
pub(super) fn fsync(directory: &Path) -> Result<Duration, Error> {
    let path = directory.join("fsync");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..FSYNCS {
        let begun = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
