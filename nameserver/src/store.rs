//! The registry's place on disk: a redb database in a directory of its own.
//!
//! A commit returns when the disk has the batch, and a batch is there whole or not at all. What is read back is
//! checked: the database's own sums at every start, then each record. Every record says which version wrote it, so
//! that one written by a newer nameserver is refused and not misread.
//!
//! `registry.lock` is held as long as the store is open; the database is made under another name and then renamed,
//! so that a crash while it is being made leaves nothing half-made behind.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use rpc_runtime::directory::Ended;
use rpc_runtime::{Message, idl};
use uuid::Uuid;

use crate::registry::{Batch, Record, Stored, Write};

/// The version of the records that this nameserver writes. It reads this one and older ones.
pub const RECORD_VERSION: u32 = 1;
/// Memory for pages of the database: the registry itself is in memory, so little is read.
const CACHE_BYTES: usize = 16 << 20;

const DATABASE: &str = "registry.redb";
const DATABASE_NEW: &str = "registry.redb.new";
const LOCK: &str = "registry.lock";

const HEADS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("heads");
const REGISTRATIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("registrations");
const ENDED: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ended");
const HEAD: &str = "head";

/// The counters, as they are kept.
#[derive(Debug, Clone, Message)]
struct HeadRecord {
    #[rpc(tag = 1)]
    version: u32,
    #[rpc(tag = 2)]
    registry: Uuid,
    #[rpc(tag = 3)]
    epoch_last: u64,
    #[rpc(tag = 4)]
    revision_last: u64,
    #[rpc(tag = 5)]
    ended_floor: u64,
}

/// A registration, as it is kept.
#[derive(Debug, Clone, Message)]
struct RegistrationRecord {
    #[rpc(tag = 1)]
    version: u32,
    #[rpc(tag = 2)]
    record: Record,
}

/// The end of a registration, as it is kept.
#[derive(Debug, Clone, Message)]
struct EndedRecord {
    #[rpc(tag = 1)]
    version: u32,
    #[rpc(tag = 2)]
    why: Ended,
}

/// What every record begins with, whatever version wrote it.
#[derive(Debug, Clone, Message)]
struct AnyRecord {
    #[rpc(tag = 1)]
    version: u32,
}

/// Why the store cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another nameserver has it open.
    #[error("{} is in use by another nameserver: stop that one, or choose another directory", .directory.display())]
    Locked {
        /// The store's directory.
        directory: PathBuf,
    },
    /// A newer nameserver has written it.
    #[error(
        "{} was written by a newer nameserver (record version {found}, this one knows {RECORD_VERSION}): use that one",
        .directory.display()
    )]
    Newer {
        /// The store's directory.
        directory: PathBuf,
        /// The version found.
        found: u32,
    },
    /// It is not what a nameserver wrote.
    #[error(
        "{} is damaged ({what}): restore it from a backup, or move it away to begin with an empty registry; \
         exporters then register again by themselves",
        .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system refused.
    #[error("cannot use {}: {what}", .path.display())]
    System {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
}

/// An open store.
pub struct Store {
    database: Database,
    directory: PathBuf,
    registry: Uuid,
    /// Held until the store is dropped.
    _lock: File,
}

impl Store {
    /// Opens the store in `directory`, and gives what is in it. Where there is none yet it is made, for a registry
    /// with the identity `new`.
    pub fn open(directory: &Path, new: Uuid) -> Result<(Self, Stored), StoreError> {
        let system = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| StoreError::System { path, what: error.to_string() }
        };
        fs::create_dir_all(directory).map_err(system(directory))?;
        let lock = lock(directory)?;
        let file = directory.join(DATABASE);
        if !file.try_exists().map_err(system(&file))? {
            let half_made = directory.join(DATABASE_NEW);
            if half_made.try_exists().map_err(system(&half_made))? {
                fs::remove_file(&half_made).map_err(system(&half_made))?;
            }
            make(&half_made, new)?;
            fs::rename(&half_made, &file).map_err(system(&file))?;
            // The name too must be on disk before anything is acknowledged.
            #[cfg(unix)]
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(system(directory))?;
        }
        let (database, stored) = careful(&file, || {
            let database = database(&file)?;
            let stored = load(&database, directory, &file)?;
            Ok((database, stored))
        })?;
        let registry = stored.registry;
        Ok((Self { database, directory: directory.to_owned(), registry, _lock: lock }, stored))
    }

    /// The directory that it is in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Puts `batch` on disk, whole, and returns when it is there. After an error the store must be opened anew:
    /// what is on disk is then the state before the batch or after it.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let file = self.directory.join(DATABASE);
        let head = HeadRecord {
            version: RECORD_VERSION,
            registry: self.registry,
            epoch_last: batch.epoch_last,
            revision_last: batch.revision,
            ended_floor: batch.ended_floor,
        };
        careful(&file, || write(&self.database, &head, &batch.writes).map_err(|error| failure(&file, error)))
    }
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join(LOCK);
    let system = |error: std::io::Error| StoreError::System { path: path.clone(), what: error.to_string() };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(system)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { directory: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(system(error)),
    }
}

