//! tarpc 0.38 over bincode in length-delimited frames.
//!
//! Settings, and why:
//! - `TCP_NODELAY` on both sides, which tarpc's own connector leaves off: without it a call can wait for a delayed
//!   acknowledgement.
//! - bincode, the most compact of its formats, with `Bytes` for the value, which bincode reads and writes in one piece.
//! - The calls of a connection run side by side in the connection's task. A task for each, as in its examples, costs
//!   the server a fifth more CPU time on a runtime for each core, and twice as much on the multi-thread runtime.
//! - Frames may be as large as `big` needs; the queues hold more calls than are in flight.

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tarpc::client::Config as ClientConfig;
use tarpc::server::{BaseChannel, Channel, Config as ServerConfig};
use tarpc::{context, serde_transport};
use tokio::net::TcpStream;
use tokio_serde::formats::Bincode;
use tokio_util::codec::length_delimited;

use crate::contender::{self, Address, Client, Contender, Error, Incoming};

/// Bytes of one frame.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// Calls that wait to be written, on either side.
const QUEUE_LEN_MAX: usize = 1024;

/// What travels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    id: u64,
    key: String,
    value: bytes::Bytes,
}

#[tarpc::service]
pub(crate) trait Echo {
    async fn echo(message: Message) -> Message;
}

/// What is served.
#[derive(Debug, Clone)]
struct Service;

impl Echo for Service {
    async fn echo(self, _: context::Context, message: Message) -> Message {
        message
    }
}

/// tarpc.
#[derive(Debug)]
pub(crate) struct Tarpc;

impl Contender for Tarpc {
    type Client = EchoClient;
    const NAME: &'static str = "tarpc";

    async fn serve(mut incoming: Incoming) -> Result<(), Error> {
        while let Some(stream) = incoming.accept_tcp().await? {
            let config = ServerConfig { pending_response_buffer: QUEUE_LEN_MAX };
            let channel = BaseChannel::new(config, transport(stream));
            // Ends with the connection.
            tokio::spawn(channel.execute(Service.serve()).for_each_concurrent(None, |call| call));
        }
        Ok(())
    }

    async fn connect(address: &Address) -> Result<EchoClient, Error> {
        let Address::Tcp(address) = address else {
            return Err("tarpc is measured over TCP only".into());
        };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut config = ClientConfig::default();
        config.pending_request_buffer = QUEUE_LEN_MAX;
        Ok(EchoClient::new(config, transport(stream)).spawn())
    }
}

/// The same transport on both sides.
fn transport<Received, Sent>(
    stream: TcpStream,
) -> serde_transport::Transport<TcpStream, Received, Sent, Bincode<Received, Sent>>
where
    Received: for<'de> Deserialize<'de>,
    Sent: Serialize,
{
    let framed = length_delimited::Builder::new().max_frame_length(FRAME_BYTES_MAX).new_framed(stream);
    serde_transport::new(framed, Bincode::default())
}

impl Client for EchoClient {
    async fn echo(&self, message: contender::Message) -> Result<contender::Message, Error> {
        let contender::Message { id, key, value } = message;
        let Message { id, key, value } = EchoClient::echo(self, context::current(), Message { id, key, value }).await?;
        Ok(contender::Message { id, key, value })
    }
}
