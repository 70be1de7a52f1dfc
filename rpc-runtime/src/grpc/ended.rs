//! What a caller is told of a call that has ended, or that nobody waits for any longer.

use idl::Writer;

use super::respond::Respond;
use super::routes::Route;
use super::status::{Any, Status};
use crate::context::BesideReply;
use crate::error::{CallError, Code};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::passing::LARGE_BYTES;
use crate::protocol::control::{Fault, FaultKind, Refusal};
use crate::protocol::frame::Status as Verdict;
use crate::server::Server;

/// The status of a call whose deadline has passed while it ran.
pub(super) fn late() -> Status {
    Status::new(Code::DeadlineExceeded, MAY_STILL_RUN, "the deadline passed while the call ran")
}

/// The status of a call that was refused.
pub(super) fn refused(why: Refusal, text: &str) -> Status {
    Status::from(&CallError::refused(why, text))
}

/// What the caller is told of a call that has ended: success, or a status.
pub(super) fn ended(
    verdict: Verdict,
    reply: &Writer,
    beside: &BesideReply,
    route: &Route,
    server: &Server,
) -> Result<(), Status> {
    let mut status = match verdict {
        Verdict::Value if reply.len() > server.limits.frame_bytes_max => {
            let text = format!("the reply of {} bytes exceeds `frame_bytes_max` of this node", reply.len());
            Status::new(Code::ResourceExhausted, Executed::Completed, text)
        }
        Verdict::Value if reply.len() >= LARGE_BYTES && server.passing.is_full() => {
            let text = "the call ran, but there is no room for its reply, which is lost";
            Status::new(Code::DataLoss, Executed::Completed, text)
        }
        Verdict::Value => return Ok(()),
        Verdict::Error => {
            let name = route.error_name().unwrap_or_default();
            let (code, text) = beside
                .error
                .clone()
                .unwrap_or_else(|| (Code::FailedPrecondition, format!("the method ended with its error `{name}`")));
            Status::new(code, Executed::Completed, text).with_detail(Any::new(&name, reply.to_vec().into()))
        }
        _ => {
            let fault = idl::from_slice::<Fault>(&reply.to_vec());
            let kind = fault.as_ref().map_or(FaultKind::Other, |fault| fault.kind);
            let error = fault.map(CallError::from_fault).unwrap_or_else(|_| CallError::failed("the call failed"));
            let mut status = Status::from(&error);
            if let (FaultKind::Failed, Some((code, _))) = (kind, &beside.error) {
                status.code = *code;
            }
            status
        }
    };
    status.trailer = beside.trailer.clone();
    Err(status)
}

/// Answers with how a call has ended.
pub(super) async fn answer(
    verdict: Verdict,
    reply: &Writer,
    beside: &BesideReply,
    route: &Route,
    server: &Server,
    mut respond: Respond,
) {
    match ended(verdict, reply, beside, route, server) {
        Ok(()) if reply.len() >= LARGE_BYTES => respond.reply(&server.passing.count(reply), beside).await,
        Ok(()) => respond.reply(reply, beside).await,
        Err(status) => respond.fail(&status),
    }
}
