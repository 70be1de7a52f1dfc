//! The command line of `idl`: arguments and wiring.

mod call;
mod check;
mod close;
mod input;
mod json;
mod list;
mod proto;
mod reach;
mod reflection;
mod remote;
mod requests;

use crate::reach::Reach;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks at interfaces, and calls them: as `.proto` files, as Rust traits, whether a change of one breaks its callers.
///
/// A FILE is a `.proto`, or descriptors: a `FileDescriptorSet` as `protoc --descriptor_set_out` and `buf build` write it, or
/// the description that an exporter gives of itself.
#[derive(Parser)]
#[command(
    name = "idl",
    version,
    after_help = "\
Examples:
  idl proto descriptors.binpb                        the .proto files that are in it
  idl proto descriptors.binpb --out proto            the same, written under ./proto
  idl trait -I proto proto/library/v1/store.proto    the trait that `idl::compile` makes of it
  idl check old/store.proto proto/library/v1/store.proto
  idl check released.binpb current.binpb && echo fine
  idl list 127.0.0.1:5000                            what a running endpoint exports
  idl proto 127.0.0.1:5000 --out proto               the .proto files of what it exports
  idl call 127.0.0.1:5000 bank.v1.Bank/Pay '{\"amount\": 5}'
  idl completions bash > ~/.local/share/bash-completion/completions/idl

Exit status: 0 it is done, and `check` has found nothing that breaks callers; 1 `check` has, or the call of `call` has
failed; 2 it could not be done."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the .proto of what a file describes, or of what is exported at an address or under a name
    #[command(after_help = "Examples:
  idl proto descriptors.binpb
  idl proto descriptors.binpb --out proto            one file each, in folders as their names say
  idl proto 127.0.0.1:5000                           everything there, by gRPC reflection
  idl proto 127.0.0.1:5000 --interface bank.v1.Bank  one interface, natively
  idl proto a-m --nameserver 127.0.0.1:4100          what is registered as a-m")]
    Proto {
        /// Descriptors, or a .proto, which is then written anew in one format; host:port, unix:/path; or an exporter's name
        #[arg(value_name = "FILE|ADDR|NAME")]
        source: String,
        /// Only this interface
        #[arg(long, value_name = "NAME")]
        interface: Option<String>,
        /// Write files under this folder, in place of printing them
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        includes: Includes,
        #[command(flatten)]
        reach: Reach,
    },
    /// List what is exported at an address, the methods of an interface, or everything that the nameserver knows
    #[command(after_help = "Examples:
  idl list 127.0.0.1:5000                            interfaces and instances, by gRPC reflection
  idl list 127.0.0.1:5000 bank.v1.Bank               its methods
  idl list --nameserver 127.0.0.1:4100               what is registered: interfaces, instances, addresses")]
    List {
        /// host:port, unix:/path; or an exporter's name
        #[arg(value_name = "ADDR|NAME")]
        address: Option<String>,
        /// The interface, with its package where that is needed
        interface: Option<String>,
        #[command(flatten)]
        reach: Reach,
    },
    /// Call a method: JSON in, JSON out
    #[command(after_help = "Examples:
  idl call 127.0.0.1:5000 bank.v1.Bank/Pay '{\"amount\": 5}'
  idl call a-m Store/check_out '{\"customer\": \"7\", \"title\": \"dune\"}' --nameserver 127.0.0.1:4100
  idl call http://127.0.0.1:50051 Greeter/SayHello '{\"name\": \"you\"}' --metadata authorization=me
  idl call 127.0.0.1:5000 Bank/Paid --grpc --timeout 2s
  idl call 127.0.0.1:5000 bank.v1.Bank/PayAll '{\"amount\": 5} {\"amount\": 7}'   a stream of two requests
  idl call 127.0.0.1:5000 bank.v1.Bank/PayAll @requests.jsonl                  those in a file
  idl call 127.0.0.1:5000 bank.v1.Bank/Chat -                                  each as it is typed

