//! `verify/run seeds`: runs the simulation for many seeds, or replays one.

#[cfg(verify)]
mod report;
#[cfg(verify)]
mod runner;

#[cfg(verify)]
fn main() -> std::process::ExitCode {
    runner::main()
}

/// Without the compiler flag there is no simulated network.
#[cfg(not(verify))]
fn main() {}
