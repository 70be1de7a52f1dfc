//! Network namespaces, made with `ip netns` and removed when they are dropped.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use rustix::process::{Pid, geteuid, test_kill_process};

use crate::Failure;

/// What the names of our namespaces begin with; the process id of their run follows.
const PREFIX: &str = "verify-faults-";

/// A network namespace of this run.
#[derive(Debug)]
pub(crate) struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        // There is nobody left to tell, and the next run tries again.
        let _ = ip(&["netns", "delete", &self.0]);
    }
}

impl Namespace {
    /// Makes one, with its own loopback.
    pub(crate) fn new(what: &str) -> Result<Namespace, Failure> {
        let name = format!("{PREFIX}{}-{what}", std::process::id());
        ip(&["netns", "add", &name])?;
        let namespace = Namespace(name);
        ip(&["-netns", &namespace.0, "link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// What `ip netns exec` calls it.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// Takes a device of this machine into the namespace, gives it an address, and starts it.
    pub(crate) fn adopt(&self, device: &str, address: &str) -> Result<(), Failure> {
        ip(&["link", "set", "dev", device, "netns", &self.0])?;
        ip(&["-netns", &self.0, "address", "add", address, "dev", device])?;
        ip(&["-netns", &self.0, "link", "set", "dev", device, "up"])
    }
}

/// Says what is missing, and what to do about it.
pub(crate) fn check() -> Result<(), Failure> {
    let others = "or name the scenarios to run, without it";
    if !geteuid().is_root() {
        return Err(format!(
            "netem makes network namespaces, for which one must be root: run this with sudo, {others}"
        )
        .into());
    }
    if let Err(error) = ip(&["netns", "list"]) {
        return Err(format!("netem needs iproute2 (Debian: apt-get install iproute2), {others}: {error}").into());
    }
    if let Err(error) = std::fs::metadata("/dev/net/tun") {
        return Err(format!("netem needs /dev/net/tun (modprobe tun), {others}: {error}").into());
    }
    Ok(())
}

/// Removes namespaces of runs that were killed before they could.
pub(crate) fn sweep() -> Result<(), Failure> {
    let list = Command::new("ip").args(["netns", "list"]).output()?;
    for line in String::from_utf8_lossy(&list.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let run = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')?.0.parse().ok());
        if run.and_then(Pid::from_raw).is_some_and(|run| test_kill_process(run).is_err()) {
            ip(&["netns", "delete", name])?;
        }
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => "there is no program `ip`".to_owned(),
        _ => error.to_string(),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`ip {}` failed: {}", arguments.join(" "), said.trim()).into())
}
