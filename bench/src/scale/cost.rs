//! What was measured, and of what.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::contender::Error;

/// The contender that stands for bare sockets.
pub(super) const RAW: &str = "raw tokio";

/// Whose calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Who {
    /// This framework's.
    Ours,
    /// Bare sockets'.
    Raw,
}

/// What is there while calls are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Level {
    pub(super) who: Who,
    /// Open sessions, each with a connection of its own.
    pub(super) sessions: usize,
    /// What the exporter exports; sessions take them in turn.
    pub(super) exports: usize,
}

/// How calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Way {
    /// All on one session, one after another.
    OneSession,
    /// All on one session, many in flight.
    OneSessionDeep,
    /// On each session in turn, one after another.
    InTurn,
    /// Not at all.
    Idle,
}

/// CPU time in microseconds: for each call, or of each second where there are none.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) way: Way,
    pub(super) server: f64,
    pub(super) client: f64,
}

/// Every cost that was measured, by level and way; each a list with one for each round.
#[derive(Default)]
pub(super) struct Measured(BTreeMap<(Level, Way), Vec<Cost>>);

impl Measured {
    /// Adds those of one round.
    pub(super) fn add(&mut self, level: Level, costs: Vec<Cost>) {
        for cost in costs {
            self.0.entry((level, cost.way)).or_default().push(cost);
        }
    }

    /// The median of a cost.
    pub(super) fn cost(&self, level: Level, way: Way, of: fn(&Cost) -> f64) -> Option<f64> {
        median(self.0.get(&(level, way))?.iter().map(of))
    }

    /// The median over the rounds of a cost's ratio to that of level `one`.
    pub(super) fn ratio(&self, level: Level, one: Level, way: Way, of: fn(&Cost) -> f64) -> Option<f64> {
        let (costs, ones) = (self.0.get(&(level, way))?, self.0.get(&(one, way))?);
        median(costs.iter().zip(ones).map(|(cost, one)| of(cost) / of(one)))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// How much of a CPU the server takes while nothing is called.
pub(super) fn percent(costs: &[Cost]) -> String {
    costs.first().map_or_else(String::new, |cost| format!("{:.2} % of one", cost.server / 1e4))
}

/// Microseconds of CPU time that the threads of a process have taken, as exactly as the scheduler knows. For a process
/// whose threads do not end.
pub(super) fn cpu_micros(pid: u32) -> Result<f64, Error> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += stat.split_whitespace().next().ok_or("no CPU time")?.parse::<u64>()?;
    }
    Ok(nanos as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratios are made within a round, so that a machine that slows down between rounds changes none.
    #[test]
    fn ratios_are_of_one_round() {
        let level = |sessions| Level { who: Who::Ours, sessions, exports: 1 };
        let cost = |server| vec![Cost { way: Way::OneSession, server, client: 1.0 }];
        let mut measured = Measured::default();
        for slow in [1.0, 2.0, 5.0] {
            measured.add(level(1), cost(4.0 * slow));
            measured.add(level(10), cost(5.0 * slow));
        }
        let ratio = measured.ratio(level(10), level(1), Way::OneSession, |cost| cost.server);
        assert_eq!(ratio, Some(1.25));
        assert_eq!(measured.cost(level(10), Way::OneSession, |cost| cost.server), Some(10.0));
        assert_eq!(measured.cost(level(10), Way::InTurn, |cost| cost.server), None);
    }
}
