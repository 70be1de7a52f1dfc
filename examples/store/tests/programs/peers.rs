//! A client manager and its local processes, when one of them is killed or stopped: the other side goes on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::program::{LIMIT, Program, objects};
use rustix::process::Signal;
use store_app::report::Event;

/// Nameserver, store and client manager, with objects on the shelf.
struct Host {
    office: PathBuf,
    manager: Program,
    _store: Program,
    _nameserver: Program,
    _dir: tempfile::TempDir,
}

impl Host {
    /// `name` keeps the mailboxes of tests apart; `more` is for the client manager.
    fn open(name: &str, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name).to_str().expect("text").to_owned();
        let office = mailbox::shared_memory_dir().join(format!("test-{}-{name}", std::process::id()));
        objects(&dir.path().join("objects"));
        let nameserver = Program::start(&["nameserver", "--listen", "127.0.0.1:0", "--data", &path("names")]);
        let address = nameserver.ready();
        let store = Program::start(&["store", "a-z", "--nameserver", &address, "--shelf", &path("shelf.redb")]);
        store.ready();
        let office_text = office.to_str().expect("text");
        let arguments = ["client-manager", "--nameserver", &address, "--office", office_text];
        let manager = Program::start(&[&arguments[..], more].concat());
        manager.ready();
        let supplier = Program::start(&["supplier", &path("objects"), "--office", office_text, "--deliveries", "3"]);
        let (well, errors) = supplier.end(LIMIT);
        assert!(well, "{errors}");
        Self { office, manager, _store: store, _nameserver: nameserver, _dir: dir }
    }

    /// A customer that has begun: it has checked something out.
    fn customer(&self, number: &str, more: &[&str]) -> Program {
        let office = self.office.to_str().expect("text");
        let arguments = ["customer", "--customer", number, "--office", office];
        let customer = Program::start(&[&arguments[..], more].concat());
        customer.report(|event| match event {
            Event::Customer(counts) if counts.checked_out > 0 => Some(()),
            _ => None,
        });
        customer
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.office);
    }
}

/// A customer that is killed holds up nobody.
#[test]
fn a_killed_customer_holds_up_nobody() {
    let host = Host::open("killed-customer", &[]);
    let victim = host.customer("1", &["--seconds", "600"]);
    victim.signal(Signal::KILL);
    let (well, errors) = host.customer("2", &["--rounds", "50", "--seconds", "600"]).end(LIMIT);
    assert!(well, "{errors}");
}

/// A customer that is stopped costs the only worker no more than its limit; when it is continued it comes to an end.
#[test]
fn a_stopped_customer_holds_up_nobody() {
    let host = Host::open("stopped-customer", &["--workers", "1", "--workpile", "1"]);
    let stopped = host.customer("1", &["--seconds", "2"]);
    stopped.signal(Signal::STOP);
    let (well, errors) = host.customer("2", &["--rounds", "50", "--seconds", "600"]).end(LIMIT);
    assert!(well, "{errors}");
    stopped.signal(Signal::CONT);
    // Well if no answer was missed, otherwise with an error; but it ends.
    stopped.end(LIMIT);
}

/// More customers than the workpile holds are turned away and come again, and all are served.
#[test]
fn a_full_workpile_turns_away() {
    let host = Host::open("workpile", &["--workers", "1", "--workpile", "1"]);
    let customers = ["1", "2", "3", "4"].map(|number| host.customer(number, &["--seconds", "1.5"]));
    for customer in customers {
        let (well, errors) = customer.end(LIMIT);
        assert!(well, "{errors}");
    }
    host.manager.report(|event| match event {
        Event::Manager(counts) if counts.busy > 0 => Some(()),
        _ => None,
    });
}

/// Customers of a client manager that is killed learn so at once.
#[test]
fn a_killed_manager_does_not_hang_its_customers() {
    let host = Host::open("killed-manager", &[]);
    let customer = host.customer("1", &["--seconds", "600"]);
    host.manager.signal(Signal::KILL);
    let (well, errors) = customer.end(Duration::from_secs(20));
    assert!(!well && errors.contains("the peer is gone"), "{errors}");
}

/// Customers of a client manager that is stopped learn so before their requests would have timed out.
#[test]
fn a_stopped_manager_does_not_hang_its_customers() {
    let host = Host::open("stopped-manager", &[]);
    let customer = host.customer("1", &["--seconds", "600"]);
    host.manager.signal(Signal::STOP);
    let started = Instant::now();
    let (well, errors) = customer.end(Duration::from_secs(30));
    assert!(!well && errors.contains("no sign of life"), "{errors}");
    assert!(started.elapsed() < Duration::from_secs(25));
}
