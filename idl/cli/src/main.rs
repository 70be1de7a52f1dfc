//! The command line of `idl`: arguments and wiring.

mod check;
mod input;
mod proto;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks at interfaces: as `.proto` files, as Rust traits, and whether a change of one breaks its callers.
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
  idl completions bash > ~/.local/share/bash-completion/completions/idl

Exit status: 0 it is done, and `check` has found nothing that breaks callers; 1 `check` has; 2 it could not be done."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the .proto of what a file describes
    #[command(after_help = "Examples:
  idl proto descriptors.binpb
  idl proto descriptors.binpb --out proto            one file each, in folders as their names say")]
    Proto {
        /// Descriptors, or a .proto, which is then written anew in one format
        file: PathBuf,
        /// Write files under this folder, in place of printing them
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        includes: Includes,
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

/// What a command has found.
enum Found {
    Fine(String),
    Breaking(String),
}

fn main() -> ExitCode {
    let found = match run(Cli::parse().command) {
        Ok(found) => found,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            return ExitCode::from(2);
        }
    };
    let (text, status) = match found {
        Found::Fine(text) => (text, ExitCode::SUCCESS),
        Found::Breaking(text) => (text, ExitCode::from(1)),
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => status,
        // Who reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => status,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: the output cannot be written: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<Found, String> {
    match command {
        Command::Proto { file, out, includes } => {
            proto::proto(&file, out.as_deref(), &includes.include).map(Found::Fine)
        }
        Command::Trait { files, includes } => input::traits(&files, &includes.include).map(Found::Fine),
        Command::Check { old, new, includes } => {
            let report = check::check(&old, &new, &includes.include)?;
            Ok(if report.is_breaking { Found::Breaking(report.text) } else { Found::Fine(report.text) })
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "idl", &mut script);
            Ok(Found::Fine(String::from_utf8_lossy(&script).into_owned()))
        }
    }
}
