//! The one table between errors of calls and the codes of gRPC, in both directions.

use super::status::Status;
use crate::error::{Code, ErrorKind};
use crate::executed::{Executed, MAY_STILL_RUN};
use crate::interface::Method;
use crate::protocol::control::Rejection;
use crate::protocol::frame::Status as Verdict;

/// What gRPC's caller sees of a call that failed for this reason.
pub(super) fn code_of(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::UnknownMethod => Code::Unimplemented,
        ErrorKind::Undecodable | ErrorKind::InvalidAddress => Code::InvalidArgument,
        ErrorKind::NameNotFound => Code::NotFound,
        ErrorKind::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorKind::Cancelled => Code::Cancelled,
        ErrorKind::Overload | ErrorKind::TooLarge => Code::ResourceExhausted,
        ErrorKind::Draining
        | ErrorKind::Withdrawn
        | ErrorKind::Shutdown
        | ErrorKind::HostNotFound
        | ErrorKind::ConnectionRefused
        | ErrorKind::Unreachable
        | ErrorKind::DirectoryUnavailable => Code::Unavailable,
        ErrorKind::NotIdempotent
        | ErrorKind::WrongInterface
        | ErrorKind::PeerRestarted
        | ErrorKind::IncarnationChanged
        | ErrorKind::SessionLost => Code::FailedPrecondition,
        ErrorKind::ReplyLost => Code::DataLoss,
        ErrorKind::Aborted | ErrorKind::ReplyUndecodable | ErrorKind::TooDeep | ErrorKind::NotThisProtocol => {
            Code::Internal
        }
        ErrorKind::Failed | ErrorKind::Nested => Code::Unknown,
    }
}

/// What a stub's caller sees of a call that a gRPC server answered with this code, and whether that says that the call ran.
///
/// A server that says `rpc-executed` is believed. Of the others: codes that gRPC's libraries never make by themselves
/// come from the implementation, so it has ended. Each of the rest may come from a library or a proxy on the way, while
/// the implementation runs.
pub(super) fn kind_of(code: Code) -> (ErrorKind, Executed) {
    match code {
        Code::Cancelled => (ErrorKind::Cancelled, MAY_STILL_RUN),
        Code::DeadlineExceeded => (ErrorKind::DeadlineExceeded, MAY_STILL_RUN),
        Code::ResourceExhausted => (ErrorKind::Overload, MAY_STILL_RUN),
        Code::Unimplemented => (ErrorKind::UnknownMethod, MAY_STILL_RUN),
        Code::Unavailable => (ErrorKind::Unreachable, MAY_STILL_RUN),
        Code::Internal => (ErrorKind::Aborted, MAY_STILL_RUN),
        Code::Unknown | Code::PermissionDenied | Code::Unauthenticated => (ErrorKind::Failed, MAY_STILL_RUN),
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::DataLoss => (ErrorKind::Failed, Executed::Completed),
    }
}

/// What a caller with a session sees where its call was not admitted (rows 1–3).
pub(super) fn rejected(why: &Rejection) -> (Code, String) {
    match why {
        Rejection::WrongIncarnation { mine } => (
            Code::FailedPrecondition,
            format!(
                "the session belongs to another life of this server, which is now {}; open a session",
                mine.as_uuid()
            ),
        ),
        Rejection::UnknownSession { running } => (
            Code::FailedPrecondition,
            format!(
                "there is no such session{}; open another",
                if *running { ", and a call of it still runs" } else { "" }
            ),
        ),
        Rejection::Fenced => (Code::PermissionDenied, "the session's token is another one".to_owned()),
        Rejection::Superseded => (Code::Aborted, "the call was sent again, and is answered there".to_owned()),
        Rejection::NoSuchExport => {
            (Code::NotFound, "this node exports no such interface under that instance's name".to_owned())
        }
        Rejection::Draining => (Code::Unavailable, "this node is shutting down".to_owned()),
        Rejection::Overload => (Code::ResourceExhausted, "this node has no room for another session".to_owned()),
        Rejection::Other => (Code::Unavailable, "the session was rejected".to_owned()),
    }
}

/// What a caller with a session sees of an answer of the table that carries no reply (rows 4, 7, 8).
pub(super) fn without_reply(verdict: Verdict, method: &Method) -> Status {
    let (code, executed, text) = match verdict {
        Verdict::ReplyLost if method.server_streams => (
            Code::DataLoss,
            Executed::Completed,
            "the call ran, and its items went to the stream that it had first: they are not kept; to have them again, make a new call",
        ),
        Verdict::ReplyLost => {
            (Code::DataLoss, Executed::Completed, "the call ran, but its reply was not kept and is lost")
        }
        Verdict::SlotBusy => {
            (Code::Aborted, MAY_STILL_RUN, "an earlier call is in progress on this slot; use another slot")
        }
        _ => (Code::Aborted, MAY_STILL_RUN, "a later call was made on this slot; draw larger numbers"),
    };
    Status::new(code, executed, text)
}
