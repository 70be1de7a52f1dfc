//! The binary: what it keeps, how it ends, what it says.

mod support;

use std::process::Command;
use std::time::Duration;

use rpc_runtime::Node;
use rpc_runtime::directory::nameserver::Nameserver;
use support::{BINARY, INTERFACE, Process, ask, list, reach, registration, until};
use uuid::Uuid;

/// SIGTERM ends it well; what was registered is there after a restart, and so is what was ended.
#[tokio::test]
async fn ends_well_and_restarts_with_everything() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(directory.path());
    let node = Node::builder().start().await.expect("a node");
    let (client, _) = reach(&node, &process.address).await;
    let kept = client.ns_register(registration("kept"), Uuid::nil(), None).await.expect("free").epoch;
    let ended = client.ns_register(registration("ended"), Uuid::nil(), None).await.expect("free").epoch;
    assert!(client.ns_unregister(ended).await.expect("it stood"));

    assert!(process.terminate(), "SIGTERM is a good end");
    process.restart();
    let listed = list(&process.address).await;
    assert_eq!(listed.into_iter().collect::<Vec<_>>(), [("kept".to_owned(), kept.number)]);
    let (client, _) = reach(&node, &process.address).await;
    let next = client.ns_register(registration("next"), Uuid::nil(), None).await.expect("free").epoch;
    assert!(next.number > ended.number, "numbers rise across restarts (I17)");
}

/// Every command does what it says, for people and as JSON, and says what is wrong in words.
#[test]
fn commands_say_what_they_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path());
    assert_eq!(process.ask(&["list"]), (true, "nothing is registered\n".to_owned()));

    let mut register = Command::new(BINARY)
        .args([
            "register",
            INTERFACE,
            "a-m",
            "--endpoint",
            "tcp://10.0.0.7:4711",
            "--label",
            "zone=b",
            "--group",
            "east",
        ])
        .env("NAMESERVER", &process.address)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the binary");
    let registered = || process.ask(&["lookup", INTERFACE, "a-m"]).0;
    wait("it registers", registered);

    let (ok, said) = process.ask(&["list"]);
    assert!(ok && said.contains("tcp://10.0.0.7:4711") && said.contains("zone=b"), "{said}");
    for selection in [["--label", "zone=b"], ["--group", "east"]] {
        let (ok, said) = process.ask(&["lookup", INTERFACE, selection[0], selection[1], "--json"]);
        let json: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        assert!(ok && json[0]["instance"] == "a-m" && json[0]["state"] == "live", "{said}");
    }
    let (ok, said) = process.ask(&["register", INTERFACE, "a-m", "--endpoint", "tcp://10.0.0.8:1"]);
    assert!(!ok && said.contains("is taken by tcp://10.0.0.7:4711"), "{said}");
    let (ok, said) = process.ask(&["lookup", INTERFACE, "n-z"]);
    assert!(!ok && said.contains("is not registered"), "{said}");
    let (ok, said) = process.ask(&["unregister", INTERFACE, "a-m", "--epoch", "99"]);
    assert!(!ok && said.contains("nothing was changed"), "{said}");

    Command::new("kill").args(["-INT", &register.id().to_string()]).status().expect("kill");
    assert!(register.wait().expect("it ends").success(), "Ctrl-C takes it back and ends well");
    assert_eq!(process.ask(&["list"]), (true, "nothing is registered\n".to_owned()));
}

/// Whoever cannot be served is told what to do.
#[test]
fn errors_say_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(directory.path());
    let serve = |listen: &str, data: &std::path::Path| {
        let output = Command::new(BINARY).args(["serve", "--listen", listen, "--data"]).arg(data).output();
        let output = output.expect("the binary");
        (output.status.success(), String::from_utf8(output.stderr).expect("text"))
    };
    let (ok, said) = serve("127.0.0.1:0", directory.path());
    assert!(!ok && said.contains("in use by another nameserver"), "{said}");
    let other = tempfile::tempdir().expect("a directory");
    let (ok, said) = serve(&process.address, other.path());
    assert!(!ok && said.contains("cannot listen"), "{said}");

    process.kill();
    let (ok, said) = ask(&process.address, &["list"]);
    assert!(!ok && said.contains("no nameserver answers at") && said.contains("nameserver serve"), "{said}");
    std::fs::write(directory.path().join("registry.redb"), "nonsense").expect("room on disk");
    let (ok, said) = serve("127.0.0.1:0", directory.path());
    assert!(!ok && said.contains("is damaged") && said.contains("move it away"), "{said}");
}

/// R23: `watch` goes on across a restart of the nameserver.
#[tokio::test]
async fn watch_outlives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(directory.path());
    let node = Node::builder().start().await.expect("a node");
    let mut output = tempfile::NamedTempFile::new().expect("a file");
    let mut watch = Command::new(BINARY)
        .args(["watch", INTERFACE, "--json"])
        .env("NAMESERVER", &process.address)
        .stdout(output.reopen().expect("the file"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary");
    let mut said = async || {
        let mut said = String::new();
        std::io::Seek::rewind(&mut output).expect("the file");
        std::io::Read::read_to_string(&mut output, &mut said).expect("text");
        said
    };
    until("it begins with what there is", async || said().await.contains("snapshot")).await;
    let (client, _) = reach(&node, &process.address).await;
    client.ns_register(registration("before"), Uuid::nil(), None).await.expect("free");
    process.kill();
    process.restart();
    let (client, _) = reach(&node, &process.address).await;
    client.ns_register(registration("after"), Uuid::nil(), None).await.expect("free");
    until("it tells of both", async || {
        let said = said().await;
        said.contains("before") && said.contains("after")
    })
    .await;
    watch.kill().expect("it runs");
    watch.wait().expect("it ends");
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
    }
}
