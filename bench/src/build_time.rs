//! How long a user waits for the compiler: a hello-world crate from clean, and what an interface of ten methods adds to a debug
//! build; of this framework, and of tonic with its build script.
//!
//! The crates are in `bench/build-time/`; they are copied to a directory of their own, with this workspace's versions of
//! dependencies, which are fetched before anything is timed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::contender::Error;
use crate::goal::Goals;

/// What `bench build-time` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each build is timed; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Leaves out the builds from clean
    #[arg(long)]
    without_clean: bool,
}

/// Where this package is.
const BENCH: &str = env!("CARGO_MANIFEST_DIR");
/// A dependency in the crates as they are here: a copy needs the whole path.
const RPC_RUNTIME: &str = "../../../rpc-runtime";
/// The short builds are timed so many times as often.
const TIMES_MORE: usize = 3;

/// A crate with an interface, and the features that it is built with: by this framework, by it with gRPC, and by tonic.
const HELLO: [(&str, &str); 3] = [("ours-hello", ""), ("ours-hello", "grpc"), ("tonic-hello", "")];
/// A crate with ten methods, and the same methods without an interface around them.
const TEN: [[&str; 2]; 2] = [["ours-plain", "ours-ten"], ["tonic-plain", "tonic-ten"]];

/// Builds, and prints how long it took.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let protoc = std::env::var_os("PROTOC").unwrap_or_else(|| "protoc".into());
    if !Command::new(protoc).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return Err("tonic's build script needs `protoc`: apt-get install protobuf-compiler".into());
    }
    let mut goals = Goals::new();
    if !args.without_clean {
        hello(args.rounds, &mut goals)?;
    }
    ten(args.rounds * TIMES_MORE, &mut goals)?;
    goals.print()
}

/// All hello worlds from clean, dependencies included.
fn hello(rounds: usize, goals: &mut Goals) -> Result<(), Error> {
    let crates = HELLO.map(|(name, _)| Crate::copy(name)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut times = [const { Vec::new() }; HELLO.len()];
    for _ in 0..rounds {
        for ((built, (_, features)), times) in crates.iter().zip(HELLO).zip(&mut times) {
            let target = tempfile::tempdir()?;
            times.push(built.build_all(features, target.path())?);
        }
    }
    let [ours, grpc, tonic] = times.map(median);
    goals.note("hello world from clean, ours", seconds(ours));
    goals.note("hello world from clean, ours with gRPC", seconds(grpc));
    goals.note("hello world from clean, tonic", seconds(tonic));
    let (share, grpc_share) = (ours / tonic, grpc / tonic);
    goals.check("ours as a share of tonic's", format!("{share:.2}"), "≤ 0.50", share <= 0.5);
    goals.check("ours with gRPC as a share of tonic's", format!("{grpc_share:.2}"), "≤ 1.15", grpc_share <= 1.15);
    Ok(())
}

/// Ten methods with and without an interface around them, dependencies being there.
fn ten(rounds: usize, goals: &mut Goals) -> Result<(), Error> {
    let mut families = Vec::new();
    for names in TEN {
        let (target, crates) = (tempfile::tempdir()?, [Crate::copy(names[0])?, Crate::copy(names[1])?]);
        for built in &crates {
            built.build(target.path())?;
        }
        families.push((target, crates, [const { Vec::new() }; 2]));
    }
    for _ in 0..rounds {
        for (target, crates, times) in &mut families {
            for (built, times) in crates.iter().zip(times) {
                built.forget(target.path())?;
                times.push(built.build(target.path())?);
            }
        }
    }
    for (name, (_, _, times)) in ["ours", "tonic"].into_iter().zip(families) {
        let [plain, ten] = times.map(median);
        goals.note(&format!("a crate without an interface, {name}"), seconds(plain));
        goals.note(&format!("the same with ten methods, {name}"), seconds(ten));
        let (what, added) = (format!("ten methods add, {name}"), ten - plain);
        match name {
            "ours" => goals.check(&what, seconds(added), "≤ 0.20 s", added <= 0.2),
            _ => goals.note(&what, seconds(added)),
        }
    }
    Ok(())
}

/// A crate that can be built without a network.
struct Crate {
    name: &'static str,
    directory: TempDir,
}

impl Crate {
    fn copy(name: &'static str) -> Result<Crate, Error> {
        let bench = Path::new(BENCH);
        let directory = tempfile::tempdir()?;
        copy(&bench.join("build-time").join(name), directory.path())?;
        let manifest = directory.path().join("Cargo.toml");
        let runtime = bench.join("../rpc-runtime").canonicalize()?;
        let text = fs::read_to_string(&manifest)?.replace(RPC_RUNTIME, &runtime.display().to_string());
        fs::write(&manifest, text)?;
        fs::copy(bench.join("../Cargo.lock"), directory.path().join("Cargo.lock"))?;
        let copied = Crate { name, directory };
        run_quietly(copied.cargo("fetch"))?;
        Ok(copied)
    }

    /// Builds it, and says how long that took.
    fn build(&self, target: &Path) -> Result<Duration, Error> {
        timed(self.cargo("build"), target)
    }

    /// The same with these features and all that it depends on. A user has that from a registry, so it is not built incrementally, as cargo would
    /// build what is at a path.
    fn build_all(&self, features: &str, target: &Path) -> Result<Duration, Error> {
        let mut command = self.cargo("build");
        command.args(["--features", features]).env("CARGO_INCREMENTAL", "0");
        timed(command, target)
    }

    /// Throws away what was built of it, and nothing of what it depends on.
    fn forget(&self, target: &Path) -> Result<(), Error> {
        let mut command = self.cargo("clean");
        command.args(["--offline", "--package", self.name, "--target-dir"]).arg(target);
        run_quietly(command)
    }

    /// A user's `cargo`: nothing of this process's own build is in its environment.
    fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new("cargo");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO") && text != "CARGO_HOME" || text.starts_with("RUSTC") || text == "RUSTFLAGS" {
                cargo.env_remove(&name);
            }
        }
        cargo.arg(command).current_dir(self.directory.path());
        cargo
    }
}

/// Runs a build, and says how long it took.
fn timed(mut build: Command, target: &Path) -> Result<Duration, Error> {
    build.arg("--offline").arg("--target-dir").arg(target);
    let start = Instant::now();
    run_quietly(build)?;
    Ok(start.elapsed())
}

/// Runs a command that speaks of mistakes alone.
fn run_quietly(mut command: Command) -> Result<(), Error> {
    let status = command.arg("--quiet").stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

/// Copies a directory with all that is in it, but for what a build has left.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), target)?;
        } else if entry.file_name() != "target" {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// The middle one, in seconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}
