//! What a method has opened, on its way to the caller.
//!
//! The producer is dropped with the caller's interest, past its deadline, and when the node cannot wait any longer.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use idl::Writer;
use tokio::time::sleep_until;

use super::ended::{ended, late};
use super::ordinary::cancel;
use super::respond::{Respond, Sending};
use super::routes::Route;
use super::status::Status;
use crate::context::{BesideReply, Context};
use crate::handler::put_fault;
use crate::protocol::control::FaultKind;
use crate::protocol::frame::Status as Verdict;
use crate::protocol::time::Time;
use crate::server::Server;
use crate::streaming::items::Items;

/// A stream that a method has opened.
pub(super) struct Opened<'a> {
    pub(super) items: Box<dyn Items>,
    /// The call that it belongs to.
    pub(super) context: &'a mut Option<Context>,
    /// How long the caller waits, if it said so.
    pub(super) until: Option<Time>,
}

/// A stream that was sent as far as it goes. What is missing is the caller's status.
pub(super) struct Sent {
    end: End,
    beside: BesideReply,
    sending: Option<Sending>,
}

/// Why nothing more is sent.
enum End {
    /// The producer's word.
    Told(Verdict, Bytes),
    /// It was dropped, and this is why.
    GivenUp(Status),
    /// The caller is gone, or has reset the stream.
    Gone,
}

impl Opened<'_> {
    /// Sends the stream until it ends, or is given up. Without `respond` nobody waits for it any more.
    pub(super) async fn send(
        self,
        server: &Arc<Server>,
        respond: Option<Respond>,
        given_up: impl Future<Output = Status>,
    ) -> Sent {
        let Opened { mut items, context, until } = self;
        let header = context.as_ref().map(Context::take_header).unwrap_or_default();
        let mut sending = respond.and_then(|respond| respond.open(&header));
        let end = match &mut sending {
            None => End::Gone,
            Some(sending) => {
                let bytes_max = server.limits.frame_bytes_max;
                let late_at = server.clock.instant(until.unwrap_or(Time::NEVER));
                tokio::select! {
                    biased;
                    told = sending.send_items(bytes_max, |cx| Context::enter(context, || items.poll_next(cx))) => match told {
                        Some((verdict, body)) => End::Told(verdict, body),
                        None => End::Gone,
                    },
                    status = given_up => End::GivenUp(status),
                    () = sleep_until(late_at), if until.is_some() => End::GivenUp(late()),
                    () = server.grpc.aborting() => {
                        let mut told = Writer::new();
                        let text = "the exporter has shut down before the end of the stream";
                        let verdict = put_fault(&mut told, FaultKind::Aborted, text);
                        End::Told(verdict, told.into_bytes())
                    }
                }
            }
        };
        if !matches!(end, End::Told(..)) {
            cancel(context);
        }
        Context::enter(context, || drop(items));
        let beside = context.as_ref().map(Context::beside_reply).unwrap_or_default();
        Sent { end, beside, sending }
    }
}

impl Sent {
    /// The error that the stream ended with, if it did.
    pub(super) fn error(&self) -> Option<(Verdict, &Bytes)> {
        match &self.end {
            End::Told(verdict @ (Verdict::Error | Verdict::Fault), body) => Some((*verdict, body)),
            _ => None,
        }
    }

    /// Tells the caller how the stream ended.
    pub(super) fn tell(self, route: &Route, server: &Server) {
        let Sent { end, beside, sending } = self;
        let Some(sending) = sending else { return };
        match end {
            End::Told(verdict, body) => {
                let mut told = Writer::new();
                told.put_slice(&body);
                match ended(verdict, &told, &beside, route, server) {
                    Ok(()) => sending.succeed(&beside),
                    Err(status) => sending.fail(&status),
                }
            }
            End::GivenUp(status) => sending.fail(&status),
            End::Gone => {}
        }
    }
}
