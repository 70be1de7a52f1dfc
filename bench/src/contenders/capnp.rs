//! capnp-rpc 0.27.
//!
//! Settings, and why:
//! - A current-thread runtime for each core: its futures and clients cannot leave their thread, so a connection is driven
//!   by one core, without locks.
//! - Both halves of the socket are buffered, as its documentation advises: it writes a message's table and its segments one by
//!   one.
//! - The server copies the message from the arguments into the results within the wire's own format; nothing is decoded.

use std::rc::Rc;

use bytes::Bytes;
use capnp::message::ReaderOptions;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::twoparty::VatNetwork;
use capnp_rpc::{RpcSystem, new_client};
use futures_util::io::{BufReader, BufWriter};
use send_wrapper::SendWrapper;
use tokio::net::TcpStream;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use self::echo_capnp::echo;
use crate::contender::{self, Address, Contender, Error, Incoming, Runtime};

#[allow(warnings, clippy::all, reason = "generated")]
pub(crate) mod echo_capnp {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/generated/capnp.rs"));
}

/// capnp-rpc.
#[derive(Debug)]
pub(crate) struct Capnp;

impl Contender for Capnp {
    type Client = Client;
    const NAME: &'static str = "capnp-rpc";
    const RUNTIMES: &'static [Runtime] = &[Runtime::PerCore];

    async fn serve(mut incoming: Incoming) -> Result<(), Error> {
        let service: echo::Client = new_client(Service);
        while let Some(stream) = incoming.accept_tcp().await? {
            let network = network(stream, Side::Server);
            // Ends with the connection.
            tokio::task::spawn_local(RpcSystem::new(Box::new(network), Some(service.clone().client)));
        }
        Ok(())
    }

    async fn connect(address: &Address) -> Result<Client, Error> {
        let Address::Tcp(address) = address else {
            return Err("capnp-rpc is measured over TCP only".into());
        };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut system = RpcSystem::new(Box::new(network(stream, Side::Client)), None);
        let client: echo::Client = system.bootstrap(Side::Server);
        // Ends with the connection.
        tokio::task::spawn_local(system);
        // Calls before the bootstrap is answered go by way of a promise; those that are measured go straight.
        client.echo_request().send().promise.await?;
        Ok(Client(SendWrapper::new(client)))
    }
}

/// A connection over `stream`.
fn network(stream: TcpStream, side: Side) -> VatNetwork<BufReader<impl futures_util::io::AsyncRead + Unpin>> {
    let (reader, writer) = stream.into_split();
    VatNetwork::new(
        BufReader::new(reader.compat()),
        BufWriter::new(writer.compat_write()),
        side,
        ReaderOptions::default(),
    )
}

/// A caller; it is used only on the thread that connected.
#[derive(Clone)]
pub(crate) struct Client(SendWrapper<echo::Client>);

impl contender::Client for Client {
    fn echo(&self, message: contender::Message) -> impl Future<Output = Result<contender::Message, Error>> + Send {
        let mut request = self.0.echo_request();
        SendWrapper::new(async move {
            let mut sent = request.get().init_message();
            sent.set_id(message.id);
            sent.set_key(&message.key);
            sent.set_value(&message.value);
            let response = request.send().promise.await?;
            let received = response.get()?.get_message()?;
            Ok(contender::Message {
                id: received.get_id(),
                key: received.get_key()?.to_string()?,
                value: Bytes::copy_from_slice(received.get_value()?),
            })
        })
    }
}

/// What is served.
struct Service;

impl echo::Server for Service {
    async fn echo(
        self: Rc<Self>,
        params: echo::EchoParams,
        mut results: echo::EchoResults,
    ) -> Result<(), capnp::Error> {
        let message = params.get()?.get_message()?;
        results.get().set_message(message)
    }
}