/// Makes an empty store for `registry`.
fn make(file: &Path, registry: Uuid) -> Result<(), StoreError> {
    let database = database(file)?;
    let head = HeadRecord { version: RECORD_VERSION, registry, epoch_last: 0, revision_last: 0, ended_floor: 0 };
    write(&database, &head, &[]).map_err(|error| failure(file, error))?;
    database.close().map_err(|error| failure(file, error.into()))
}

fn database(file: &Path) -> Result<Database, StoreError> {
    let opened = Database::builder().set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true).create(file);
    opened.map_err(|error| match (error, file.parent()) {
        (DatabaseError::DatabaseAlreadyOpen, Some(directory)) => StoreError::Locked { directory: directory.to_owned() },
        (error, _) => failure(file, error.into()),
    })
}

fn write(database: &Database, head: &HeadRecord, writes: &[Write]) -> Result<(), redb::Error> {
    // The default durability: the commit returns after fsync.
    let transaction = database.begin_write()?;
    {
        let mut heads = transaction.open_table(HEADS)?;
        let mut registrations = transaction.open_table(REGISTRATIONS)?;
        let mut ended = transaction.open_table(ENDED)?;
        heads.insert(HEAD, bytes(head)?.as_slice())?;
        for write in writes {
            match write {
                Write::Put(record) => {
                    let record = RegistrationRecord { version: RECORD_VERSION, record: record.clone() };
                    registrations.insert(record.record.entry.epoch.number, bytes(&record)?.as_slice())?;
                }
                Write::Remove(number) => _ = registrations.remove(number)?,
                Write::Ended(number, why) => {
                    let record = EndedRecord { version: RECORD_VERSION, why: *why };
                    ended.insert(number, bytes(&record)?.as_slice())?;
                }
                Write::Forget(number) => _ = ended.remove(number)?,
            }
        }
    }
    Ok(transaction.commit()?)
}

fn load(database: &Database, directory: &Path, file: &Path) -> Result<Stored, StoreError> {
    let reader = Reader { directory, file };
    let raw = |error: redb::Error| failure(file, error);
    let transaction = database.begin_read().map_err(|error| raw(error.into()))?;
    let heads = transaction.open_table(HEADS).map_err(|error| raw(error.into()))?;
    let registrations = transaction.open_table(REGISTRATIONS).map_err(|error| raw(error.into()))?;
    let ended = transaction.open_table(ENDED).map_err(|error| raw(error.into()))?;

    let head = heads.get(HEAD).map_err(|error| raw(error.into()))?;
    let head = head.ok_or_else(|| reader.damaged("the head record is missing"))?;
    let mut stored = reader.head(head.value())?;
    for row in registrations.iter().map_err(|error| raw(error.into()))? {
        let (number, value) = row.map_err(|error| raw(error.into()))?;
        stored.records.push(reader.registration(number.value(), value.value())?);
    }
    for row in ended.iter().map_err(|error| raw(error.into()))? {
        let (number, value) = row.map_err(|error| raw(error.into()))?;
        stored.ended.insert(number.value(), reader.ended(value.value())?);
    }
    Ok(stored)
}

/// Reads records of one store.
struct Reader<'a> {
    directory: &'a Path,
    file: &'a Path,
}

