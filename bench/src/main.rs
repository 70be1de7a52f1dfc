//! Speed: this framework beside others and beside the socket's own limit, and the counts that noise cannot touch.

mod build_time;
mod contender;
mod contenders;
mod counts;
mod goal;
mod load;
mod nameserver;
mod process;
mod report;
mod run;
mod scale;
mod serve;

use clap::{Parser, Subcommand};

use crate::contender::Error;

/// Measures this framework beside others and beside the socket's own limit.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures every contender, and writes the table and the plots.
    Run(run::Args),
    /// Counts allocations, instructions and system calls of a call, and fails if they are more than they may be.
    Counts(counts::Args),
    /// Measures the nameserver: lookups, durable registrations, watchers, restart.
    Nameserver(nameserver::Args),
    /// Measures what a call costs among many sessions and many exports.
    Scale(scale::Args),
    /// Measures how long a user waits for the compiler.
    BuildTime(build_time::Args),
    /// Be the server whose work is counted: the process starts itself so.
    #[command(hide = true)]
    CountsServer(counts::peer::ServerArgs),
    /// Be the client whose work is counted: the process starts itself so.
    #[command(hide = true)]
    CountsClient(counts::peer::ClientArgs),
    /// Be a contender's server: the process starts itself so.
    #[command(hide = true)]
    Server(serve::Args),
    /// Be a contender's client: the process starts itself so.
    #[command(hide = true)]
    Client(load::Args),
}

fn main() -> Result<(), Error> {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Nameserver(args) => nameserver::run(&args),
        Command::Scale(args) => scale::run(&args),
        Command::Counts(args) => counts::run(&args),
        Command::BuildTime(args) => build_time::run(&args),
        Command::CountsServer(args) => counts::peer::serve(&args),
        Command::CountsClient(args) => counts::peer::call(&args),
        Command::Server(args) => serve::run(&args),
        Command::Client(args) => load::run(&args),
    }
}
