//! What is measured: how many connections, how many calls at a time, how large.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One way to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Workload {
    /// One call at a time.
    Lat,
    /// The same, both processes on one CPU: no wake-up crosses cores.
    #[value(name = "lat-1cpu")]
    #[serde(rename = "lat-1cpu")]
    LatOneCpu,
    /// One connection, 128 calls in flight.
    Pipe,
    /// 32 connections, 8 calls in flight on each.
    Conns,
    /// One connection, 4 calls in flight with 1 MiB each way.
    Big,
    /// 2,000 connections, of which each has made one call.
    Idle,
}

impl Workload {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: &'static [Workload] =
        &[Workload::Lat, Workload::LatOneCpu, Workload::Pipe, Workload::Conns, Workload::Big, Workload::Idle];
    /// What is measured over Unix sockets.
    pub(crate) const UNIX: &'static [Workload] = &[Workload::LatOneCpu, Workload::Pipe];

    /// Connections.
    pub(crate) fn connections(self) -> usize {
        match self {
            Workload::Lat | Workload::LatOneCpu | Workload::Pipe | Workload::Big => 1,
            Workload::Conns => 32,
            Workload::Idle => 2000,
        }
    }

    /// Calls in flight on each connection.
    pub(crate) fn in_flight(self) -> usize {
        match self {
            Workload::Lat | Workload::LatOneCpu | Workload::Idle => 1,
            Workload::Pipe => 128,
            Workload::Conns => 8,
            Workload::Big => 4,
        }
    }

    /// Bytes of the value.
    pub(crate) fn value_bytes(self) -> usize {
        match self {
            Workload::Big => 1 << 20,
            Workload::Lat | Workload::LatOneCpu | Workload::Pipe | Workload::Conns | Workload::Idle => 64,
        }
    }

    /// Whether each call is timed by itself.
    pub(crate) fn is_sequential(self) -> bool {
        matches!(self, Workload::Lat | Workload::LatOneCpu)
    }

    /// Whether both processes have one CPU.
    pub(crate) fn is_pinned(self) -> bool {
        self == Workload::LatOneCpu
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Workload::Lat => "lat",
            Workload::LatOneCpu => "lat-1cpu",
            Workload::Pipe => "pipe",
            Workload::Conns => "conns",
            Workload::Big => "big",
            Workload::Idle => "idle",
        })
    }
}
