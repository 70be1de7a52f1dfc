//! System calls of a call, by strace: what twice as many calls need more, so that a process's beginning and end do not count.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::pair::{self, Side, Work};
use crate::contender::Error;

/// How many calls, and then twice as many.
const CALLS: u64 = 2048;
/// What sends, what receives, what waits for a socket.
const SEND: [&str; 4] = ["sendmsg", "sendto", "write", "writev"];
const RECEIVE: [&str; 4] = ["read", "readv", "recvfrom", "recvmsg"];
const WAIT: [&str; 3] = ["epoll_pwait", "epoll_pwait2", "epoll_wait"];

/// System calls of a call, of both sides together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SystemCalls {
    pub(crate) sends: f64,
    pub(crate) receives: f64,
    pub(crate) waits: f64,
    /// Whatever else: locks, clocks, timers, memory.
    pub(crate) others: f64,
}

/// How often each system call was made.
type Tally = BTreeMap<String, u64>;

/// The system calls of a call.
pub(crate) fn trace(work: Work, directory: &Path) -> Result<SystemCalls, Error> {
    let once = tally(work, CALLS, directory)?;
    let mut more = tally(work, 2 * CALLS, directory)?;
    more.iter_mut().for_each(|(name, count)| *count = count.saturating_sub(once.get(name).copied().unwrap_or(0)));
    Ok(sort(&more))
}

/// All system calls of both sides.
fn tally(work: Work, calls: u64, directory: &Path) -> Result<Tally, Error> {
    let path = |side: Side| directory.join(format!("{}-{}.strace", work.name(), side.name()));
    pair::run(work, calls, |side| {
        let path = path(side).display().to_string();
        ["strace", "-f", "-c", "-o", &path].map(str::to_owned).to_vec()
    })?;
    let mut both = Tally::new();
    for side in Side::BOTH {
        add(&mut both, &fs::read_to_string(path(side))?);
    }
    Ok(both)
}

/// Adds the rows of strace's table: share, seconds, microseconds a call, calls, errors if any, name.
fn add(tally: &mut Tally, table: &str) {
    for row in table.lines() {
        let columns: Vec<&str> = row.split_whitespace().collect();
        if let [_share, _seconds, _each, calls, .., name] = columns[..]
            && let Ok(calls) = calls.parse::<u64>()
            && name != "total"
        {
            *tally.entry(name.to_owned()).or_default() += calls;
        }
    }
}

/// What each of so many calls needs.
fn sort(tally: &Tally) -> SystemCalls {
    let of =
        |names: &[&str]| tally.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, count)| count).sum();
    let (all, sends, receives, waits): (u64, u64, u64, u64) =
        (tally.values().sum(), of(&SEND), of(&RECEIVE), of(&WAIT));
    let each = |count: u64| count as f64 / CALLS as f64;
    SystemCalls {
        sends: each(sends),
        receives: each(receives),
        waits: each(waits),
        others: each(all - sends - receives - waits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row counts where it belongs, with errors and without; the sum of all does not.
    #[test]
    fn rows_are_sorted() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 51.00    0.012345          12      4096           writev
 40.00    0.012345          12      2048        10 recvfrom
  9.00    0.012345          12      1024         1 futex
------ ----------- ----------- --------- --------- ----------------
100.00    0.040000                  7168        11 total
";
        let mut tally = Tally::new();
        add(&mut tally, table);
        assert_eq!(sort(&tally), SystemCalls { sends: 2.0, receives: 1.0, waits: 0.0, others: 0.5 });
    }
}
