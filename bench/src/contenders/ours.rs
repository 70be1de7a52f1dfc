//! This framework, with everything that it promises: sessions, records, deadlines.

use bytes::Bytes;
use rpc_runtime::{CallError, Message, Node, ServerStub, interface};
use tokio::sync::OnceCell;

use crate::contender::{self, Address, Client, Contender, Error, Incoming, Runtime};
use crate::load::Workload;
use crate::{process, serve};

/// Under what name the server exports itself.
const INSTANCE: &str = "echo";

/// What is called.
#[interface]
pub(crate) trait Echo {
    /// At most once.
    async fn echo(&self, item: Item) -> Result<Item, CallError>;
    /// At least once: the exporter keeps no record of it.
    #[rpc(idempotent)]
    async fn echo_again(&self, item: Item) -> Result<Item, CallError>;
}

/// The message.
#[derive(Debug, Clone, PartialEq, Message)]
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) value: Bytes,
}

impl From<contender::Message> for Item {
    fn from(contender::Message { id, key, value }: contender::Message) -> Item {
        Item { id, key, value }
    }
}

impl From<Item> for contender::Message {
    fn from(Item { id, key, value }: Item) -> contender::Message {
        contender::Message { id, key, value }
    }
}

struct Echoing;

impl Echo for Echoing {
    async fn echo(&self, item: Item) -> Result<Item, CallError> {
        Ok(item)
    }

    async fn echo_again(&self, item: Item) -> Result<Item, CallError> {
        Ok(item)
    }
}

/// Plain methods: at most once.
pub(crate) struct Ours;

impl Contender for Ours {
    type Client = EchoClient;
    const NAME: &'static str = "rpc-runtime";
    const UNIX: bool = true;

    async fn serve(_: Incoming) -> Result<(), Error> {
        Err("a node accepts by itself".into())
    }

    async fn connect(address: &Address) -> Result<EchoClient, Error> {
        Ok(node().await?.import_at(&address.to_string(), INSTANCE).await?)
    }

    fn serve_process(address: &Address, runtime: Runtime) -> Result<(), Error> {
        serve_with(address, runtime, EchoServer::new(Echoing))
    }
}

/// A server process that exports `stub`.
pub(super) fn serve_with(address: &Address, runtime: Runtime, stub: impl ServerStub) -> Result<(), Error> {
    match runtime {
        Runtime::Multi => serve::multi_thread()?.block_on(serve_at(address, 0, stub)),
        // The node's own threads drive connections; this one accepts.
        Runtime::PerCore => serve::one_thread()?.block_on(serve_at(address, process::threads(runtime), stub)),
    }
}

impl Client for EchoClient {
    async fn echo(&self, message: contender::Message) -> Result<contender::Message, Error> {
        Ok(Echo::echo(self, message.into()).await?.into())
    }
}

/// The process's node: each import has a connection of its own.
async fn node() -> Result<&'static Node, Error> {
    static NODE: OnceCell<Node> = OnceCell::const_new();
    Ok(NODE.get_or_try_init(|| Node::builder().start()).await?)
}

async fn serve_at(address: &Address, io_threads: usize, stub: impl ServerStub) -> Result<(), Error> {
    let node = Node::builder().listen(address.to_string()).io_threads(io_threads).start().await?;
    let _export = node.export(INSTANCE, stub).await?;
    let endpoint = node.local_endpoints();
    serve::ready(&endpoint.first().ok_or("the node listens nowhere")?.parse()?)?;
    std::future::pending().await
}

/// The same through the method that may be repeated: what at-most-once costs.
pub(crate) struct OursIdempotent;

/// A stub whose calls may be repeated.
#[derive(Clone)]
pub(crate) struct IdempotentClient(EchoClient);

impl Contender for OursIdempotent {
    type Client = IdempotentClient;
    const NAME: &'static str = "rpc-runtime idempotent";
    const WORKLOADS: &'static [Workload] = &[Workload::LatOneCpu, Workload::Pipe];

    async fn serve(incoming: Incoming) -> Result<(), Error> {
        Ours::serve(incoming).await
    }

    async fn connect(address: &Address) -> Result<IdempotentClient, Error> {
        Ours::connect(address).await.map(IdempotentClient)
    }

    fn serve_process(address: &Address, runtime: Runtime) -> Result<(), Error> {
        Ours::serve_process(address, runtime)
    }
}

impl Client for IdempotentClient {
    async fn echo(&self, message: contender::Message) -> Result<contender::Message, Error> {
        Ok(self.0.echo_again(message.into()).await?.into())
    }
}
