//! The rules of the protocol, as state machines: input in, outputs out. Nothing here reads a clock, draws a random
//! value, does I/O or names an executor; time and identity come in as values. The same code runs in production,
//! in simulation and under a model checker.

pub mod activity;
pub mod backoff;
pub mod budget;
pub mod caller;
pub mod control;
pub mod frame;
pub mod id;
pub mod lease;
pub mod room;
pub mod session;
pub mod table;
#[cfg(test)]
mod testing;
pub mod time;
