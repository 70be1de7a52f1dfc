//! The processes of a run, from within: a nameserver, exporters, callers.

mod caller;
mod exporter;
mod nameserver;

use std::io::{self, Write};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::Failure;
use crate::settings::Role;

/// The environment variable with the process id of the run.
pub(crate) const PARENT: &str = "VERIFY_FAULTS_PARENT";

/// Plays a role until SIGTERM.
pub(crate) fn play(role: Role) -> Result<(), Failure> {
    die_with_parent()?;
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match role {
            Role::Nameserver(settings) => nameserver::play(settings).await,
            Role::Exporter(settings) => exporter::play(settings).await,
            Role::Caller(settings) => caller::play(settings).await,
        }
    })
}

/// Whatever ends the run ends this process, also one that stands still.
fn die_with_parent() -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended before.
    let parent = std::os::unix::process::parent_id().to_string();
    if std::env::var(PARENT).is_ok_and(|expected| expected != parent) {
        return Err("the run that started this process has ended".into());
    }
    Ok(())
}

/// Tells the run that this process serves, and where.
fn ready(endpoint: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "ready {endpoint}")?;
    out.flush()
}
