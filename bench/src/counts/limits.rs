//! What the counts may be at most: the one table to edit.

use super::pair::Side;
use super::peer::{Load, Method};
use super::strace::SystemCalls;

/// Allocations by the framework are none. So many of a hundred calls may make one all the same: pings and acks come by the
/// second and not by the call, and what is counted is slowed down twentyfold.
pub(crate) const ALLOCATIONS_MAX: f64 = 0.01;

/// What a call of a method may cost.
pub(crate) struct Limits {
    pub(crate) method: Method,
    pub(crate) load: Load,
    /// Of the client, and of the server: 7 % above what was counted.
    pub(crate) instructions_max: [f64; 2],
}

/// Instructions of each call in user space.
pub(crate) const PROFILED: [Limits; 8] = [
    Limits { method: Method::Ping, load: Load::Sequential, instructions_max: [6_480.0, 6_280.0] },
    Limits { method: Method::PingIdempotent, load: Load::Sequential, instructions_max: [6_480.0, 6_280.0] },
    Limits { method: Method::Echo, load: Load::Sequential, instructions_max: [7_930.0, 7_360.0] },
    Limits { method: Method::EchoIdempotent, load: Load::Sequential, instructions_max: [7_930.0, 7_360.0] },
    Limits { method: Method::Ping, load: Load::Pipe, instructions_max: [2_740.0, 2_370.0] },
    Limits { method: Method::PingIdempotent, load: Load::Pipe, instructions_max: [2_740.0, 2_370.0] },
    Limits { method: Method::Echo, load: Load::Pipe, instructions_max: [4_200.0, 3_440.0] },
    Limits { method: Method::EchoIdempotent, load: Load::Pipe, instructions_max: [4_200.0, 3_440.0] },
];

/// System calls of a call that is alone, both sides together. The hundredths are for timers and pings.
pub(crate) const SYSTEM_CALLS_MAX: SystemCalls = SystemCalls { sends: 2.02, receives: 2.02, waits: 2.1, others: 0.02 };

impl Method {
    /// What the signature itself owns, so that no framework could spare it.
    pub(crate) const fn own_allocations(self, side: Side) -> f64 {
        match (self, side) {
            (Method::Ping | Method::PingIdempotent, _) => 0.0,
            // The argument's key, and the reply's key and value.
            (Method::Echo | Method::EchoIdempotent, Side::Client) => 3.0,
            // The argument's key. Its value is a slice of the frame, as a handler seldom outlives the read buffer.
            (Method::Echo | Method::EchoIdempotent, Side::Server) => 1.0,
        }
    }
}
