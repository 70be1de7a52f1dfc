//! One stream of an HTTP/2 connection: what it asks for, and who answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method as HttpMethod, Request, StatusCode};
use tokio::time::timeout;

use super::compression::Compression;
use super::connection::Peer;
use super::message::{Messages, NoMessage};
use super::metadata::INSTANCE;
use super::names::Names;
use super::recorded::Admitted;
use super::respond::{ACCEPT_ENCODING, ENCODING, Respond};
use super::routes::Route;
use super::status::Status;
use super::{health, metadata, ordinary, reflection, sessions};
use crate::context::Beside;
use crate::error::Code;
use crate::executed::MAY_STILL_RUN;
use crate::protocol::time::Time;
use crate::server::Server;
use crate::task::spawn;

/// A call of a method of an exported implementation, with its arguments.
pub(super) struct Asked {
    pub(super) peer: Arc<Peer>,
    pub(super) route: Route,
    pub(super) arguments: Bytes,
    /// What the caller sends, of a method that takes a stream. Others need little room for it.
    pub(super) items: Option<Box<Messages>>,
    pub(super) beside: Beside,
    pub(super) until: Time,
    /// Whether the caller said how long it waits.
    pub(super) has_timeout: bool,
}

/// Serves one stream to its end.
pub(super) async fn serve(peer: Arc<Peer>, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
    let mut respond = Respond::new(respond, peer.server.limits.write_timeout);
    let (head, body) = request.into_parts();
    if head.method != HttpMethod::POST {
        return respond.not_grpc(StatusCode::METHOD_NOT_ALLOWED);
    }
    let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    if !content_type.starts_with(b"application/grpc") || content_type.starts_with(b"application/grpc-web") {
        return respond.not_grpc(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let path = head.uri.path();
    let Some((interface, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
        let text = format!("`{path}` is no method: write `/package.Interface/Method`");
        return respond.fail(&Status::never(Code::Unimplemented, text));
    };
    let messages = match messages(&peer, &head.headers, body, &mut respond) {
        Ok(messages) => messages,
        Err(status) => return respond.fail(&status),
    };
    match interface {
        // What is rare has memory of its own, so that an ordinary call needs little.
        health::NAME => Box::pin(health::serve(&peer.server, method, messages, respond)).await,
        reflection::V1 | reflection::V1_ALPHA => {
            Box::pin(reflection::serve(&peer.server, interface, method, messages, respond)).await;
        }
        _ => match route(&peer.server, interface, method, &head.headers) {
            Ok((route, session)) => call(peer, route, session, &head.headers, messages, respond).await,
            Err(status) => respond.fail(&status),
        },
    }
}

/// Reads the arguments and runs the call, with a session or without one.
async fn call(
    peer: Arc<Peer>,
    route: Route,
    session: Option<Admitted>,
    headers: &HeaderMap,
    messages: Messages,
    mut respond: Respond,
) {
    let (time, arguments, items) = match arguments(&peer.server, &route, headers, messages).await {
        Ok(read) => read,
        Err(mut status) => {
            if session.is_some() {
                // Nothing is recorded of this attempt, and an earlier one may have run.
                status.executed = Some(MAY_STILL_RUN);
            }
            return respond.fail(&status);
        }
    };
    let until = match time.wait {
        Duration::MAX => Time::NEVER,
        wait => peer.server.clock.now() + wait,
    };
    let beside = Beside::new(metadata::read(headers));
    let asked = Asked { peer, route, arguments, items, beside, until, has_timeout: time.is_asked };
    match session {
        // Its stream may be lost and leave it behind.
        Some(session) => drop(spawn(session.serve(asked, respond))),
        None => ordinary::serve(asked, respond).await,
    }
}

/// How long a call may take, and whether its caller said so.
struct CallTime {
    wait: Duration,
    is_asked: bool,
}

impl CallTime {
    /// A call with streams has no end of its own: what its method says bounds an opening, which gRPC has not (R40).
    fn read(server: &Server, route: &Route, headers: &HeaderMap) -> Result<CallTime, Status> {
        let asked = match headers.get("grpc-timeout").map(|value| parse_timeout(value.as_bytes())) {
            Some(None) => {
                return Err(Status::never(Code::InvalidArgument, "`grpc-timeout` is no time: write for instance `5S`"));
            }
            asked => asked.flatten(),
        };
        let wait = asked.unwrap_or_else(|| match route.method.has_streams() {
            true => Duration::MAX,
            false => route.method.timeout.unwrap_or(server.limits.call_timeout),
        });
        Ok(CallTime { wait, is_asked: asked.is_some() })
    }
}

/// What a call takes: a message, or a stream of them.
type Arguments = (CallTime, Bytes, Option<Box<Messages>>);

async fn arguments(
    server: &Server,
    route: &Route,
    headers: &HeaderMap,
    mut messages: Messages,
) -> Result<Arguments, Status> {
    let time = CallTime::read(server, route, headers)?;
    if route.method.client_streams {
        return Ok((time, Bytes::new(), Some(Box::new(messages))));
    }
    match timeout(time.wait.min(server.limits.call_timeout), messages.only()).await {
        Ok(Ok(Some(arguments))) => Ok((time, arguments, None)),
        Ok(Ok(None)) => Err(Status::never(Code::InvalidArgument, "the request message is missing")),
        Ok(Err(error)) => Err(no_message(&error)),
        Err(_elapsed) => Err(Status::never(Code::DeadlineExceeded, "the request message did not come in time")),
    }
}

/// The messages of a request, and how its answer is compressed.
fn messages(peer: &Peer, headers: &HeaderMap, body: RecvStream, respond: &mut Respond) -> Result<Messages, Status> {
    let encoding = headers.get(ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    let compression = match (Compression::named(encoding), encoding) {
        (None, "identity") => None,
        (None, other) => {
            let text = format!("the compression `{other}` is not known; use gzip or zstd");
            return Err(Status::never(Code::Unimplemented, text));
        }
        (compression, _) => compression,
    };
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    respond.compression =
        compression.filter(|compression| accepted.split(',').any(|name| name.trim() == compression.name()));
    let bytes_max = peer.server.limits.frame_bytes_max;
    Ok(Messages::new(body, compression, bytes_max, Arc::clone(&peer.parts)))
}

/// The method that the path and the metadata name, and the session if the call names one. A session is looked at first: what it
/// says may have run, whatever is exported now (R6).
fn route(
    server: &Arc<Server>,
    interface: &str,
    method: &str,
    headers: &HeaderMap,
) -> Result<(Route, Option<Admitted>), Status> {
    if interface == sessions::NAME {
        return Ok((Route::of(sessions::export(server), method)?, None));
    }
    if let Some(names) = Names::read(headers)? {
        let session = names.admit(server)?;
        return Ok((session.route(interface, method)?, Some(session)));
    }
    let instance = headers.get(INSTANCE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let export = server.grpc.routes.find(interface, instance.as_deref())?;
    Ok((Route::of(export, method)?, None))
}

/// The status of a request whose message cannot be read: nothing was run.
pub(super) fn no_message(error: &NoMessage) -> Status {
    let code = match error {
        NoMessage::TooLarge(_) | NoMessage::TooMany => Code::ResourceExhausted,
        NoMessage::Malformed(_) => Code::Internal,
        NoMessage::Gone(_) => Code::Cancelled,
    };
    Status::never(code, error.to_string())
}

/// A `grpc-timeout`: up to eight digits and a unit.
fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timeout has up to eight digits and a unit; nothing else is one.
    #[test]
    fn timeouts_are_read() {
        assert_eq!(parse_timeout(b"99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(parse_timeout(b"250m"), Some(Duration::from_millis(250)));
        for wrong in ["", "S", "1", "1s", "-1S", "123456789S", "1.5S", "+1S"] {
            assert_eq!(parse_timeout(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
