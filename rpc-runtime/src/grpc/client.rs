//! The caller's side: a stub that is bound to a gRPC server.
//!
//! It has no session, so nothing is ever sent twice. A call waits, unsent, for a connection, until its deadline: that it never
//! ran is known of a call which was not handed to HTTP/2, and of one that the server says it refused, or left out when it went.

mod exchange;
mod import;
mod keep;
mod response;
mod streams;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::HeaderMap;
use http::uri::Authority;
use idl::{MethodKind, Writer};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

pub use import::ImportingGrpc;

use super::codes::kind_of;
use super::message::Parts;
use super::routes::error_name;
use super::status::Status;
use crate::context::{ReplyMetadata, outgoing};
use crate::error::{CallError, ErrorKind};
use crate::executed::MAY_STILL_RUN;
use crate::interface::Method;
use crate::limits::Limits;
use crate::link::{Body, Reply};
use crate::protocol::frame::Status as Verdict;
use crate::task::spawn;
use crate::transport::endpoint::Endpoint;

/// A call as its stub polls it. Dropping it resets the stream.
pub(crate) type Calling = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send>>;

/// What a binding knows of a gRPC server.
#[derive(Debug)]
pub(crate) struct Remote {
    endpoint: Endpoint,
    authority: Authority,
    /// The interface's full name.
    interface: String,
    /// The full names of the messages of methods' errors.
    errors: HashMap<String, String>,
    /// What every call carries.
    headers: HeaderMap,
    limits: Limits,
    parts: Arc<Parts>,
    /// One permit for each call with streams.
    streams: Arc<Semaphore>,
    connection: watch::Sender<Connection>,
}

/// The connection at present.
#[derive(Debug, Clone)]
enum Connection {
    /// There is none; why, if that is known.
    Down(Option<CallError>),
    /// One request at a time is handed over, when HTTP/2 has room for it: the others wait, unsent.
    Up(Arc<Mutex<SendRequest<Bytes>>>),
    /// There will be none.
    Closed,
}

impl Remote {
    fn new(
        endpoint: Endpoint,
        authority: Authority,
        interface: &idl::Interface,
        headers: HeaderMap,
        limits: Limits,
    ) -> Remote {
        let errors = interface.methods().filter_map(|method| {
            let error = error_name(interface, method.name())?;
            Some((method.name().to_owned(), error))
        });
        Remote {
            endpoint,
            authority,
            interface: interface.name(),
            errors: errors.collect(),
            headers,
            parts: Arc::new(Parts::new(usize::MAX)),
            streams: Arc::new(Semaphore::new(limits.session_streams_max.min(Semaphore::MAX_PERMITS))),
            limits,
            connection: watch::Sender::new(Connection::Down(None)),
        }
    }

    /// The future of a call. `timeout` is `Duration::MAX` for ever.
    pub(crate) fn call(self: &Arc<Self>, method: &'static Method, arguments: Writer, timeout: Duration) -> Calling {
        let remote = Arc::clone(self);
        let (metadata, told) = (outgoing(), ReplyMetadata::begin());
        if method.kind != MethodKind::Oneway {
            return Box::pin(async move { remote.run(method, arguments, metadata.as_deref(), told, timeout).await });
        }
        Box::pin(async move {
            // Nobody waits for it; it ends with its deadline.
            drop(spawn(async move {
                if let Err(error) = remote.run(method, arguments, metadata.as_deref(), None, timeout).await {
                    tracing::debug!(method = method.name, %error, "a one-way call failed");
                }
            }));
            Ok(Reply { status: Verdict::Value, body: Body::Shared(Bytes::new()) })
        })
    }

    async fn run(
        &self,
        method: &'static Method,
        arguments: Writer,
        metadata: Option<&crate::Metadata>,
        told: Option<ReplyMetadata>,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        self.check_size(&arguments)?;
        let until = Instant::now().checked_add(timeout);
        let is_sent = AtomicBool::new(false);
        let call = exchange::Exchange { remote: self, method, metadata, told, until, is_sent: &is_sent };
        let ended = match until {
            Some(until) => timeout_at(until, call.run(&arguments)).await,
            None => Ok(call.run(&arguments).await),
        };
        crate::spare::keep(arguments);
        match ended {
            Ok(ended) => ended,
            Err(_elapsed) if is_sent.load(Ordering::Relaxed) => {
                let text = format!("no reply within {timeout:?}");
                Err(CallError::new(ErrorKind::DeadlineExceeded, MAY_STILL_RUN, text))
            }
            Err(_elapsed) => Err(self.unsent(timeout)),
        }
    }

    /// This connection takes no further calls, though it may have some: there is to be another one.
    fn takes_no_more(&self, requests: &Arc<Mutex<SendRequest<Bytes>>>) {
        self.connection.send_if_modified(|connection| {
            let is_this = matches!(connection, Connection::Up(now) if Arc::ptr_eq(now, requests));
            if is_this {
                *connection = Connection::Down(None);
            }
            is_this
        });
    }

    /// Whether the arguments may be sent.
    fn check_size(&self, arguments: &Writer) -> Result<(), CallError> {
        let (bytes, bytes_max) = (arguments.len(), self.limits.frame_bytes_max);
        if bytes <= bytes_max {
            return Ok(());
        }
        let text = format!("arguments of {bytes} bytes exceed the limit of {bytes_max}");
        Err(CallError::never(ErrorKind::TooLarge, text))
    }

    /// The error of a call that found no connection in time.
    fn unsent(&self, timeout: Duration) -> CallError {
        let why = match &*self.connection.borrow() {
            Connection::Down(Some(error)) => format!(": {error}"),
            _ => String::new(),
        };
        let text = format!("the call was not sent within {timeout:?}{why}");
        CallError::never(ErrorKind::DeadlineExceeded, text)
    }

    /// What a status means to the caller: the method's own error, in bytes, or one of the call.
    fn failed(&self, method: &Method, status: &Status) -> Result<Bytes, CallError> {
        let expected = self.errors.get(method.name).map(String::as_str);
        let detail = status.read_details().into_iter().find(|detail| Some(detail.name()) == expected);
        if let Some(detail) = detail {
            return Ok(detail.value);
        }
        let (kind, executed) = kind_of(status.code);
        let text = match status.text.as_str() {
            "" => format!("the server answered {}", status.code),
            text => format!("the server answered {}: {text}", status.code),
        };
        Err(CallError::new(kind, status.executed.unwrap_or(executed), text).with_code(status.code))
    }
}
