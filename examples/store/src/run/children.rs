//! A child: one program of the application, run as a process, with its reports coming in.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::board::Board;
use crate::lifetime::PARENT;
use crate::report::Event;

/// How long a program may take until it serves.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// Lines of a log that are shown when its program fails.
const LOG_LINES: usize = 5;

/// A program that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Child {
    name: String,
    process: tokio::process::Child,
    ready: watch::Receiver<Option<Vec<String>>>,
    log: PathBuf,
}

/// Why a child was of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChildError {
    /// It could not be started.
    #[error("{name} could not be started: {source}")]
    Start {
        /// Which one.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// It did not serve in time.
    #[error("{name} was not ready within {READY_LIMIT:?}{log}")]
    NotReady {
        /// Which one.
        name: String,
        /// The end of its log.
        log: String,
    },
    /// It ended, and should not have, or not so.
    #[error("{name} ended with {status}{log}")]
    Failed {
        /// Which one.
        name: String,
        /// How.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
}

impl Child {
    /// Starts this very program with other arguments. What it reports goes to the board, what it logs into a file in `logs`.
    pub(super) fn start(name: &str, arguments: &[String], logs: &Path, board: &Board) -> Result<Self, ChildError> {
        let failed = |source| ChildError::Start { name: name.to_owned(), source };
        let log = logs.join(format!("{}.log", name.replace(' ', "-")));
        let errors = File::options().create(true).append(true).open(&log).map_err(failed)?;
        let mut process = Command::new(std::env::current_exe().map_err(failed)?)
            .args(arguments)
            .arg("--json")
            .env(PARENT, std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (tell, ready) = watch::channel(None);
        if let Some(lines) = process.stdout.take() {
            // Ends with the process, which closes its standard output.
            tokio::spawn(listen(name.to_owned(), lines, board.clone(), tell));
        }
        Ok(Self { name: name.to_owned(), process, ready, log })
    }

    /// Waits until it serves, and gives the addresses at which it can be reached.
    pub(super) async fn ready(&mut self) -> Result<Vec<String>, ChildError> {
        // Ends with its report, with its end (the sender is dropped), or at the limit.
        let ready = timeout(READY_LIMIT, self.ready.wait_for(Option::is_some)).await;
        match ready.ok().and_then(Result::ok).and_then(|endpoints| endpoints.clone()) {
            Some(endpoints) => Ok(endpoints),
            None => Err(ChildError::NotReady { name: self.name.clone(), log: self.end_of_log() }),
        }
    }

    /// Whether it has ended well; an error if it has ended otherwise.
    pub(super) fn has_finished(&mut self) -> Result<bool, ChildError> {
        match self.process.try_wait() {
            Ok(None) => Ok(false),
            Ok(Some(status)) if status.success() => Ok(true),
            Ok(Some(status)) => Err(ChildError::Failed { name: self.name.clone(), status, log: self.end_of_log() }),
            Err(source) => Err(ChildError::Start { name: self.name.clone(), source }),
        }
    }

    /// Waits until it has ended, for at most `limit`.
    pub(super) async fn wait(&mut self, limit: Duration) {
        // What it ends with does not matter any more.
        let _ = timeout(limit, self.process.wait()).await;
    }

    /// Asks it to end. Whether it does is another matter.
    pub(super) fn ask_to_end(&self) {
        let id = self.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(id) = id {
            // It may have ended by itself.
            let _ = kill_process(id, Signal::TERM);
        }
    }

    /// Kills it, as `kill -9` does, and waits until it is gone.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.process.kill().await
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, as long as it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
        if last.is_empty() { String::new() } else { format!("; its log ends with:\n  {}", last.join("\n  ")) }
    }
}

/// Takes a process's reports until it ends.
async fn listen(name: String, lines: ChildStdout, board: Board, ready: watch::Sender<Option<Vec<String>>>) {
    let mut lines = BufReader::new(lines).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // A line that is no report is of no interest.
        let Ok(event) = serde_json::from_str(&line) else {
            continue;
        };
        board.note(&name, &event);
        if let Event::Ready { endpoints } = event {
            ready.send_replace(Some(endpoints));
        }
    }
}
