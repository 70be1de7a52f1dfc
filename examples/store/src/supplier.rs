//! The supplier program: brings the files of a folder to the stores.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rpc_runtime::Bytes;
use sha2::{Digest as _, Sha256};

use crate::desk::{Desk, DeskError, Trouble, default_office};
use crate::interface::{Digest, PIECE_BYTES, StoreError, Supply, SupplyId, pieces_of};
use crate::report::{Event, Reporter, Reporting, SupplierCounts};

/// How long a supplier looks for the client manager of its host.
const FIND_LIMIT: Duration = Duration::from_secs(10);

/// How often a supply is tried that a store's restart has got in the way of.
const TRIES_MAX: u32 = 5;

/// Runs a supplier: brings the files of a folder to the stores.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The folder with the files; those in folders below it are not brought.
    #[arg(value_name = "DIR")]
    pub objects: PathBuf,
    /// What this host is called, as its client manager was told.
    #[arg(long, value_name = "NAME", default_value = "here")]
    pub host: String,
    /// The directory with the client manager's mailboxes [default: the one of the host].
    #[arg(long, value_name = "DIR")]
    pub office: Option<PathBuf>,
    /// How often everything is brought; each time it is one more copy.
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    pub deliveries: u64,
    /// Pause between two deliveries.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub pause: f64,
    /// Bring only a share of the files: 1/3 is the first of every three.
    #[arg(long, value_name = "SHARE", default_value = "1/1", value_parser = share)]
    pub share: (usize, usize),
    /// How it reports.
    #[command(flatten)]
    pub reporting: Reporting,
}

fn share(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    numbers.filter(|(number, of)| (1..=*of).contains(number)).ok_or_else(|| "write it as 1/3, 2/3 or 3/3".to_owned())
}

/// Why a supplier went home early.
#[derive(Debug, thiserror::Error)]
pub enum SupplierError {
    /// The desk failed.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file changes while it is being brought, or a store is restarted again and again.
    #[error("{title} could not be brought in {TRIES_MAX} tries")]
    GaveUp {
        /// Which one.
        title: String,
    },
}

/// The files of a folder, with their titles, in order. Files whose names are not Unicode have no title and are left out.
pub fn objects(folder: &Path) -> Result<Vec<(String, PathBuf)>, SupplierError> {
    let failed = |source| SupplierError::File { path: folder.to_owned(), source };
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let (true, Some(title)) = (path.is_file(), path.file_name().and_then(|name| name.to_str())) {
            objects.push((title.to_owned(), path.clone()));
        }
    }
    objects.sort();
    Ok(objects)
}

