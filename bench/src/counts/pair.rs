//! A client and its server, each started by the tool that counts.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;

use super::peer::{Load, Method};
use crate::contender::Error;

/// A process that has not done its part by then has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which of the two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    pub(crate) const BOTH: [Side; 2] = [Side::Client, Side::Server];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
        }
    }
}

/// What the client does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) method: Method,
    pub(crate) load: Load,
}

impl Work {
    /// A name for files, and for arguments.
    pub(crate) fn name(self) -> String {
        format!("{}-{}", argument(self.method), argument(self.load))
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} in flight", argument(self.method).replace('-', ", "), self.load.depth())
    }
}

/// Runs a server, and a client that makes so many calls, each behind the words that `tool` gives for it.
pub(crate) fn run(work: Work, calls: u64, tool: impl Fn(Side) -> Vec<String>) -> Result<(), Error> {
    let server = Process::start(tool(Side::Server), &["counts-server".to_owned()])?;
    let address = server.line()?;
    let client = Process::start(
        tool(Side::Client),
        &[
            "counts-client".to_owned(),
            format!("--address={address}"),
            format!("--method={}", argument(work.method)),
            format!("--load={}", argument(work.load)),
            format!("--calls={calls}"),
        ],
    )?;
    client.finish()?;
    server.finish()
}

/// Says what to install if a tool is not there.
pub(crate) fn find(tool: &str) -> Result<(), Error> {
    let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("`{tool}` is needed for counting: apt-get install strace valgrind").into()),
    }
}

/// A value as the command line has it.
fn argument(value: impl ValueEnum) -> String {
    // Only variants that the command line does not take have none.
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// A started process. Dropping it kills it; what the tool has started then ends with the tool.
struct Process {
    child: Child,
    lines: Receiver<io::Result<String>>,
}

impl Process {
    fn start(tool: Vec<String>, arguments: &[String]) -> Result<Process, Error> {
        let this = std::env::current_exe()?;
        let mut command = match tool.split_first() {
            Some((program, options)) => {
                let mut command = Command::new(program);
                command.args(options).arg(this);
                command
            }
            None => Command::new(this),
        };
        let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("a process without its standard output")?;
        Ok(Process { child, lines: lines(stdout) })
    }

    fn line(&self) -> Result<String, Error> {
        let line = self.lines.recv_timeout(PATIENCE);
        Ok(line.map_err(|_| format!("process {} said nothing within {PATIENCE:?}, or failed", self.child.id()))??)
    }

    /// Waits until it says that it is done, and has ended.
    fn finish(mut self) -> Result<(), Error> {
        self.line()?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("process {}: {status}", self.child.id()).into()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for one that has ended.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// What is printed, line by line. The thread ends with the process that prints.
fn lines(stdout: ChildStdout) -> Receiver<io::Result<String>> {
    let (sender, receiver) = channel();
    thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| sender.send(line)));
    receiver
}
