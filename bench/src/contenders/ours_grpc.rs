//! This framework's port as tonic's client sees it: gRPC's own semantics, without a session. The client is tonic's contender's,
//! settings included, so that the two rows differ in the server alone.

use rpc_runtime::{CallError, interface};

use super::ours::{self, Item};
use super::tonic::Tonic;
use crate::contender::{Address, Contender, Error, Incoming, Runtime};
use crate::load::Workload;

/// `schema/echo.proto` as an interface.
#[interface(package = "bench.echo")]
trait Echo {
    #[rpc(message)]
    async fn echo(&self, message: Item) -> Result<Item, CallError>;
}

struct Echoing;

impl Echo for Echoing {
    async fn echo(&self, message: Item) -> Result<Item, CallError> {
        Ok(message)
    }
}

/// Our server, tonic's client.
pub(crate) struct OursGrpc;

impl Contender for OursGrpc {
    type Client = <Tonic as Contender>::Client;
    const NAME: &'static str = "rpc-runtime gRPC";
    const WORKLOADS: &'static [Workload] = &[Workload::LatOneCpu, Workload::Pipe, Workload::Conns];

    async fn serve(_: Incoming) -> Result<(), Error> {
        Err("a node accepts by itself".into())
    }

    async fn connect(address: &Address) -> Result<Self::Client, Error> {
        Tonic::connect(address).await
    }

    fn serve_process(address: &Address, runtime: Runtime) -> Result<(), Error> {
        ours::serve_with(address, runtime, EchoServer::new(Echoing))
    }
}
