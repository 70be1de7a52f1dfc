//! Where it was measured.

use std::fmt;
use std::fs;

use serde::Serialize;

use crate::process;

/// The dependencies of this build, with their versions.
const LOCK: &str = include_str!("../../../Cargo.lock");
/// Those whose version says what was measured.
const MEASURED: &[&str] = &["tokio", "tarpc", "capnp-rpc", "volo-thrift", "tonic", "connectrpc"];

/// The machine and what was built.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    versions: Vec<String>,
}

impl Machine {
    /// This one.
    pub(crate) fn read() -> Machine {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Machine {
            cpu: cpu_name(&cpu_info).unwrap_or("an unknown CPU").to_owned(),
            cores: process::cores(),
            // What follows the first hyphen is a distribution's own business.
            kernel: kernel.trim().split('-').next().unwrap_or_default().to_owned(),
            versions: MEASURED.iter().filter_map(|name| Some(format!("{name} {}", version(LOCK, name)?))).collect(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cores, kernel, versions } = self;
        write!(f, "{cpu}, {cores} cores, Linux {kernel}; {}.", versions.join(", "))
    }
}

fn cpu_name(cpu_info: &str) -> Option<&str> {
    let line = cpu_info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

/// The version of a package in a lock file.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let entry = format!("\nname = \"{name}\"\nversion = \"");
    lock.split_once(&entry)?.1.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name is not found in a longer one.
    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"tonic-prost\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"tonic\"\nversion = \"0.2.0\"\n";
        assert_eq!(version(lock, "tonic"), Some("0.2.0"));
        assert_eq!(version(lock, "prost"), None);
        assert!(version(LOCK, "tokio").is_some());
    }

    /// The name is what the first core says.
    #[test]
    fn the_cpu_has_a_name() {
        assert_eq!(cpu_name("processor\t: 0\nmodel name\t: A CPU @ 1\n"), Some("A CPU @ 1"));
        assert_eq!(cpu_name(""), None);
    }
}
