//! Processes as the system shows them: CPU time, memory, the CPUs they may use; and the ones that a measurement starts.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::contender::{Error, Runtime};

/// What a process does to itself before anything else: it takes as many descriptors as it may, and goes to its CPU.
pub(crate) fn prepare(cpu: Option<usize>) -> Result<(), Error> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    if let Some(cpu) = cpu {
        let mut one = CpuSet::new();
        one.set(cpu);
        sched_setaffinity(None, &one)?;
    }
    Ok(())
}

/// The last of the CPUs that this process may use: interrupts are mostly handled by the first.
pub(crate) fn last_cpu() -> Result<usize, Error> {
    let allowed = sched_getaffinity(None)?;
    (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu)).ok_or_else(|| "no CPU is allowed".into())
}

/// How many threads of a process have a runtime.
pub(crate) fn threads(runtime: Runtime) -> usize {
    match runtime {
        Runtime::Multi => 1,
        Runtime::PerCore => cores(),
    }
}

/// The CPUs that this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds of CPU time that this process has taken.
pub(crate) fn own_cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Seconds of CPU time that another process has taken, in steps of a clock tick.
pub(crate) fn cpu_of(pid: u32) -> Result<f64, Error> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = cpu_ticks(&stat).ok_or("a line of /proc/PID/stat without CPU times")?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// User's and system's ticks, fields 14 and 15. The second is the program's name in parentheses, in which there may be anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

/// Bytes of memory that another process has resident.
pub(crate) fn memory_of(pid: u32) -> Result<u64, Error> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("a process without memory")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

/// How many threads of the whole system wanted a CPU in the last minute, on average.
pub(crate) fn system_load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// This program, started once more. Dropping it kills it; it ends by itself when its standard input does.
pub(crate) struct Process {
    child: Child,
    _stdin: Option<ChildStdin>,
    lines: Receiver<io::Result<String>>,
}

impl Process {
    /// Starts this program with other arguments.
    pub(crate) fn start(arguments: &[String]) -> Result<Process, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("a process without its standard output")?;
        Ok(Process { child, _stdin: stdin, lines: lines(stdout) })
    }

    /// Its next line, which has to come within `timeout`.
    pub(crate) fn line(&self, timeout: Duration) -> Result<String, Error> {
        let line = self.lines.recv_timeout(timeout);
        Ok(line.map_err(|_| format!("process {} said nothing within {timeout:?}, or failed", self.id()))??)
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A program's name may have spaces and parentheses.
    #[test]
    fn cpu_ticks_come_after_the_name() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 100 0 0 0 12 30 0 0 20 0 3 0 100 1000 100 1844";
        assert_eq!(cpu_ticks(stat), Some(42));
        assert_eq!(cpu_ticks("77 (a"), None);
    }

    /// A process reads of itself what it reads of others.
    #[test]
    fn a_process_has_memory_and_cpu_time() {
        let own = std::process::id();
        assert!(memory_of(own).unwrap() > 1 << 20);
        assert!(cpu_of(own).unwrap() <= own_cpu() + 0.1);
    }
}