impl Reader<'_> {
    /// The counters, of a registry that holds nothing yet.
    fn head(&self, bytes: &[u8]) -> Result<Stored, StoreError> {
        let head: HeadRecord = self.read("the head record", bytes)?;
        Ok(Stored {
            registry: head.registry,
            epoch_last: head.epoch_last,
            revision_last: head.revision_last,
            ended_floor: head.ended_floor,
            records: Vec::new(),
            ended: BTreeMap::new(),
        })
    }

    fn registration(&self, number: u64, bytes: &[u8]) -> Result<Record, StoreError> {
        let RegistrationRecord { record, .. } = self.read("a registration", bytes)?;
        if record.entry.epoch.number != number {
            return Err(self.damaged("a registration has another number than its key"));
        }
        Ok(record)
    }

    fn ended(&self, bytes: &[u8]) -> Result<Ended, StoreError> {
        let EndedRecord { why, .. } = self.read("an ended registration", bytes)?;
        Ok(why)
    }

    fn read<T: Message>(&self, what: &str, bytes: &[u8]) -> Result<T, StoreError> {
        let undecodable = |error: idl::DecodeError| self.damaged(format!("{what}: {error}"));
        let AnyRecord { version } = idl::from_slice(bytes).map_err(undecodable)?;
        match version {
            0 => Err(self.damaged(format!("{what}: no version"))),
            1..=RECORD_VERSION => idl::from_slice(bytes).map_err(undecodable),
            found => Err(StoreError::Newer { directory: self.directory.to_owned(), found }),
        }
    }

    fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { file: self.file.to_owned(), what: what.into() }
    }
}

/// Reads the rows of a store as they are on disk: what stands beside a registration's number, or beside that of an ended
/// one. For fuzz targets only.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn read_rows(head: &[u8], registrations: &[(u64, &[u8])], ended: &[(u64, &[u8])]) -> Result<Stored, StoreError> {
    let reader = Reader { directory: Path::new("fuzzing"), file: Path::new(DATABASE) };
    let mut stored = reader.head(head)?;
    for (number, bytes) in registrations {
        stored.records.push(reader.registration(*number, bytes)?);
    }
    for (number, bytes) in ended {
        stored.ended.insert(*number, reader.ended(bytes)?);
    }
    Ok(stored)
}

/// What a registry makes is far below the limits of marshalling; if not, the store refuses and does not panic.
fn bytes<T: Message>(record: &T) -> Result<Vec<u8>, redb::Error> {
    idl::to_vec(record).map_err(|error| redb::Error::Corrupted(error.to_string()))
}

fn failure(file: &Path, error: redb::Error) -> StoreError {
    let path = file.to_owned();
    match error {
        redb::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            StoreError::System { path, what: error.to_string() }
        }
        redb::Error::PreviousIo => StoreError::System { path, what: error.to_string() },
        redb::Error::UpgradeRequired(format) => {
            StoreError::Damaged { file: path, what: format!("file format {format} is too old") }
        }
        error => StoreError::Damaged { file: path, what: error.to_string() },
    }
}

/// redb promises errors for damage, and has had panics; a start or a commit ends with an error either way.
fn careful<T>(file: &Path, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(StoreError::Damaged { file: file.to_owned(), what: "reading it made the database library panic".into() })
    })
}

#[cfg(test)]
mod tests {
    use rpc_runtime::directory::{RegisterMode, Registration};

    use super::*;
    use crate::registry::Registry;
    use crate::registry::testing::{REGISTRY, registration};

    /// A registry with a few registrations, ends and changes of state, and the batches that made it.
    fn batches() -> Vec<Batch> {
        let mut registry =
            Registry::restore(Stored { registry: REGISTRY, ..Stored::default() }, Default::default()).expect("empty");
        let mut batches = Vec::new();
        for life in 0..50 {
            let mut new = registration(&format!("s{}", life % 20), life);
            new.mode = RegisterMode::Takeover;
            new.labels.insert("zone".into(), "b".into());
            let new = Registration { groups: vec!["east".into()], owner: String::new(), ..new };
            let lease = registry.register(new, Uuid::from_u128(life.into()), None, Default::default()).expect("free");
            if life % 7 == 0 {
                registry.unregister(lease.epoch).expect("room");
            }
            if life % 3 == 0 {
                batches.extend(registry.take_batch());
            }
        }
        batches.extend(registry.take_batch());
        batches
    }

