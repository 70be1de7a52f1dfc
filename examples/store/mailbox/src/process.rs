//! Which process the peer is, and whether it still lives.
//!
//! A process id alone is not enough: it is given out again. Together with the start time it names one life of one process. Both
//! sides must see the same process ids, so a mailbox does not work across the borders of a PID namespace.

/// One process: its id and, where the system tells, when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pid: u32,
    /// Clock ticks since boot; 0 where it is not known.
    started: u64,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It lives.
    Running,
    /// It lives but is stopped by a signal or a debugger.
    Stopped,
    /// It has ended, or it is a zombie, or its id belongs to another process now.
    Gone,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, started: look(pid).map_or(0, |(_, started)| started) }
    }

    pub(crate) fn new(pid: u32, started: u64) -> Self {
        Self { pid, started }
    }

    /// Its process id.
    pub fn pid(self) -> u32 {
        self.pid
    }

    pub(crate) fn started(self) -> u64 {
        self.started
    }

    /// What it does now.
    pub fn state(self) -> State {
        match look(self.pid) {
            None => State::Gone,
            Some((_, started)) if self.started != 0 && started != 0 && started != self.started => State::Gone,
            Some((state, _)) => state,
        }
    }
}

/// State and start time of the process that has this id now; `None` if none has.
#[cfg(target_os = "linux")]
fn look(pid: u32) -> Option<(State, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name stands in parentheses and may hold anything, parentheses too: what counts comes after the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = match fields.next()? {
        "Z" | "X" | "x" => return None,
        "T" | "t" => State::Stopped,
        _ => State::Running,
    };
    // The state is the third field of proc_pid_stat(5), the start time the twenty-second.
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

/// Without /proc: only whether a process with this id exists.
#[cfg(not(target_os = "linux"))]
fn look(pid: u32) -> Option<(State, u64)> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    match rustix::process::test_kill_process(pid) {
        Err(rustix::io::Errno::SRCH) => None,
        _ => Some((State::Running, 0)),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// This process runs; the same id with another start time is another process.
    #[test]
    fn one_life_of_one_process() {
        let me = Process::current();
        assert_eq!(me.state(), State::Running);
        if me.started != 0 {
            assert_eq!(Process { started: me.started + 1, ..me }.state(), State::Gone);
        }
    }

    /// Ids that no process can have are gone, whatever garbage they are.
    #[test]
    fn impossible_ids_are_gone() {
        assert_eq!(Process::new(u32::MAX, 0).state(), State::Gone);
        assert_eq!(Process::new(0, 0).state(), State::Gone);
    }
}
