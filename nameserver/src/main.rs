//! The nameserver's command line: arguments and wiring.

use std::collections::BTreeMap;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use nameserver::command::{self, CommandError, Remote};
use nameserver::{Options, ServeError, present};
use rpc_runtime::directory::nameserver::{Interest, NAMESERVER_ADDRESS};
use rpc_runtime::directory::{Entry, RegisterMode, Registration};
use rpc_runtime::{Incarnation, Selector};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

/// Finds exporters by name: runs a nameserver, or asks one that runs.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  nameserver serve                                       run one on 127.0.0.1:4100, with its data in ./nameserver-data
  nameserver serve --listen 0.0.0.0:4100 --data /var/lib/nameserver
  nameserver list                                        everything that is registered
  nameserver lookup library.v1.Store a-m                 one instance
  nameserver lookup library.v1.Store --group east --json
  nameserver watch                                       every change, as it comes
  nameserver unregister library.v1.Store a-m             take a dead exporter out before its lease ends

RUST_LOG=nameserver=debug shows more of what `serve` does."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a nameserver until Ctrl-C or SIGTERM
    Serve {
        /// Address to listen on: host:port or unix:/path; port 0 lets the system choose
        #[arg(long, value_name = "ADDR", default_value = NAMESERVER_ADDRESS)]
        listen: String,
        /// Directory of the registry's store; made if there is none
        #[arg(long, value_name = "DIR", default_value = "./nameserver-data")]
        data: PathBuf,
    },
    /// List what is registered
    List {
        /// Only this interface, by its full name: library.v1.Store
        interface: Option<String>,
        #[command(flatten)]
        remote: RemoteArgs,
    },
    /// Look up the exporters of an interface, as an importer would
    Lookup {
        /// The interface's full name: library.v1.Store
        interface: String,
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        remote: RemoteArgs,
    },
    /// Register an exporter that does not do so itself, for as long as this command runs
    Register(RegisterArgs),
    /// End a registration
    Unregister {
        /// The interface's full name: library.v1.Store
        interface: String,
        /// The instance's name
        instance: String,
        /// Only if the registration has this number
        #[arg(long, value_name = "NUMBER")]
        epoch: Option<u64>,
        #[command(flatten)]
        remote: RemoteArgs,
    },
    /// Show what is registered, and then every change as it comes
    Watch {
        /// Only this interface, by its full name: library.v1.Store
        interface: Option<String>,
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        remote: RemoteArgs,
    },
}

