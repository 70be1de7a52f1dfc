//! The victim's process as the system shows it.

use std::fs;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::Failure;
use crate::victim::Settings;

/// How long a process may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A running victim. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    /// The victim ends when this does.
    _stdin: ChildStdin,
    pid: u32,
    address: String,
}

impl Process {
    /// Starts a victim and waits until it listens.
    pub(crate) async fn start(settings: &Settings) -> Result<Process, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--victim", &serde_json::to_string(settings)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("the victim did not start");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let mut lines = BufReader::new(child.stdout.take().ok_or_else(missing)?).lines();
        let address = timeout(START_TIMEOUT, lines.next_line()).await??.ok_or_else(missing)?;
        let pid = child.id().ok_or_else(missing)?;
        Ok(Process { child, _stdin: stdin, pid, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether it has not exited.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        self.status("VmRSS:")
    }

    /// The most memory that was in use since [`forget_peak`](Process::forget_peak).
    pub(crate) fn memory_peak(&self) -> Result<u64, Failure> {
        self.status("VmHWM:")
    }

    /// From now on the peak is measured anew; gives the memory in use.
    pub(crate) fn forget_peak(&self) -> Result<u64, Failure> {
        fs::write(format!("/proc/{}/clear_refs", self.pid), "5")?;
        self.memory()
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> Result<usize, Failure> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid))?.count())
    }

    fn status(&self, field: &str) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }
}
