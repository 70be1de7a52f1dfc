//! One process of a run: this very binary in a role. It is killed when this is dropped.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::role::PARENT;
use crate::settings::Role;

/// How long a process may take until it serves.
const READY_WAIT: Duration = Duration::from_secs(90);
/// How long a killed process may take to be gone.
const GONE_WAIT: Duration = Duration::from_secs(2);
/// So many lines of a log are shown when its process fails.
const LOG_LINES: usize = 5;

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    says: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Waits until it is gone, so that nobody writes into a directory that goes, or sits in a namespace that does.
        let begun = Instant::now();
        let _ = self.child.start_kill();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < GONE_WAIT {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Why a process is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("{name} cannot be started: {source}")]
    Start { name: String, source: io::Error },
    #[error("{name} did not serve within {READY_WAIT:?}{log}")]
    NotReady { name: String, log: String },
    #[error("{name} did not end within {limit:?} after SIGTERM{log}")]
    Hangs { name: String, limit: Duration, log: String },
    #[error("{name} ended with {status}{log}")]
    Failed { name: String, status: ExitStatus, log: String },
    #[error("{name} cannot be sent a signal: {source}")]
    Signal { name: String, source: io::Error },
}

impl Process {
    /// Starts a process, in a network namespace or in this one. What it logs is appended to `log`.
    ///
    /// Call it on the main thread: the system kills the process when the thread that started it ends.
    pub(crate) fn start(name: &str, role: &Role, namespace: Option<&str>, log: &Path) -> Result<Process, ProcessError> {
        let spawn = || -> io::Result<Process> {
            let (program, settings) = (std::env::current_exe()?, serde_json::to_string(role)?);
            let mut command = match namespace {
                // It becomes the program, and forks none.
                Some(namespace) => {
                    let mut command = Command::new("ip");
                    command.args(["netns", "exec", namespace]).arg(program);
                    command
                }
                None => Command::new(program),
            };
            let mut child = command
                .args(["role", &settings])
                .env(PARENT, std::process::id().to_string())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(File::options().create(true).append(true).open(log)?)
                .kill_on_drop(true)
                .spawn()?;
            let says = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(Process { name: name.to_owned(), child, says: BufReader::new(says), log: log.to_owned() })
        };
        spawn().map_err(|source| ProcessError::Start { name: name.to_owned(), source })
    }

    /// Waits until it serves, and gives where.
    pub(crate) async fn ready(&mut self) -> Result<String, ProcessError> {
        let mut line = String::new();
        // Ends with its line, with its end, or in time.
        let read = timeout(READY_WAIT, self.says.read_line(&mut line)).await;
        match (read, line.strip_prefix("ready ")) {
            (Ok(Ok(_)), Some(endpoint)) => Ok(endpoint.trim().to_owned()),
            _ => Err(ProcessError::NotReady { name: self.name.clone(), log: self.end_of_log() }),
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) async fn kill(&mut self) -> Result<(), ProcessError> {
        self.child.kill().await.map_err(|source| self.no_signal(source))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        let id = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let sent = id.ok_or(io::ErrorKind::NotFound.into()).and_then(|id| Ok(kill_process(id, signal)?));
        sent.map_err(|source| self.no_signal(source))
    }

    /// An error if it has ended.
    pub(crate) fn lives(&mut self) -> Result<(), ProcessError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failed(status)),
            Err(source) => Err(self.no_signal(source)),
        }
    }

    /// SIGTERM, and waits until it has ended well.
    pub(crate) async fn terminate(&mut self, limit: Duration) -> Result<(), ProcessError> {
        self.lives()?;
        self.signal(Signal::TERM)?;
        match timeout(limit, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.failed(status)),
            Ok(Err(source)) => Err(self.no_signal(source)),
            Err(_elapsed) => {
                let hangs = ProcessError::Hangs { name: self.name.clone(), limit, log: self.end_of_log() };
                self.kill().await?;
                Err(hangs)
            }
        }
    }

    fn failed(&self, status: ExitStatus) -> ProcessError {
        ProcessError::Failed { name: self.name.clone(), status, log: self.end_of_log() }
    }

    fn no_signal(&self, source: io::Error) -> ProcessError {
        ProcessError::Signal { name: self.name.clone(), source }
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
        if last.is_empty() { String::new() } else { format!("; its log ends with:\n  {}", last.join("\n  ")) }
    }
}