#[derive(Args)]
struct RemoteArgs {
    /// Address of the nameserver
    #[arg(long, value_name = "ADDR", env = "NAMESERVER", default_value = NAMESERVER_ADDRESS)]
    nameserver: String,
    /// Print JSON instead of text for people
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Selection {
    /// Only the instance of this name
    instance: Option<String>,
    /// Only instances with this label
    #[arg(long, value_name = "KEY=VALUE", value_parser = label, conflicts_with = "instance")]
    label: Option<(String, String)>,
    /// Only members of this group
    #[arg(long, conflicts_with_all = ["instance", "label"])]
    group: Option<String>,
}

impl Selection {
    fn selector(self) -> Selector {
        match (self.instance, self.label, self.group) {
            (Some(instance), ..) => Selector::Instance(instance),
            (_, Some((key, value)), _) => Selector::Label { key, value },
            (.., Some(group)) => Selector::Group(group),
            _ => Selector::Any,
        }
    }
}

#[derive(Args)]
struct RegisterArgs {
    /// The interface's full name: library.v1.Store
    interface: String,
    /// The instance's name, or the beginning of it with --auto
    instance: String,
    /// Where to reach it: tcp://10.0.0.7:4711; may be given several times
    #[arg(long = "endpoint", value_name = "ENDPOINT", required = true)]
    endpoints: Vec<String>,
    /// A label; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// A group that it belongs to; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Take the name from its holder, if that has the same owner
    #[arg(long, conflicts_with = "auto")]
    takeover: bool,
    /// Let the nameserver complete the name so that it is free
    #[arg(long)]
    auto: bool,
    /// On whose behalf
    #[arg(long, default_value = "")]
    owner: String,
    /// How long the registration lives without this command: 15s, 500ms, 2m
    #[arg(long, value_parser = humantime::parse_duration, default_value = "15s")]
    ttl: Duration,
    /// The exporter's incarnation, which callers over the native protocol check; a new one if not given
    #[arg(long, value_name = "UUID")]
    incarnation: Option<Uuid>,
    /// Address of the nameserver
    #[arg(long, value_name = "ADDR", env = "NAMESERVER", default_value = NAMESERVER_ADDRESS)]
    nameserver: String,
}

impl RegisterArgs {
    fn registration(self) -> Registration {
        let incarnation = Incarnation::new(self.incarnation.unwrap_or_else(Uuid::new_v4));
        let mut registration = Registration::new(self.interface, self.instance, incarnation);
        registration.endpoints = self.endpoints;
        registration.labels = BTreeMap::from_iter(self.labels);
        registration.groups = self.groups;
        registration.owner = self.owner;
        registration.ttl = self.ttl;
        registration.mode = match (self.takeover, self.auto) {
            (true, _) => RegisterMode::Takeover,
            (_, true) => RegisterMode::AutoNamed,
            _ => RegisterMode::Exclusive,
        };
        registration
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = if matches!(cli.command, Command::Serve { .. }) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(colours).with_target(false).init();
    match run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        // `nameserver watch | head`: whoever read has had enough.
        Err(Failure::Output(error) | Failure::Command(CommandError::System(error)))
            if error.kind() == ErrorKind::BrokenPipe =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    match command {
        Command::Serve { listen, data } => {
            let running = nameserver::start(Options { listen, data }).await?;
            writeln!(out, "listening at {}", running.endpoints().join(" "))?;
            out.flush()?;
            running.run().await?;
        }
        Command::List { interface, remote } => {
            let entries = Remote::connect(&remote.nameserver).await?.list(interface).await?;
            print(&mut out, remote.json, entries.iter().map(|entry| &**entry))?;
        }
        Command::Lookup { interface, selection, remote } => {
            let selector = selection.selector();
            let wanted = format!("{interface}, {selector}");
            let entries = Remote::connect(&remote.nameserver).await?.lookup(interface, selector).await?;
            print(&mut out, remote.json, entries.iter().map(|entry| &**entry))?;
            if entries.is_empty() {
                return Err(CommandError::NotFound { name: wanted }.into());
            }
        }
        Command::Register(args) => {
            let address = args.nameserver.clone();
            command::register(&address, args.registration(), &mut out).await?;
        }
        Command::Unregister { interface, instance, epoch, remote } => {
            let name = format!("{interface}/{instance}");
            let epoch = Remote::connect(&remote.nameserver).await?.unregister(interface, instance, epoch).await?;
            if remote.json {
                writeln!(out, "{}", serde_json::json!({ "unregistered": name, "epoch": epoch }))?;
            } else {
                writeln!(out, "registration {epoch} of {name} is ended")?;
            }
        }
        Command::Watch { interface, selection, remote } => {
            let interest = Interest { interface, selector: selection.selector() };
            Remote::connect(&remote.nameserver).await?.watch(interest, remote.json, &mut out).await?;
        }
    }
    Ok(())
}

fn print<'a>(out: &mut impl Write, is_json: bool, entries: impl Iterator<Item = &'a Entry>) -> std::io::Result<()> {
    if is_json {
        let entries: Vec<_> = entries.map(present::entry).collect();
        writeln!(out, "{:#}", serde_json::Value::Array(entries))
    } else {
        writeln!(out, "{}", present::table(entries))
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write a label as KEY=VALUE, zone=b")?;
    Ok((key.to_owned(), value.to_owned()))
}
