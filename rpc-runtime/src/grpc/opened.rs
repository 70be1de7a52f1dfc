//! What a method has opened, on its way to the caller.
//!
//! The producer is dropped with the caller's interest, past its deadline, and when the node cannot wait any longer.

use std::sync::Arc;

use bytes::Bytes;
use idl::Writer;
use tokio::time::sleep_until;

use super::ordinary::{Run, cancel, ended, instant, late};
use super::respond::{Respond, Sending};
use super::routes::Route;
use crate::context::{BesideReply, Context};
use crate::handler::put_fault;
use crate::protocol::control::FaultKind;
use crate::protocol::frame::Status as Verdict;
use crate::server::Server;

/// Why nothing more is sent.
enum End {
    /// The producer's word.
    Told(Verdict, Bytes),
    /// The caller is gone, or has reset the stream.
    Gone,
    Late,
    Aborted,
}

/// Sends the stream to its end. Without `respond` nobody waits for it any more.
pub(super) async fn send(mut run: Run, server: &Arc<Server>, respond: Option<Respond>) {
    let Some(mut items) = run.handler.items() else { return };
    let header = run.context.as_ref().map(Context::take_header).unwrap_or_default();
    let Some(mut sending) = respond.and_then(|respond| respond.open(&header)) else {
        cancel(&run.context);
        return Context::enter(&mut run.context, || drop(items));
    };
    let (context, bytes_max) = (&mut run.context, server.limits.frame_bytes_max);
    let end = tokio::select! {
        biased;
        told = sending.send_items(bytes_max, |cx| Context::enter(context, || items.poll_next(cx))) => match told {
            Some((verdict, body)) => End::Told(verdict, body),
            None => End::Gone,
        },
        () = sleep_until(instant(server, run.until)), if run.has_timeout => End::Late,
        () = server.grpc.aborting() => End::Aborted,
    };
    if matches!(end, End::Gone | End::Late) {
        cancel(&run.context);
    }
    Context::enter(&mut run.context, || drop(items));
    let beside = run.context.as_ref().map(Context::take_beside_reply).unwrap_or_default();
    match end {
        End::Told(verdict, body) => {
            let mut told = Writer::new();
            told.put_slice(&body);
            tell(sending, verdict, &told, &beside, &run.route, server);
        }
        End::Aborted => {
            let mut told = Writer::new();
            let text = "the exporter has shut down before the end of the stream";
            let verdict = put_fault(&mut told, FaultKind::Aborted, text);
            tell(sending, verdict, &told, &beside, &run.route, server);
        }
        End::Late => sending.fail(&late()),
        End::Gone => {}
    }
}

fn tell(sending: Sending, verdict: Verdict, told: &Writer, beside: &BesideReply, route: &Route, server: &Server) {
    match ended(verdict, told, beside, route, server) {
        Ok(()) => sending.succeed(beside),
        Err(status) => sending.fail(&status),
    }
}
