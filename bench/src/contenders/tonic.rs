//! tonic 0.14 over prost, HTTP/2 without TLS.
//!
//! Settings, and why:
//! - `TCP_NODELAY` on both sides.
//! - HTTP/2 frames that hold a whole message of 1 MiB, and windows of several: with the defaults of 16 KiB and 64 KiB it travels
//!   in 65 frames and waits for window updates.
//! - `bytes` fields as `Bytes`, which prost cuts out of the received buffer without copying them.
//! - The service goes to the server directly, without tonic's router: there is only one.
//! - Its own `Channel`, which every user of tonic has. hyper's connection under the generated client instead would spare the
//!   client 0 to 15 % of its CPU time.

use futures_util::stream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use self::generated::echo_client::EchoClient;
use self::generated::echo_server::{Echo, EchoServer};
use crate::contender::{self, Address, Client, Contender, Error, Incoming};

#[allow(warnings, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/generated/tonic.rs"));
}

/// Bytes of one HTTP/2 frame: a message of 1 MiB and what goes with it.
const FRAME_BYTES_MAX: u32 = 2 << 20;
/// Bytes that a stream may have under way.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// Bytes that a connection may have under way.
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Bytes of one message.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// tonic.
#[derive(Debug)]
pub(crate) struct Tonic;

impl Contender for Tonic {
    type Client = EchoClient<Channel>;
    const NAME: &'static str = "tonic";

    async fn serve(incoming: Incoming) -> Result<(), Error> {
        let service = EchoServer::new(Service)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let connections = stream::unfold(incoming, |mut incoming| async {
            let accepted = incoming.accept_tcp().await.transpose()?;
            Some((accepted, incoming))
        });
        Server::builder()
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .serve_with_incoming(service, connections)
            .await?;
        Ok(())
    }

    async fn connect(address: &Address) -> Result<Self::Client, Error> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?
            .tcp_nodelay(true)
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .connect()
            .await?;
        Ok(EchoClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }
}

impl Client for EchoClient<Channel> {
    async fn echo(&self, message: contender::Message) -> Result<contender::Message, Error> {
        let contender::Message { id, key, value } = message;
        // tonic's calls take `&mut self`; a clone is what its documentation gives each caller.
        let mut client = self.clone();
        let generated::Message { id, key, value } =
            EchoClient::echo(&mut client, generated::Message { id, key, value }).await?.into_inner();
        Ok(contender::Message { id, key, value })
    }
}

/// What is served.
#[derive(Debug)]
struct Service;

#[tonic::async_trait]
impl Echo for Service {
    async fn echo(&self, request: Request<generated::Message>) -> Result<Response<generated::Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}
