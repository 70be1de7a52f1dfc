//! Instructions and allocations of a call, by valgrind's callgrind, which sees every instruction and every call of every
//! function. What allocates is the system's `malloc` and its like.

use std::fs;
use std::path::{Path, PathBuf};

use super::pair::{self, Side, Work};
use super::peer::Load;
use crate::contender::Error;

/// The functions of the C library that allocate.
const ALLOCATE: [&str; 7] =
    ["malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign", "reallocarray"];

/// What a call costs one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Profile {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
}

/// The client's and the server's cost of a call. Leaves `METHOD-LOAD-SIDE.callgrind` behind in `directory`.
pub(crate) fn profile(work: Work, directory: &Path) -> Result<[Profile; 2], Error> {
    let calls = calls(work.load);
    let path = |side: Side| directory.join(format!("{}-{}.callgrind", work.name(), side.name()));
    pair::run(work, calls, |side| command(&path(side)))?;
    let read = |side| -> Result<Profile, Error> {
        let path = path(side);
        let dumped = part(&path, 1);
        let counted =
            parse(&fs::read_to_string(&dumped)?).ok_or_else(|| format!("{} is no profile", path.display()))?;
        if counted.allocations < work.method.own_allocations(side) * calls as f64 {
            return Err("callgrind does not see `malloc`: are the symbols of the C library gone?".into());
        }
        fs::rename(&dumped, &path)?;
        Ok(Profile {
            instructions: counted.instructions / calls as f64,
            allocations: counted.allocations / calls as f64,
        })
    };
    Ok([read(Side::Client)?, read(Side::Server)?])
}

/// So many that one allocation by each of 128 callers, when all of them rest and begin again, is none in each call.
fn calls(load: Load) -> u64 {
    match load {
        Load::Sequential => 8 * 1024,
        Load::Pipe => 48 * 1024,
    }
}

fn command(path: &Path) -> Vec<String> {
    vec![
        "valgrind".to_owned(),
        "--quiet".to_owned(),
        "--tool=callgrind".to_owned(),
        "--zero-before=*counting_begins*".to_owned(),
        "--dump-before=*counting_ends*".to_owned(),
        // Every name in full, so that the file is easy to read.
        "--compress-strings=no".to_owned(),
        format!("--callgrind-out-file={}", path.display()),
    ]
}

/// Where callgrind writes its counts when it is told to for the first, second, … time.
fn part(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The counts of a whole file.
fn parse(file: &str) -> Option<Profile> {
    let allocates = |function: &str| ALLOCATE.contains(&function);
    let (mut caller, mut callee) = ("", "");
    let (mut instructions, mut allocations) = (None, 0);
    for line in file.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            caller = function;
        } else if let Some(function) = line.strip_prefix("cfn=") {
            callee = function;
        } else if let Some(call) = line.strip_prefix("calls=") {
            let count: u64 = call.split(' ').next()?.parse().ok()?;
            // One that calls another one allocates once.
            if allocates(callee) && !allocates(caller) {
                allocations += count;
            }
        } else if let Some(summary) = line.strip_prefix("summary:") {
            instructions = Some(summary.trim().parse().ok()?);
        }
    }
    Some(Profile { instructions: instructions?, allocations: allocations as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls of allocating functions are added up, but for those among themselves.
    #[test]
    fn allocations_are_calls_from_outside() {
        let file = "\
events: Ir
summary: 4200

fn=__rustc::__rdl_alloc
12 30
cob=/usr/lib/libc.so.6
cfn=malloc
calls=7 0
12 700
cfn=posix_memalign
calls=2 0
12 100

fn=posix_memalign
0 10
cfn=malloc
calls=2 0
0 50

fn=main
0 10
cfn=malloc_trim
calls=5 0
0 50
";
        assert_eq!(parse(file), Some(Profile { instructions: 4200.0, allocations: 9.0 }));
        assert_eq!(parse("events: Ir"), None);
    }
}
