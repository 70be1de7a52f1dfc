//! The command line of the store application: arguments and wiring.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use store_app::report::{Event, Reporter, Reporting};
use store_app::{customer, lifetime, manager, run, store, supplier};
use tracing_subscriber::EnvFilter;

/// The store application: a nameserver, stores, client managers, customers and suppliers, each a program of its own.
///
/// Without a command it runs them all, as `store-app run` does. Logs go to standard error as RUST_LOG says.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Options),
    Nameserver(NameserverOptions),
    Store(store::Options),
    ClientManager(manager::Options),
    Customer(customer::Options),
    Supplier(supplier::Options),
}

/// Runs a nameserver: knows which store covers which part of the name space.
#[derive(Debug, Args)]
struct NameserverOptions {
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4100")]
    listen: String,
    /// The directory with its registrations; made if it is missing.
    #[arg(long, value_name = "DIR", default_value = "nameserver-data")]
    data: std::path::PathBuf,
    #[command(flatten)]
    reporting: Reporting,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match start(cli.command.unwrap_or(Command::Run(cli.run))) {
        Ok(code) => code,
        Err(error) => {
            // Whether anybody reads it is not our business.
            let _ = writeln!(std::io::stderr(), "store-app: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Run(options) => return runtime.block_on(run::play(options)),
        Command::Nameserver(options) => runtime.block_on(nameserver(options))?,
        Command::Store(options) => runtime.block_on(store::serve(options))?,
        Command::ClientManager(options) => runtime.block_on(manager::serve(options))?,
        Command::Customer(options) => {
            runtime.block_on(until_ended(move || customer::visit(&options).map(drop)))??;
        }
        Command::Supplier(options) => {
            runtime.block_on(until_ended(move || supplier::deliver(&options).map(drop)))??;
        }
    }
    // A blocking thread may still wait for a mailbox; the end of the process ends it.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

async fn nameserver(options: NameserverOptions) -> Result<(), Box<dyn std::error::Error>> {
    let reporter = Reporter::new(options.reporting, "nameserver");
    let running = nameserver::start(nameserver::Options { listen: options.listen, data: options.data }).await?;
    reporter.tell(&Event::Ready { endpoints: running.endpoints() });
    // Ends when it is asked to, or when its disk has failed.
    tokio::select! {
        result = lifetime::ended() => result?,
        () = running.ended() => {}
    }
    Ok(running.stop().await?)
}

/// Runs a program that blocks until it is done, or until it should end.
async fn until_ended<E: Send + 'static>(
    program: impl FnOnce() -> Result<(), E> + Send + 'static,
) -> std::io::Result<Result<(), E>> {
    // Whichever comes first; the program itself is not waited for when it should end.
    tokio::select! {
        result = tokio::task::spawn_blocking(program) => result.map_err(std::io::Error::other),
        result = lifetime::ended() => result.map(Ok),
    }
}