JSON is as proto3 maps it: 64-bit numbers may be text, bytes are base64. The reply goes to stdout; those of a stream as they
come, one a line. Whether the call ran (Never, Completed, Unknown), its error and its time go to stderr. Ctrl-C cancels it.
Calls go by the native protocol where that is spoken, and run at most once; else by gRPC, which describes the method too.
Exit status: 0 there is a reply, 1 the call has failed, 2 it was not made, 130 it was cancelled.")]
    Call {
        /// host:port, unix:/path, http://host:port; or an exporter's name
        #[arg(value_name = "ADDR|NAME")]
        target: String,
        /// The interface, with its package where that is needed, and the method
        #[arg(value_name = "INTERFACE/METHOD")]
        method: String,
        /// The request as JSON, {} if it is not given; several of them for a method that takes a stream. @FILE and - read
        /// them from a file or from stdin, those of a stream as they come
        #[arg(value_name = "JSON")]
        request: Option<String>,
        /// A file that describes the interface, for gRPC servers without reflection
        #[arg(long, value_name = "FILE")]
        proto: Option<PathBuf>,
        #[command(flatten)]
        includes: Includes,
        #[command(flatten)]
        reach: Reach,
    },
    /// Write the trait for the services of a .proto, to be read
    #[command(after_help = "Example:
  idl trait -I proto proto/library/v1/store.proto

A build script makes the same, and the messages: idl::compile(&[\"proto/library/v1/store.proto\"], &[\"proto\"])")]
    Trait {
        /// The .proto files
        #[arg(required = true, value_name = "FILE.proto")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        includes: Includes,
    },
    /// Tell what changed between two versions of interfaces, and whether it breaks callers
    #[command(after_help = "Examples:
  idl check released.binpb current.binpb
  git show main:proto/store.proto > old.proto && idl check old.proto proto/store.proto

Breaking is what callers built with OLD cannot do with an exporter of NEW: a removed method, a field of another type or
number, a new field that must be set. An added method or an optional field is not.
Exit status: 0 nothing breaks, 1 something does, 2 a file cannot be read.")]
    Check {
        /// What callers were built with
        old: PathBuf,
        /// What exporters will have
        new: PathBuf,
        #[command(flatten)]
        includes: Includes,
    },
    /// Write a script that completes these commands in a shell
    #[command(after_help = "Examples:
  idl completions bash > ~/.local/share/bash-completion/completions/idl
  idl completions zsh > \"${fpath[1]}/_idl\"
  idl completions fish > ~/.config/fish/completions/idl.fish")]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Args)]
struct Includes {
    /// A folder that imports are relative to; may be given several times [default: the file's own]
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    include: Vec<PathBuf>,
}

/// What a command has to say, and its exit status.
struct Found {
    text: String,
    /// What goes to stderr.
    told: String,
    status: u8,
}

impl Found {
    fn fine(text: String) -> Found {
        Found { text, told: String::new(), status: 0 }
    }
}

fn main() -> ExitCode {
    let found = match run(Cli::parse().command) {
        Ok(found) => found,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            return ExitCode::from(2);
        }
    };
    let written = std::io::stdout().write_all(found.text.as_bytes());
    let _ = std::io::stderr().write_all(found.told.as_bytes());
    match written {
        Ok(()) => ExitCode::from(found.status),
        // Who reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(found.status),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: the output cannot be written: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<Found, String> {
    match command {
        Command::Proto { source, interface, out, includes, reach } => {
            let written = proto::proto(&source, interface.as_deref(), out.as_deref(), &includes.include, &reach);
            wait_for(written).map(Found::fine)
        }
        Command::List { address: Some(address), interface: Some(interface), reach } => {
            wait_for(list::methods(&address, &interface, &reach)).map(Found::fine)
        }
        Command::List { address, interface: _, reach } => {
            wait_for(list::list(address.as_deref(), &reach)).map(Found::fine)
        }
        Command::Call { target, method, request, proto, includes, reach } => {
            let called = call::call(&target, &method, request.as_deref(), proto.as_deref(), &includes.include, &reach);
            let called = wait_for(called)?;
            Ok(Found { text: String::new(), told: called.told, status: called.status })
        }
        Command::Trait { files, includes } => input::traits(&files, &includes.include).map(Found::fine),
        Command::Check { old, new, includes } => {
            let report = check::check(&old, &new, &includes.include)?;
            Ok(Found { text: report.text, told: String::new(), status: u8::from(report.is_breaking) })
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "idl", &mut script);
            Ok(Found::fine(String::from_utf8_lossy(&script).into_owned()))
        }
    }
}

/// Runs what goes over a network to its end.
fn wait_for<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the system gives no sockets or timers: {error}"))?.block_on(future)
}
