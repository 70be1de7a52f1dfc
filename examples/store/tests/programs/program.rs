//! Programs of the application as processes, for tests.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use store_app::report::Event;

/// Long enough for everything that should happen.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A program that reports. It is killed with its test.
pub(crate) struct Program {
    child: Child,
    events: mpsc::Receiver<Event>,
}

impl Program {
    /// Starts a program.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_store-app"));
        command.args(arguments).arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (tell, events) = mpsc::channel();
        // Ends with the program's output.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).expect("a report"));
            }
        });
        Self { child, events }
    }

    /// Waits for a report that `wanted` gives something for.
    pub(crate) fn report<T>(&self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).expect("it reports in time");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    /// Waits until it serves; gives the first address at which it can be reached.
    pub(crate) fn ready(&self) -> String {
        self.report(|event| match event {
            Event::Ready { endpoints } => Some(endpoints.first().cloned().unwrap_or_default()),
            _ => None,
        })
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("it runs");
    }

    /// Waits until it has ended; gives whether it ended well, and what it said to standard error.
    pub(crate) fn end(mut self, limit: Duration) -> (bool, String) {
        let deadline = Instant::now() + limit;
        while self.child.try_wait().expect("it is ours").is_none() {
            assert!(Instant::now() < deadline, "it did not end within {limit:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut errors = String::new();
        let stderr = self.child.stderr.as_mut().expect("it is piped");
        std::io::Read::read_to_string(stderr, &mut errors).expect("it is text");
        (self.child.wait().expect("it is ours").success(), errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the whole application to its end.
pub(crate) fn whole(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_store-app")).args(arguments).output().expect("it starts")
}

/// A small folder of objects: an empty one, one of several pieces, one of exactly one piece, one without a letter.
pub(crate) fn objects(folder: &Path) {
    std::fs::create_dir_all(folder).expect("writable");
    let sizes =
        [("alpha", 100_000), ("bravo", 0), ("kilo", 32 * 1024), ("november", 777), ("zulu", 70_000), ("007", 7)];
    for (title, bytes) in sizes {
        let contents: Vec<u8> = (0..bytes).map(|number: u32| (number / 3) as u8).collect();
        std::fs::write(folder.join(title), contents).expect("writable");
    }
}
