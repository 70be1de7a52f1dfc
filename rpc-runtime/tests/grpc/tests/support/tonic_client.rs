//! A gRPC client that knows nothing of this project: tonic's, with messages as bytes.
#![allow(dead_code, reason = "each test uses a part")]

use http::uri::PathAndQuery;
use rpc_runtime::{Bytes, Message, idl};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

/// Messages as bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, dst: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(dst, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let bytes = bytes::Buf::remaining(src);
        Ok(Some(bytes::Buf::copy_to_bytes(src, bytes)))
    }
}

/// A channel to a node's endpoint (`tcp://…`).
pub(crate) async fn channel(endpoint: &str) -> Channel {
    let address = endpoint.replace("tcp://", "http://");
    Endpoint::from_shared(address).expect("an address").connect().await.expect("it listens")
}

/// A request with a message and metadata.
pub(crate) fn request(message: &impl Message, metadata: &[(&'static str, &str)]) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(idl::to_vec(message).expect("encodes")));
    for (name, value) in metadata {
        request.metadata_mut().append(*name, value.parse().expect("a value"));
    }
    request
}

/// Makes a unary call.
pub(crate) async fn unary(
    channel: &Channel,
    path: &'static str,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Status> {
    let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(64 << 20);
    grpc.ready().await.expect("the channel is there");
    grpc.unary(request, PathAndQuery::from_static(path), Raw).await
}

/// Makes a unary call whose reply has one field.
pub(crate) async fn call<T: Message>(
    channel: &Channel,
    path: &'static str,
    message: &impl Message,
) -> Result<T, Status> {
    let reply = unary(channel, path, request(message, &[])).await?;
    Ok(decoded(reply.get_ref()))
}

/// The one field of a response message.
pub(crate) fn decoded<T: Message>(reply: &[u8]) -> T {
    idl::from_slice::<(T,)>(reply).expect("decodes").0
}

/// Whether the call ran, as the trailers say.
pub(crate) fn executed(status: &Status) -> &str {
    status.metadata().get("rpc-executed").map_or("", |value| value.to_str().expect("text"))
}
