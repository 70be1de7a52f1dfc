//! A node whose connections are driven by threads of their own.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use rpc_runtime::{CallError, Node, interface};
use tokio::task::yield_now;

#[interface]
trait Where {
    /// The thread that the call ran on.
    async fn at_once(&self) -> Result<String, CallError>;
    /// The same, after it has waited.
    async fn later(&self) -> Result<String, CallError>;
    /// The same, of a task that it has spawned.
    async fn spawned(&self) -> Result<String, CallError>;
}

struct Here;

impl Where for Here {
    async fn at_once(&self) -> Result<String, CallError> {
        Ok(this_thread())
    }

    async fn later(&self) -> Result<String, CallError> {
        yield_now().await;
        Ok(this_thread())
    }

    async fn spawned(&self) -> Result<String, CallError> {
        Ok(tokio::spawn(async { this_thread() }).await.expect("it does not panic"))
    }
}

fn this_thread() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Connections are shared out among the threads. What waits, and what is spawned, is the starting runtime's.
#[tokio::test]
async fn connections_have_threads_and_handlers_a_home() {
    let home = this_thread();
    let directory = tempfile::tempdir().expect("a directory");
    for address in ["127.0.0.1:0".to_owned(), format!("unix:{}/socket", directory.path().display())] {
        let server = Node::builder().listen(address).io_threads(2).start().await.expect("it starts");
        let _export = server.export("a", WhereServer::new(Here)).await.expect("it is free");
        let client = Node::builder().start().await.expect("it starts");
        let mut threads = BTreeSet::new();
        for _ in 0..4 {
            let stub: WhereClient = client.import_at(&server.local_endpoints()[0], "a").await.expect("it is there");
            threads.insert(stub.at_once().await.expect("it runs"));
            assert_eq!(stub.later().await.as_deref(), Ok(home.as_str()));
            assert_eq!(stub.spawned().await.as_deref(), Ok(home.as_str()));
        }
        assert_eq!(Vec::from_iter(threads), ["rpc-io-0", "rpc-io-1"]);
        assert!(server.shutdown(Duration::from_secs(5)).await);
    }
}

/// The threads end with the node and its last connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_end_with_the_last_connection() {
    let server = Node::builder().listen("127.0.0.1:0").io_threads(1).start().await.expect("it starts");
    let export = server.export("a", WhereServer::new(Here)).await.expect("it is free");
    let client = Node::builder().start().await.expect("it starts");
    let stub: WhereClient = client.import_at(&server.local_endpoints()[0], "a").await.expect("it is there");
    assert_eq!(stub.at_once().await.as_deref(), Ok("rpc-io-0"));
    server.shutdown(Duration::from_secs(5)).await;
    drop((stub, export, server));
    while io_threads() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many such threads this process has; those of the other test end too.
#[cfg(target_os = "linux")]
fn io_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "rpc-io-0").count()
}
