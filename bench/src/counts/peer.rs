//! The two processes whose work is counted, each on a current-thread runtime: a server, and a client that makes as many
//! calls as it is told over one connection. Both say when the counted part begins and ends.

use std::hint::black_box;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use rpc_runtime::{CallError, Message, Node, interface};
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::runtime;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;

use crate::contender::Error;

/// Under what name the server exports itself.
const INSTANCE: &str = "counted";
/// Calls before the counted ones, so that every buffer has its size and every slot has been used.
const WARM_UP: u64 = 1024;
/// How long the server may take to end its last call.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// What is called.
#[interface]
pub(crate) trait Counted {
    /// A call whose signature owns nothing: whatever is allocated, the framework allocates.
    async fn ping(&self, id: u64) -> Result<u64, CallError>;
    /// The same without a record.
    #[rpc(idempotent)]
    async fn ping_idempotent(&self, id: u64) -> Result<u64, CallError>;
    /// The call that the benchmark times.
    async fn echo(&self, message: Echo) -> Result<Echo, CallError>;
    /// The same without a record.
    #[rpc(idempotent)]
    async fn echo_idempotent(&self, message: Echo) -> Result<Echo, CallError>;
    /// What follows is counted.
    async fn begin(&self) -> Result<(), CallError>;
    /// What was to be counted has happened.
    async fn end(&self) -> Result<(), CallError>;
    /// The server ends.
    async fn stop(&self) -> Result<(), CallError>;
}

/// What is echoed: 64 bytes and a short text.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub(crate) struct Echo {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) value: Bytes,
}

/// Which of the methods is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    Ping,
    PingIdempotent,
    Echo,
    EchoIdempotent,
}

/// How many calls are in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Load {
    /// One.
    Sequential,
    /// 128, each in a task of its own.
    Pipe,
}

impl Load {
    /// Calls in flight.
    pub(crate) fn depth(self) -> u64 {
        match self {
            Load::Sequential => 1,
            Load::Pipe => 128,
        }
    }
}

/// The server's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {}

/// The client's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArgs {
    #[arg(long)]
    address: String,
    #[arg(long)]
    method: Method,
    #[arg(long)]
    load: Load,
    /// How many calls are counted.
    #[arg(long)]
    calls: u64,
}

#[derive(Default)]
struct Server {
    stopped: Arc<Notify>,
}

impl Counted for Server {
    async fn ping(&self, id: u64) -> Result<u64, CallError> {
        Ok(id)
    }

    async fn ping_idempotent(&self, id: u64) -> Result<u64, CallError> {
        Ok(id)
    }

    async fn echo(&self, message: Echo) -> Result<Echo, CallError> {
        Ok(message)
    }

    async fn echo_idempotent(&self, message: Echo) -> Result<Echo, CallError> {
        Ok(message)
    }

    async fn begin(&self) -> Result<(), CallError> {
        counting_begins();
        Ok(())
    }

    async fn end(&self) -> Result<(), CallError> {
        counting_ends();
        Ok(())
    }

    async fn stop(&self) -> Result<(), CallError> {
        self.stopped.notify_one();
        Ok(())
    }
}

/// Be the server, until the client says that it is done.
pub(crate) fn serve(_args: &ServerArgs) -> Result<(), Error> {
    end_with_parent()?;
    runtime()?.block_on(async {
        let node = Node::builder().listen("127.0.0.1:0").start().await?;
        let server = Server::default();
        let stopped = Arc::clone(&server.stopped);
        let _export = node.export(INSTANCE, CountedServer::new(server)).await?;
        writeln!(stdout(), "{}", node.local_endpoints()[0])?;
        stopped.notified().await;
        node.shutdown(SHUTDOWN_TIMEOUT).await;
        writeln!(stdout(), "done")?;
        Ok(())
    })
}

/// Be the client.
pub(crate) fn call(args: &ClientArgs) -> Result<(), Error> {
    end_with_parent()?;
    let depth = args.load.depth();
    let (warm_up, calls, method) = (WARM_UP / depth, args.calls / depth, args.method);
    runtime()?.block_on(async {
        let node = Node::builder().start().await?;
        let client: CountedClient = node.import_at(&args.address, INSTANCE).await?;
        // The callers, and this task, which says when counting begins and ends. It waits for callers that end by
        // themselves, or with an error and the process.
        let together = Arc::new(Barrier::new(usize::try_from(depth)? + 1));
        let mut callers = JoinSet::new();
        for _ in 0..depth {
            let (client, together) = (client.clone(), Arc::clone(&together));
            callers.spawn(async move {
                call_times(&client, method, warm_up).await;
                together.wait().await;
                together.wait().await;
                call_times(&client, method, calls).await;
                together.wait().await;
            });
        }
        together.wait().await;
        client.begin().await?;
        counting_begins();
        together.wait().await;
        together.wait().await;
        counting_ends();
        client.end().await?;
        client.stop().await?;
        writeln!(stdout(), "done")?;
        Ok(())
    })
}

/// One caller. A failure ends the process: it would spoil the count.
async fn call_times(client: &CountedClient, method: Method, times: u64) {
    let message = Echo { id: 0, key: "a key".to_owned(), value: Bytes::from_static(&[7; 64]) };
    for id in 0..times {
        let is_right = match method {
            Method::Ping => client.ping(id).await.is_ok_and(|echoed| echoed == id),
            Method::PingIdempotent => client.ping_idempotent(id).await.is_ok_and(|echoed| echoed == id),
            Method::Echo => {
                let message = Echo { id, ..message.clone() };
                client.echo(message).await.is_ok_and(|echoed| echoed.id == id)
            }
            Method::EchoIdempotent => {
                let message = Echo { id, ..message.clone() };
                client.echo_idempotent(message).await.is_ok_and(|echoed| echoed.id == id)
            }
        };
        if !is_right {
            std::process::exit(1);
        }
    }
}

fn runtime() -> Result<runtime::Runtime, Error> {
    Ok(runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Whatever stands between this process and the one that started it, none is left behind.
fn end_with_parent() -> Result<(), Error> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Where callgrind sets its counts to zero, by this function's name.
#[inline(never)]
fn counting_begins() {
    black_box(());
}

/// Where callgrind writes its counts down, by this function's name.
#[inline(never)]
fn counting_ends() {
    black_box(1);
}
