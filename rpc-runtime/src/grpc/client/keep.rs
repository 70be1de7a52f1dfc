//! Keeps a binding connected to its gRPC server.

use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Connection, Remote};
use crate::error::{CallError, ErrorKind};
use crate::grpc::connection::Pings;
use crate::grpc::limits::{
    FRAME_BYTES_MAX, HEADER_LIST_BYTES_MAX, LOCAL_RESETS_MAX, SEND_BUFFER_BYTES, SMALL_FRAMES_BYTES_MAX,
    STREAM_WINDOW_BYTES, binding_window_bytes,
};
use crate::link::{Link, LinkState};
use crate::protocol::backoff::Backoff;
use crate::protocol::id::Incarnation;
use crate::random;
use crate::task::spawn;
use crate::transport::Stream;

type Driven = h2::client::Connection<Stream, Bytes>;

/// Dials, again and again with growing waits, until the binding is closed.
pub(super) async fn keep(link: Arc<Link>, remote: Arc<Remote>) {
    let mut backoff = Backoff::default();
    while !link.is_closed() {
        match connect(&remote).await {
            Ok((requests, connection)) => {
                backoff.reset();
                link.counters.connects.add();
                remote.connection.send_replace(Connection::Up(Arc::new(Mutex::new(requests))));
                // A gRPC server has no incarnation: this stands for its connection.
                link.tell(LinkState::Up(Incarnation::new(random::identity())));
                let error = drive(&link, &remote, connection).await;
                down(&link, &remote, error);
            }
            Err(error) => down(&link, &remote, error),
        }
        tokio::select! {
            () = sleep(backoff.next(fastrand::u32(..))) => {}
            () = closed(&link) => {}
        }
    }
    remote.connection.send_replace(Connection::Closed);
}

fn down(link: &Link, remote: &Remote, error: CallError) {
    remote.connection.send_replace(Connection::Down(Some(error.clone())));
    if !link.is_closed() {
        link.tell(LinkState::Down(error));
    }
}

async fn connect(remote: &Remote) -> Result<(SendRequest<Bytes>, Driven), CallError> {
    let until = Instant::now() + remote.limits.dial_timeout;
    let stream = remote.endpoint.dial(remote.limits.dial_timeout).await?;
    let mut settings = h2::client::Builder::new();
    settings
        .enable_push(false)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(binding_window_bytes(remote.limits.session_streams_max))
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        .data_frame_budget(SMALL_FRAMES_BYTES_MAX)
        .max_local_error_reset_streams(Some(LOCAL_RESETS_MAX));
    match timeout_at(until, settings.handshake(stream)).await {
        Ok(Ok(connected)) => Ok(connected),
        Ok(Err(error)) => {
            let text = format!("{} does not speak HTTP/2: {error}", remote.endpoint);
            Err(CallError::never(ErrorKind::NotThisProtocol, text))
        }
        Err(_elapsed) => {
            Err(CallError::never(ErrorKind::Unreachable, format!("{} did not answer in time", remote.endpoint)))
        }
    }
}

/// Drives a connection for as long as it takes calls, and says why it takes no more.
async fn drive(link: &Link, remote: &Arc<Remote>, mut connection: Driven) -> CallError {
    let mut pings = Pings::new(connection.ping_pong());
    let mut state = remote.connection.subscribe();
    let text = tokio::select! {
        biased;
        ended = &mut connection => match ended {
            Ok(()) => "the server closed the connection".to_owned(),
            Err(error) => format!("the connection ended: {error}"),
        },
        () = pings.unanswered() => "the server did not answer a ping in time".to_owned(),
        () = closed(link) => "the binding was closed".to_owned(),
        _ = state.wait_for(|state| matches!(state, Connection::Down(_))) => {
            drop(spawn(drive_out(Arc::clone(remote), connection, pings)));
            "the server is going away".to_owned()
        }
    };
    CallError::never(ErrorKind::Unreachable, text)
}

/// Lets the calls of a connection that takes no more come to their end.
async fn drive_out(remote: Arc<Remote>, connection: Driven, mut pings: Pings) {
    let mut state = remote.connection.subscribe();
    tokio::select! {
        // Its calls have been told.
        _ended = connection => {}
        () = pings.unanswered() => {}
        _ = state.wait_for(|state| matches!(state, Connection::Closed)) => {}
    }
}

/// Ends when the binding is closed.
async fn closed(link: &Link) {
    while !link.is_closed() {
        link.woken().await;
    }
}
