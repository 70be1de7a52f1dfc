//! volo-thrift 0.12, many calls at once on a connection.
//!
//! Settings, and why:
//! - Its `multiplex` feature: without it a connection carries one call at a time.
//! - Framed binary Thrift, without the metadata header (TTHeader) of its own ecosystem: fewer bytes, less to encode.
//! - Its time limits are off: 1 s for a call, and 15 s after which an idle connection is closed, which would end those that are
//!   weighed.
//! - `binary` fields are `Bytes`, cut out of the received frame; large ones are written without copying them.
//! - Not its `unsafe-codec` feature, of which its documentation says that it may cause undefined behaviour.

use std::time::Duration;

use volo::net::conn::Conn;
use volo::net::incoming;
use volo_thrift::ServerError;
use volo_thrift::codec::default::DefaultMakeCodec;
use volo_thrift::transport::pool;

use self::generated::echo::echo::{Echo, EchoClient, EchoClientBuilder, EchoServer, Message};
use crate::contender::{self, Address, Client, Contender, Error, Incoming};

#[allow(warnings, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/generated/volo.rs"));
}

/// For ever, as far as a benchmark is concerned.
const IDLE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// volo-thrift.
#[derive(Debug)]
pub(crate) struct Volo;

impl Contender for Volo {
    type Client = EchoClient;
    const NAME: &'static str = "volo-thrift";

    async fn serve(incoming: Incoming) -> Result<(), Error> {
        EchoServer::new(Service).make_codec(DefaultMakeCodec::framed()).multiplex(true).run(Accepted(incoming)).await
    }

    async fn connect(address: &Address) -> Result<EchoClient, Error> {
        let Address::Tcp(address) = address else {
            return Err("volo-thrift is measured over TCP only".into());
        };
        let client = EchoClientBuilder::new("echo")
            .address(*address)
            .make_codec(DefaultMakeCodec::framed())
            .multiplex(true)
            .pool_config(pool::Config::default().timeout(IDLE_TIMEOUT))
            .connect_timeout(None)
            .read_write_timeout(None)
            .disable_timeout_layer()
            .build();
        // It connects at the first call.
        client.echo(Message::default()).await?;
        Ok(client)
    }
}

/// The accepted connections, as volo takes them.
#[derive(Debug)]
struct Accepted(Incoming);

impl incoming::MakeIncoming for Accepted {
    type Incoming = Accepted;

    async fn make_incoming(self) -> std::io::Result<Accepted> {
        Ok(self)
    }
}

impl incoming::Incoming for Accepted {
    async fn accept(&mut self) -> std::io::Result<Option<Conn>> {
        let accepted = self.0.accept_tcp().await.map_err(std::io::Error::other)?;
        Ok(accepted.map(Conn::from))
    }
}

impl Client for EchoClient {
    async fn echo(&self, message: contender::Message) -> Result<contender::Message, Error> {
        let message = Message {
            // Thrift's integers are signed: the same bits.
            id: message.id.cast_signed(),
            key: message.key.into(),
            value: message.value,
        };
        let Message { id, key, value } = EchoClient::echo(self, message).await?;
        Ok(contender::Message { id: id.cast_unsigned(), key: key.as_str().to_owned(), value })
    }
}

/// What is served.
#[derive(Debug)]
struct Service;

impl Echo for Service {
    async fn echo(&self, message: Message) -> Result<Message, ServerError> {
        Ok(message)
    }
}