/// Length and SHA-256 of a file.
pub fn measure(path: &Path) -> Result<(u64, Digest), SupplierError> {
    let failed = |source| SupplierError::File { path: path.to_owned(), source };
    let (mut file, mut hash, mut bytes) = (File::open(path).map_err(failed)?, Sha256::new(), 0);
    let mut buffer = vec![0; PIECE_BYTES as usize];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok((bytes, Digest(hash.finalize().into())));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// Runs a supplier to its end. Blocks.
pub fn deliver(options: &Options) -> Result<SupplierCounts, SupplierError> {
    let office = options.office.clone().unwrap_or_else(|| default_office(&options.host));
    let (number, of) = options.share;
    let objects: Vec<_> = objects(&options.objects)?.into_iter().skip(number - 1).step_by(of).collect();
    let mut supplier = Supplier { desk: Desk::find(&office, FIND_LIMIT)?, counts: SupplierCounts::default() };
    let reporter = Reporter::new(options.reporting, format!("supplier {number}/{of}"));
    reporter.tell(&Event::Ready { endpoints: Vec::new() });
    let mut reported = Instant::now();
    for delivery in 0..options.deliveries {
        if delivery > 0 {
            std::thread::sleep(Duration::try_from_secs_f64(options.pause).unwrap_or_default());
        }
        for (title, path) in &objects {
            supplier.bring(title, path)?;
            if reported.elapsed() > reporter.every() {
                reported = Instant::now();
                reporter.tell(&Event::Supplier(supplier.counts));
            }
        }
        supplier.counts.deliveries += 1;
        reporter.tell(&Event::Supplier(supplier.counts));
    }
    reporter.tell(&Event::Done);
    Ok(supplier.counts)
}

struct Supplier {
    desk: Desk,
    counts: SupplierCounts,
}

impl Supplier {
    /// Brings one copy of a file.
    fn bring(&mut self, title: &str, path: &Path) -> Result<(), SupplierError> {
        for _ in 0..TRIES_MAX {
            let (bytes, digest) = measure(path)?;
            let supply = Supply { title: title.to_owned(), bytes, digest, copies: 1 };
            match self.try_bring(&supply, path) {
                Ok(()) => {
                    self.counts.copies += 1;
                    return Ok(());
                }
                // Nobody knows whether the copy is on the shelf. Bringing it again could make it two; the audit will tell.
                Err(SupplierError::Desk(DeskError::Not(Trouble::Unresolved { .. }))) => {
                    self.counts.unresolved += 1;
                    return Ok(());
                }
                // The file has changed meanwhile, or the store gave the supply up.
                Err(SupplierError::Desk(DeskError::Not(Trouble::Store(
                    StoreError::WrongDigest { .. } | StoreError::NoSuchSupply | StoreError::NoSuchPiece { .. },
                )))) => {}
                Err(error) => return Err(error),
            }
        }
        Err(SupplierError::GaveUp { title: title.to_owned() })
    }

    fn try_bring(&mut self, supply: &Supply, path: &Path) -> Result<(), SupplierError> {
        let number = self.desk.supply_begin(supply)?;
        let mut first = 0;
        // Each restart of the store can lose pieces at most once.
        for _ in 0..TRIES_MAX {
            self.bring_pieces(supply, number, path, first)?;
            match self.desk.supply_commit(&supply.title, number) {
                Err(DeskError::Not(Trouble::Store(StoreError::PieceMissing { piece }))) => first = piece,
                other => return Ok(other?),
            }
        }
        Err(SupplierError::GaveUp { title: supply.title.clone() })
    }

    /// Brings the pieces from `first` on.
    fn bring_pieces(
        &mut self,
        supply: &Supply,
        number: SupplyId,
        path: &Path,
        first: u32,
    ) -> Result<(), SupplierError> {
        let failed = |source| SupplierError::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        io::copy(&mut (&mut file).take(u64::from(first) * PIECE_BYTES), &mut io::sink()).map_err(failed)?;
        for piece in first..pieces_of(supply.bytes) {
            let mut bytes = Vec::with_capacity(PIECE_BYTES as usize);
            (&mut file).take(PIECE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
            self.counts.bytes += bytes.len() as u64;
            self.desk.supply_piece(&supply.title, number, piece, Bytes::from(bytes))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A share is a number and how many there are.
    #[test]
    fn shares_are_read() {
        assert_eq!(share("2/3"), Ok((2, 3)));
        for wrong in ["", "3", "0/2", "3/2", "a/b"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    /// The files of a folder, sorted, without folders; measured piece by piece they hash like the whole.
    #[test]
    fn a_folder_is_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let contents = vec![3; PIECE_BYTES as usize + 5];
        std::fs::write(dir.path().join("beta"), &contents).expect("writable");
        std::fs::write(dir.path().join("alpha"), b"").expect("writable");
        std::fs::create_dir(dir.path().join("folder")).expect("writable");
        let found = objects(dir.path()).expect("readable");
        assert_eq!(found.iter().map(|(title, _)| title.as_str()).collect::<Vec<_>>(), ["alpha", "beta"]);
        let digest = Digest(Sha256::digest(&contents).into());
        assert_eq!(measure(&found[1].1).expect("readable"), (contents.len() as u64, digest));
    }
}
