//! The rendezvous: a directory in which an office lays out empty mailboxes and local processes take them.
//!
//! A mailbox is laid out under another name and renamed, so nobody sees a half-made one. A claimant that wins it unlinks it at once:
//! from then on no other process can reach it, and whatever happens to the two, no file is left behind. Only empty mailboxes can be
//! left over by an office that was killed; the next one removes them.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::layout::{Identity, Layout};
use crate::mailbox::{self, Receiver, Sender};
use crate::process::{Process, State};
use crate::region::Region;
use crate::sync::Arc;

/// How the files of empty mailboxes begin.
const PREFIX: &str = "empty-";

/// How long a claimant sleeps before it looks into the directory again.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The directory for shared memory of this user: below `/dev/shm` where there is one, otherwise below the temporary directory (where
/// a mailbox works as well but may be written to disk now and then).
pub fn shared_memory_dir() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    base.join(format!("mailbox-{}", rustix::process::getuid().as_raw()))
}

/// The serving side of a rendezvous directory. Dropping it removes the mailboxes that nobody has taken.
#[derive(Debug)]
pub struct Office {
    dir: PathBuf,
    layout: Layout,
    me: Process,
    /// Number of the next mailbox, for its name.
    next: u64,
}

impl Office {
    /// Serves `dir`, which is made if it is missing. Fails if another living process serves it, or if other users could write to it.
    pub fn open(dir: impl Into<PathBuf>, layout: Layout) -> Result<Self, Error> {
        let dir = dir.into();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        private(&dir)?;
        for path in empty(&dir)? {
            if let Some(office) = served_by(&path, layout)? {
                return Err(Error::Occupied { process: office.pid() });
            }
            remove(&path)?;
        }
        Ok(Self { dir, layout, me: Process::current(), next: 0 })
    }

    /// Lays out one more empty mailbox and gives its serving side.
    pub fn place(&mut self) -> Result<(Receiver, Sender), Error> {
        let name = format!("{}-{}", self.me.pid(), self.next);
        self.next += 1;
        let hidden = self.dir.join(format!(".new-{name}"));
        // Left over by an earlier process of this id that died between two lines.
        remove(&hidden)?;
        let region = Arc::new(Region::create(&hidden, self.layout.words())?);
        mailbox::prepare(&region, self.layout, self.me);
        fs::rename(&hidden, self.dir.join(format!("{PREFIX}{name}")))?;
        Ok(mailbox::open_side(region, self.layout, Identity::OFFICE, Identity::CLAIMANT))
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let mine = format!("{PREFIX}{}-", self.me.pid());
        for path in empty(&self.dir).unwrap_or_default() {
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&mine)) {
                let _ = fs::remove_file(path);
            }
        }
        // Goes only if it is empty; another office may have moved in.
        let _ = fs::remove_dir(&self.dir);
    }
}

/// Takes an empty mailbox from `dir`, waiting for one until `limit` has passed ([`Error::NoMailbox`]).
pub fn claim(dir: impl AsRef<Path>, layout: Layout, limit: Duration) -> Result<(Sender, Receiver), Error> {
    let (dir, started) = (dir.as_ref(), Instant::now());
    loop {
        match claim_now(dir, layout) {
            Err(Error::NoMailbox) if started.elapsed() < limit => std::thread::sleep(LOOK_EVERY),
            other => return other,
        }
    }
}

fn claim_now(dir: &Path, layout: Layout) -> Result<(Sender, Receiver), Error> {
    let paths = empty(dir)?;
    if !paths.is_empty() {
        private(dir)?;
    }
    for path in paths {
        // Gone already, of another layout, of a dead office: the next one.
        let Some(region) = open(&path, layout)? else {
            continue;
        };
        let office = mailbox::introduced(&region, Identity::OFFICE);
        if !office.is_some_and(|(office, _)| office.state() != State::Gone) {
            continue;
        }
        if mailbox::take(&region, Process::current()) {
            remove(&path)?;
            let (receiver, sender) = mailbox::open_side(Arc::new(region), layout, Identity::CLAIMANT, Identity::OFFICE);
            return Ok((sender, receiver));
        }
    }
    Err(Error::NoMailbox)
}

/// The living process that laid out the mailbox at `path`, if there is one.
fn served_by(path: &Path, layout: Layout) -> Result<Option<Process>, Error> {
    let office = open(path, layout)?.and_then(|region| mailbox::introduced(&region, Identity::OFFICE));
    Ok(office.map(|(office, _)| office).filter(|office| office.state() != State::Gone && *office != Process::current()))
}

fn open(path: &Path, layout: Layout) -> Result<Option<Region>, Error> {
    match Region::open(path, layout.words()) {
        Ok(region) => Ok(region.filter(|region| mailbox::fits(region, layout))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The files of empty mailboxes; none if there is no such directory.
fn empty(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// Removes a file that another process may have removed already.
fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Refuses a directory in which another user could put or swap files.
fn private(dir: &Path) -> Result<(), Error> {
    let about = fs::metadata(dir)?;
    let mine = about.uid() == rustix::process::getuid().as_raw();
    if mine && about.mode() & 0o022 == 0 { Ok(()) } else { Err(Error::NotPrivate) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LAYOUT: Layout = Layout::new(2, 64);
    const SOON: Duration = Duration::from_millis(50);

    fn files(dir: &Path) -> usize {
        fs::read_dir(dir).map_or(0, Iterator::count)
    }

    /// Each mailbox goes to one claimant and leaves no file behind; when all are taken, a claimant is told so in time.
    #[test]
    fn a_mailbox_is_claimed_once() {
        let dir = tempfile::tempdir().expect("a directory").keep();
        let mut office = Office::open(&dir, LAYOUT).expect("it is free");
        let first = office.place().expect("there is room");
        let _second = office.place().expect("there is room");
        assert_eq!(files(&dir), 2);
        assert!(!first.0.is_claimed());
        let _one = claim(&dir, LAYOUT, SOON).expect("two are there");
        let _two = claim(&dir, LAYOUT, SOON).expect("one is left");
        assert!(first.0.is_claimed());
        assert_eq!(files(&dir), 0);
        assert!(matches!(claim(&dir, LAYOUT, SOON), Err(Error::NoMailbox)));
        drop(office);
        assert!(!dir.exists());
    }

    /// A directory that others may write to is not used, by neither side.
    #[test]
    fn an_open_directory_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut office = Office::open(dir.path(), LAYOUT).expect("it is free");
        let _served = office.place().expect("there is room");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
        assert!(matches!(claim(dir.path(), LAYOUT, SOON), Err(Error::NotPrivate)));
        assert!(matches!(Office::open(dir.path(), LAYOUT), Err(Error::NotPrivate)));
    }

    /// Files that are no mailboxes are passed over.
    #[test]
    fn other_files_are_passed_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut office = Office::open(dir.path(), LAYOUT).expect("it is free");
        let _served = office.place().expect("there is room");
        fs::write(dir.path().join("empty-short"), b"no").expect("it is ours");
        fs::write(dir.path().join("empty-zero"), vec![0; LAYOUT.words() * 4]).expect("it is ours");
        claim(dir.path(), LAYOUT, SOON).expect("the one that is a mailbox");
    }
}
