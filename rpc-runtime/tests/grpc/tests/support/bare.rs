//! A gRPC caller that speaks bare HTTP/2: it can lose a connection, a stream, or the end of one, whenever it likes.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::HashMap;
use std::time::Duration;

use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::HeaderMap;
use rpc_runtime::{Bytes, Message, idl};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No answer of a healthy node takes as long.
const LONG: Duration = Duration::from_secs(60);

/// What was asked for is lost, or takes too long.
pub(crate) type Lost = Box<dyn std::error::Error + Send + Sync>;

pub(crate) struct Connection {
    requests: SendRequest<Bytes>,
    driving: JoinHandle<()>,
}

impl Connection {
    /// Connects to a node's endpoint (`tcp://…`).
    pub(crate) async fn dial(endpoint: &str) -> Connection {
        Connection::try_dial(endpoint).await.expect("it listens")
    }

    pub(crate) async fn try_dial(endpoint: &str) -> Result<Connection, Lost> {
        let stream = TcpStream::connect(endpoint.trim_start_matches("tcp://")).await?;
        stream.set_nodelay(true)?;
        // Streams that are not read hold up no others.
        let settings = h2::client::Builder::new().initial_connection_window_size(1 << 24).clone();
        let (requests, connection) = settings.handshake(stream).await?;
        let driving = tokio::spawn(async move {
            // How it ends is its calls' affair.
            let _ = connection.await;
        });
        Ok(Connection { requests, driving })
    }

    /// Begins a call.
    pub(crate) async fn open(&self, path: &str, metadata: &[(&str, &str)]) -> Call {
        self.try_open(path, metadata).await.expect("the connection is there")
    }

    /// The same, where the connection may have been lost.
    pub(crate) async fn try_open(&self, path: &str, metadata: &[(&str, &str)]) -> Result<Call, Lost> {
        let mut requests = timeout(LONG, self.requests.clone().ready()).await??;
        let mut request = http::Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let (response, items) = requests.send_request(request.body(())?, false)?;
        Ok(Call { response: Some(response), items })
    }

    /// Makes a call of one message.
    pub(crate) async fn whole(&self, path: &str, metadata: &[(&str, &str)], message: &impl Message) -> Call {
        let mut call = self.open(path, metadata).await;
        call.send(message);
        call.end();
        call
    }

    /// Closes the socket.
    pub(crate) fn cut(self) {
        self.driving.abort();
    }
}

/// A call that has begun. Dropping it resets its stream.
pub(crate) struct Call {
    response: Option<ResponseFuture>,
    items: SendStream<Bytes>,
}

impl Call {
    /// Sends a message.
    pub(crate) fn send(&mut self, message: &impl Message) {
        let message = idl::to_vec(message).expect("encodes");
        let mut framed = vec![0];
        framed.extend_from_slice(&u32::try_from(message.len()).expect("small").to_be_bytes());
        framed.extend_from_slice(&message);
        self.send_bytes(framed);
    }

    /// Sends whatever this is.
    pub(crate) fn send_bytes(&mut self, bytes: Vec<u8>) {
        // The node may have answered already.
        let _ = self.items.send_data(bytes.into(), false);
    }

    /// How much of so many bytes the node's window has room for.
    pub(crate) fn room(&mut self, bytes: usize) -> usize {
        self.items.reserve_capacity(bytes);
        self.items.capacity()
    }

    /// Says that this was all.
    pub(crate) fn end(&mut self) {
        let _ = self.items.send_data(Bytes::new(), true);
    }

    pub(crate) fn reset(&mut self) {
        self.items.send_reset(Reason::CANCEL);
    }

    /// How it ended, with all that it gave.
    pub(crate) async fn answer(self) -> Answer {
        self.try_answer().await.expect("an answer")
    }

    pub(crate) async fn try_answer(self) -> Result<Answer, Lost> {
        self.try_opened().await?.try_rest().await
    }

    /// Waits until there are headers.
    pub(crate) async fn opened(self) -> Opened {
        self.try_opened().await.expect("a response")
    }

    async fn try_opened(mut self) -> Result<Opened, Lost> {
        let response = self.response.take().expect("asked once");
        let (head, body) = timeout(LONG, response).await??.into_parts();
        Ok(Opened { call: self, headers: head.headers, body, bytes: Vec::new() })
    }
}

/// A call of which headers have come.
pub(crate) struct Opened {
    pub(crate) call: Call,
    headers: HeaderMap,
    body: RecvStream,
    bytes: Vec<u8>,
}

impl Opened {
    /// The next item, of one field; `None` at the end.
    pub(crate) async fn next<T: Message>(&mut self) -> Option<T> {
        let item = self.next_bytes().await.expect("more, or an end");
        item.map(|item| idl::from_slice::<(T,)>(&item).expect("decodes").0)
    }

    async fn next_bytes(&mut self) -> Result<Option<Vec<u8>>, Lost> {
        loop {
            if let Some(head) = self.bytes.first_chunk::<5>() {
                let end = 5 + u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                if self.bytes.len() >= end {
                    let item = self.bytes[5..end].to_vec();
                    self.bytes.drain(..end);
                    return Ok(Some(item));
                }
            }
            let Some(chunk) = timeout(LONG, self.body.data()).await? else { return Ok(None) };
            let chunk = chunk?;
            self.body.flow_control().release_capacity(chunk.len())?;
            self.bytes.extend_from_slice(&chunk);
        }
    }

    /// How it ended, with what it gave from here on.
    pub(crate) async fn rest(self) -> Answer {
        self.try_rest().await.expect("an end")
    }

    async fn try_rest(mut self) -> Result<Answer, Lost> {
        let mut items = Vec::new();
        while let Some(item) = self.next_bytes().await? {
            items.push(item);
        }
        let trailers = self.body.trailers().await?.unwrap_or_else(|| self.headers.clone());
        let text = |headers: &HeaderMap| {
            let entries =
                headers.iter().map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()));
            entries.collect::<HashMap<_, _>>()
        };
        let (headers, trailers) = (text(&self.headers), text(&trailers));
        let get = |name: &str| trailers.get(name).cloned().unwrap_or_default();
        let code = get("grpc-status").parse()?;
        Ok(Answer { code, executed: get("rpc-executed"), text: get("grpc-message"), items, headers, trailers })
    }
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u32,
    pub(crate) executed: String,
    pub(crate) text: String,
    pub(crate) items: Vec<Vec<u8>>,
    headers: HashMap<String, String>,
    trailers: HashMap<String, String>,
}

impl Answer {
    /// The one field of the one message.
    pub(crate) fn field<T: Message>(&self) -> T {
        let [item] = &self.items[..] else { panic!("{self:?} is no reply") };
        idl::from_slice::<(T,)>(item).expect("decodes").0
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value)
    }

    pub(crate) fn trailer(&self, name: &str) -> &str {
        self.trailers.get(name).map_or("", |value| value)
    }
}
