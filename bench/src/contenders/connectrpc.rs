//! connectrpc 0.9 over buffa, HTTP/2 without TLS.
//!
//! Settings, and why:
//! - The Connect protocol rather than gRPC: a unary call is a plain POST, without an envelope and without trailers. It costs
//!   as much as gRPC, within what can be measured.
//! - Binary messages; JSON and compression are compiled out.
//! - The generated dispatcher rather than its router of boxed handlers.
//! - hyper's HTTP/2 server driven directly, which its guide calls the advanced transport configuration: its own `Server`
//!   has no setting for the size of a frame, and guesses between HTTP/1 and HTTP/2.
//! - Its own shared HTTP/2 connection on the client, which it advises where one connection is meant.
//! - `TCP_NODELAY`, and frames and windows as for tonic; here a message that comes in one frame is not copied.
//! - `bytes` fields as `Bytes`, cut out of the received body; unknown fields are not kept.

use connectrpc::client::{ClientConfig, Http2Connection, SharedHttp2Connection};
use connectrpc::{ConnectRpcService, Encodable, Protocol, RequestContext, Response, ServiceRequest, ServiceResult};
use http::Uri;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;

use self::generated::{Echo, EchoClient, EchoServer};
use crate::contender::{self, Address, Client, Contender, Error, Incoming};

#[allow(warnings, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/generated/connectrpc.rs"));
}

/// Bytes of one HTTP/2 frame: a message of 1 MiB and what goes with it.
const FRAME_BYTES_MAX: u32 = 2 << 20;
/// Bytes that a stream may have under way.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// Bytes that a connection may have under way.
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Calls that wait to be written.
const QUEUE_LEN_MAX: usize = 1024;

/// connectrpc.
#[derive(Debug)]
pub(crate) struct Connectrpc;

impl Contender for Connectrpc {
    type Client = EchoClient<SharedHttp2Connection>;
    const NAME: &'static str = "connectrpc";

    async fn serve(mut incoming: Incoming) -> Result<(), Error> {
        let service = TowerToHyperService::new(ConnectRpcService::new(EchoServer::new(Service)));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        while let Some(stream) = incoming.accept_tcp().await? {
            // Ends with the connection.
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service.clone()));
        }
        Ok(())
    }

    async fn connect(address: &Address) -> Result<Self::Client, Error> {
        let uri: Uri = format!("http://{address}").parse()?;
        let connection = Http2Connection::builder()
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .h2_settings(|settings| {
                settings.max_frame_size(FRAME_BYTES_MAX);
            })
            .connect_plaintext(uri.clone())
            .await?;
        let config = ClientConfig::new(uri).with_protocol(Protocol::Connect);
        Ok(EchoClient::new(connection.shared(QUEUE_LEN_MAX), config))
    }
}

impl Client for EchoClient<SharedHttp2Connection> {
    async fn echo(&self, message: contender::Message) -> Result<contender::Message, Error> {
        let contender::Message { id, key, value } = message;
        let generated::Message { id, key, value } =
            EchoClient::echo(self, generated::Message { id, key, value }).await?.into_owned();
        Ok(contender::Message { id, key, value })
    }
}

/// What is served.
#[derive(Debug)]
struct Service;

impl Echo for Service {
    async fn echo<'a>(
        &'a self,
        _: RequestContext,
        request: ServiceRequest<'_, generated::Message>,
    ) -> ServiceResult<impl Encodable<generated::Message> + Send + use<'a>> {
        Response::ok(request.to_owned_message())
    }
}
