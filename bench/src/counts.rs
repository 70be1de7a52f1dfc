//! The counts that noise cannot touch: allocations, instructions and system calls of a call, on each side, beside what they
//! may be. One that is exceeded is an error.
//!
//! Client and server are processes of their own (`counts/peer.rs`), each with one thread, both on one CPU: a client of 128
//! callers and its server then take turns, in the same steps each time. callgrind counts what a process does in user space,
//! and strace what it asks of the system.

mod callgrind;
mod limits;
mod pair;
pub(crate) mod peer;
mod strace;
mod table;

use std::path::PathBuf;

use crate::contender::Error;
use crate::process::{last_cpu, prepare};
use callgrind::profile;
use limits::{PROFILED, SYSTEM_CALLS_MAX};
use pair::{Side, Work};
use peer::{Load, Method};
use strace::trace;
use table::Counts;

/// What `bench counts` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only calls of this method
    #[arg(long)]
    method: Option<Method>,
    /// Only with so many calls in flight
    #[arg(long)]
    load: Option<Load>,
    /// Keeps the profiles there, for callgrind_annotate
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
}

impl Args {
    fn asks_for(&self, method: Method, load: Load) -> bool {
        self.method.is_none_or(|only| only == method) && self.load.is_none_or(|only| only == load)
    }
}

/// Counts, prints what was counted, and fails if it is more than it may be.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    pair::find("strace")?;
    pair::find("valgrind")?;
    prepare(Some(last_cpu()?))?;
    let files = tempfile::tempdir()?;
    let directory = match &args.keep {
        Some(directory) => {
            std::fs::create_dir_all(directory)?;
            directory.as_path()
        }
        None => files.path(),
    };

    let mut counts = Counts::new();
    for limits in PROFILED.iter().filter(|limits| args.asks_for(limits.method, limits.load)) {
        let work = Work { method: limits.method, load: limits.load };
        let profiles = profile(work, directory)?;
        for side in Side::BOTH {
            let own = limits.method.own_allocations(side);
            counts.allocations(work, side, profiles[side as usize].allocations - own, own);
        }
        for side in Side::BOTH {
            counts.instructions(
                work,
                side,
                profiles[side as usize].instructions,
                limits.instructions_max[side as usize],
            );
        }
    }
    for load in [Load::Sequential, Load::Pipe].into_iter().filter(|load| args.asks_for(Method::Echo, *load)) {
        let work = Work { method: Method::Echo, load };
        counts.system_calls(work, &trace(work, directory)?, (load == Load::Sequential).then_some(&SYSTEM_CALLS_MAX));
    }
    counts.finish()
}