    fn filled(directory: &Path) -> Stored {
        let mut disk = crate::registry::testing::Disk::new();
        let (mut store, stored) = Store::open(directory, REGISTRY).expect("a new store");
        assert_eq!(stored, disk.0);
        for batch in batches() {
            store.commit(&batch).expect("room on disk");
            disk.commit(batch);
        }
        disk.0
    }

    /// R25: what was committed is there when the store is opened again, under the identity that it was made with.
    #[test]
    fn what_was_committed_is_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let expected = filled(directory.path());
        assert!(expected.records.len() > 10 && expected.ended.len() > 10);
        let (_, stored) = Store::open(directory.path(), Uuid::nil()).expect("the same store");
        assert_eq!(stored, expected);
    }

    /// A second nameserver is told that the directory is in use.
    #[test]
    fn in_use_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = Store::open(directory.path(), REGISTRY).expect("a new store");
        let second = Store::open(directory.path(), REGISTRY).err().expect("in use").to_string();
        assert!(second.contains("in use by another nameserver"), "{second}");
        drop(first);
        Store::open(directory.path(), REGISTRY).expect("free again");
    }

    /// A store that was killed while it was being made is made anew.
    #[test]
    fn half_made_is_made_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(DATABASE_NEW), [0; 5000]).expect("half a database");
        Store::open(directory.path(), REGISTRY).expect("a new store");
        assert!(!directory.path().join(DATABASE_NEW).exists());
    }

    /// Records of a newer nameserver are refused, and the error says so.
    #[test]
    fn newer_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        filled(directory.path());
        let file = directory.path().join(DATABASE);
        let database = database(&file).expect("a database");
        let head = HeadRecord { version: 2, registry: REGISTRY, epoch_last: 99, revision_last: 99, ended_floor: 0 };
        write(&database, &head, &[]).expect("room on disk");
        drop(database);
        let said = Store::open(directory.path(), REGISTRY).err().expect("newer").to_string();
        assert!(said.contains("record version 2, this one knows 1"), "{said}");
    }

    /// Damage is an error that names the file, wherever it is, or does no harm: never a panic, never another registry.
    #[test]
    fn damage_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let expected = filled(directory.path());
        let file = directory.path().join(DATABASE);
        let whole = fs::read(&file).expect("the file");

        fs::write(&file, b"this is not a database").expect("room on disk");
        let said = Store::open(directory.path(), REGISTRY).err().expect("damaged").to_string();
        assert!(said.contains("registry.redb is damaged") && said.contains("move it away"), "{said}");

        fs::write(&file, &whole[..whole.len() / 2]).expect("room on disk");
        Store::open(directory.path(), REGISTRY).err().expect("half of it is missing");

        let mut random = fastrand::Rng::with_seed(1);
        let (mut refused, mut harmless) = (0, 0);
        for _ in 0..60 {
            let mut bytes = whole.clone();
            let at = random.usize(..bytes.len());
            bytes[at..].iter_mut().take(64).for_each(|byte| *byte = random.u8(..));
            fs::write(&file, &bytes).expect("room on disk");
            match Store::open(directory.path(), REGISTRY) {
                Ok((_, stored)) => {
                    assert!(stored == expected, "other registrations than were written");
                    harmless += 1;
                }
                Err(StoreError::Damaged { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        // Most of the file is free space; what matters is that both happen.
        assert!(refused > 0 && harmless > 0, "{refused} refused, {harmless} harmless");
    }

    /// Records that were damaged before they were summed are refused one by one.
    #[test]
    fn a_damaged_record_is_said() {
        for (value, expected) in [(&b"\xff\xff"[..], "a registration"), (&b""[..], "no version")] {
            let directory = tempfile::tempdir().expect("a directory");
            filled(directory.path());
            let database = database(&directory.path().join(DATABASE)).expect("a database");
            let transaction = database.begin_write().expect("the only one");
            transaction.open_table(REGISTRATIONS).expect("the table").insert(1, value).expect("room");
            transaction.commit().expect("room on disk");
            drop(database);
            let said = Store::open(directory.path(), REGISTRY).err().expect("damaged").to_string();
            assert!(said.contains(expected) && said.contains("restore it from a backup"), "{said}");
        }
    }
}
