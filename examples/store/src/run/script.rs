//! The script: which program is started with which arguments.

use std::path::{Path, PathBuf};

use super::Options;
use crate::part::Part;

/// How often suppliers bring everything: once before the customers come, the rest while they are there.
pub(super) const DELIVERIES: u32 = 3;

/// Where everything is, and from that the command lines.
#[derive(Debug)]
pub(super) struct Script {
    /// The folder of the objects.
    pub(super) folder: PathBuf,
    /// Shelves, the nameserver's directory, logs.
    pub(super) data: PathBuf,
    /// The directory of all mailboxes of this run.
    pub(super) offices: PathBuf,
    pub(super) options: Options,
}

impl Script {
    pub(super) fn new(options: Options, data: PathBuf) -> Self {
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("objects");
        let folder = options.objects.clone().unwrap_or_else(default);
        let offices = mailbox::shared_memory_dir().join(format!("run-{}", std::process::id()));
        Self { folder, data, offices, options }
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    pub(super) fn nameserver(&self) -> Vec<String> {
        let data = self.data.join("nameserver");
        words(&["nameserver", "--listen", "127.0.0.1:0", "--data", &data.to_string_lossy()])
    }

    /// A store that registers another address than its own.
    pub(super) fn store(&self, part: Part, nameserver: &str, advertise: &str) -> Vec<String> {
        let (part, shelf) = (part.to_string(), self.data.join(format!("store-{part}.redb")));
        let shelf = shelf.to_string_lossy();
        words(&["store", &part, "--nameserver", nameserver, "--shelf", &shelf, "--advertise", advertise])
    }

    pub(super) fn manager(&self, host: u32, nameserver: &str) -> Vec<String> {
        let (name, office) = (format!("host-{host}"), self.office(host));
        words(&["client-manager", "--host", &name, "--office", &office, "--nameserver", nameserver])
    }

    /// Each host's supplier brings its share of the files; the last delivery begins when a store has just been killed.
    pub(super) fn supplier(&self, host: u32) -> Vec<String> {
        let (folder, share) = (self.folder.to_string_lossy(), format!("{host}/{}", self.options.hosts));
        let (deliveries, pause) = (DELIVERIES.to_string(), self.options.seconds / f64::from(DELIVERIES + 1));
        let (office, pause) = (self.office(host), pause.to_string());
        let rest = ["--office", &office, "--share", &share, "--deliveries", &deliveries, "--pause", &pause];
        words(&[&["supplier", &*folder], &rest[..]].concat())
    }

    pub(super) fn customer(&self, host: u32, number: u32) -> Vec<String> {
        let (office, number, seconds) = (self.office(host), number.to_string(), self.options.seconds.to_string());
        words(&["customer", "--office", &office, "--customer", &number, "--seconds", &seconds])
    }

    fn office(&self, host: u32) -> String {
        self.offices.join(format!("host-{host}")).to_string_lossy().into_owned()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
