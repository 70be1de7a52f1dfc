//! A call of a session: at most once (R33). It runs as a native call does, through the same table; its stream waits for the
//! answer, and a stream that is reset is no cancel.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use uuid::Uuid;

use super::codes::{rejected, without_reply};
use super::metadata::{CALL, SESSION};
use super::ordinary::{ended, instant, late, refused};
use super::respond::Respond;
use super::routes::Route;
use super::status::Status;
use super::stream::Asked;
use crate::clock::Clock;
use crate::context::Beside;
use crate::error::Code;
use crate::executed::MAY_STILL_RUN;
use crate::passing::LARGE_BYTES;
use crate::protocol::control::{Refused, Rejection};
use crate::protocol::frame::{Call, CallHeader, Status as Verdict};
use crate::protocol::id::{CallId, Incarnation, Sequence, SessionId, Slot, Token};
use crate::protocol::time::CalleeTime;
use crate::run::{Run, Spares, run_in_turn};
use crate::served::{Answer, Received, Served, Told};
use crate::server::Server;
use crate::{spare, sync};

/// The name of a session, as the entry `rpc-session` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionName {
    pub(super) incarnation: Incarnation,
    pub(super) session: SessionId,
    pub(super) token: Token,
}

/// The two names that a call of a session carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names {
    session: SessionName,
    call: CallId,
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.incarnation.as_uuid(), self.session.0, self.token.as_uuid())
    }
}

impl SessionName {
    pub(super) fn parse(entry: &str) -> Option<SessionName> {
        let mut parts = entry.split('/');
        let name = SessionName {
            incarnation: Incarnation::new(parts.next()?.parse::<Uuid>().ok()?),
            session: SessionId(parts.next()?.parse().ok()?),
            token: Token::new(parts.next()?.parse::<Uuid>().ok()?),
        };
        parts.next().is_none().then_some(name)
    }

    /// The session, if the caller may use it (rows 1–3). Its lease is renewed.
    pub(super) fn find(&self, server: &Server) -> Result<Arc<Served>, Rejection> {
        if self.incarnation != server.incarnation {
            return Err(Rejection::WrongIncarnation { mine: server.incarnation });
        }
        // Nothing is made of one that is not known.
        let served = server.session_numbered(self.session).ok_or(Rejection::UnknownSession { running: false })?;
        served.admit(self.token, server.clock.now())?;
        Ok(served)
    }
}

impl Names {
    /// The names that a request carries; `None` if it carries none. One alone, or one that is malformed, is refused.
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Names>, Status> {
        let only = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().map(|value| value.to_str().unwrap_or_default());
            if values.next().is_some() { Some("") } else { value }
        };
        let malformed = |what: &str| Err(Status::never(Code::InvalidArgument, what));
        let (session, call) = match (only(SESSION), only(CALL)) {
            (None, None) => return Ok(None),
            (Some(session), Some(call)) => (session, call),
            (Some(_), None) => {
                return malformed("`rpc-session` came without `rpc-call`: a call of a session carries both");
            }
            (None, Some(_)) => {
                return malformed("`rpc-call` came without `rpc-session`: a call of a session carries both");
            }
        };
        let Some(session) = SessionName::parse(session) else {
            return malformed("`rpc-session` is not what `rpc.v1.Sessions/Open` gave");
        };
        let call = call.split_once('/').and_then(|(slot, sequence)| {
            Some(CallId { slot: Slot(number(slot)?), sequence: Sequence(number(sequence)?) })
        });
        match call {
            Some(call) => Ok(Some(Names { session, call })),
            None => malformed("`rpc-call` is not `slot/sequence`, two numbers"),
        }
    }

    /// The session, if the call may use it (rows 1–3). What is refused here may have run before.
    pub(super) fn admit(self, server: &Server) -> Result<Admitted, Status> {
        let served = self.session.find(server).map_err(|why| rejection(&why))?;
        let CallId { slot, sequence } = self.call;
        if slot.0 >= served.slots() || sequence == Sequence(0) {
            let text = format!("the session has the slots 0 to {}, and numbers begin at 1", served.slots() - 1);
            return Err(Status::never(Code::InvalidArgument, text));
        }
        Ok(Admitted { served, names: self })
    }
}

/// A number without sign or blanks.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn rejection(why: &Rejection) -> Status {
    let (code, text) = rejected(why);
    Status::new(code, MAY_STILL_RUN, text)
}

/// A call that names a session which it may use.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) served: Arc<Served>,
    names: Names,
}

impl Admitted {
    /// The method that the call means: of the session's own export, which may have been withdrawn (R6).
    pub(super) fn route(&self, interface: &str, method: &str) -> Result<Route, Status> {
        let export = Arc::clone(self.served.export());
        if export.interface().name() != interface {
            let text = format!("the session is one with `{}`", export.interface().name());
            return Err(Status::new(Code::InvalidArgument, MAY_STILL_RUN, text));
        }
        Route::of(export, method)
    }

    /// Gives the call to the table, and answers it.
    pub(super) async fn serve(self, asked: Asked, mut respond: Respond) {
        let Admitted { served, names } = self;
        let Asked { peer, route, arguments, items: _, beside, until, has_timeout } = asked;
        let server = Arc::clone(&peer.server);
        let header = CallHeader {
            id: names.call,
            recorded: true,
            oneway: false,
            start_before: CalleeTime(until.as_micros()),
            method: route.method.id,
        };
        let (tell, mut told) = oneshot::channel();
        let permit = Arc::clone(&server.handlers).try_acquire_owned().ok();
        let now = server.clock.now();
        debug_assert!(Clock::as_callee(now) <= header.start_before || until <= now);
        match served.receive_foreign(names.session.token, &header, &arguments, permit.is_some(), tell, now) {
            Err(why) => return respond.fail(&rejection(&why)),
            Ok(Received::Close(_)) => return respond.fail(&rejection(&Rejection::UnknownSession { running: false })),
            Ok(Received::Answered) => {}
            Ok(Received::Run(started)) => {
                server.counters.calls_executed.add();
                started.context.clone().with_beside(beside);
                Run::new(&served, header, started, permit).begin(&arguments, &mut Spares::default(), now);
            }
            Ok(Received::Queue) => queue(Arc::clone(&served), Call { header, arguments }, beside),
        }
        let until = instant(&server, until);
        let told = tokio::select! {
            biased;
            told = &mut told => told,
            // The call goes on: whoever sends it again is told.
            () = poll_fn(|cx| respond.poll_gone(cx)) => return,
            () = sleep_until(until), if has_timeout => return respond.fail(&late()),
        };
        match told {
            Ok(Told::Answer(answered)) => answer(answered, &route, &server, respond).await,
            Ok(Told::Superseded) => respond.fail(&rejection(&Rejection::Superseded)),
            Err(_ended) => respond.fail(&rejection(&Rejection::UnknownSession { running: true })),
        }
    }
}

/// Runs a call when its turn comes, in a task that ends with it.
fn queue(served: Arc<Served>, call: Call, beside: Beside) {
    sync::spawn(run_in_turn(served, call, Some(beside)));
}

async fn answer(answered: Answer, route: &Route, server: &Server, mut respond: Respond) {
    let Answer { status, body, beside } = answered;
    match status {
        Verdict::Value | Verdict::Error | Verdict::Fault => match ended(status, &body, &beside, route, server) {
            Ok(()) if body.len() >= LARGE_BYTES => respond.reply(&server.passing.count(&body), &beside).await,
            Ok(()) => respond.reply(&body, &beside).await,
            Err(status) => respond.fail(&status),
        },
        Verdict::Refused => match idl::from_slice::<Refused>(&body.to_vec()) {
            Ok(Refused { why, text }) => respond.fail(&refused(why, &text)),
            Err(error) => respond.fail(&Status::never(Code::Unavailable, error.to_string())),
        },
        status => {
            let (code, executed, text) = without_reply(status);
            respond.fail(&Status::new(code, executed, text));
        }
    }
    spare::keep(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executed::Executed;

    fn headers(entries: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in entries {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    /// R33: both entries name a call, none is an ordinary call, and anything else is refused.
    #[test]
    fn a_call_carries_both_names_or_none() {
        let name = SessionName {
            incarnation: Incarnation::new(Uuid::from_u128(1)),
            session: SessionId(7),
            token: Token::new(Uuid::from_u128(2)),
        };
        let session = name.to_string();
        let read = Names::read(&headers(&[(SESSION, &session), (CALL, "3/9")])).expect("names").expect("names");
        assert_eq!((read.session, read.call), (name, CallId { slot: Slot(3), sequence: Sequence(9) }));
        assert!(Names::read(&headers(&[])).expect("no names").is_none());
        let more = format!("{session}/1");
        for entries in [
            &[(SESSION, &*session)][..],
            &[(CALL, "3/9")],
            &[(SESSION, &*session), (CALL, "3/9"), (CALL, "3/9")],
            &[(SESSION, &*session), (CALL, "3/+9")],
            &[(SESSION, &*session), (CALL, "65536/9")],
            &[(SESSION, &*session), (CALL, "3")],
            &[(SESSION, &*session), (CALL, "")],
            &[(SESSION, ""), (CALL, "3/9")],
            &[(SESSION, &*more), (CALL, "3/9")],
        ] {
            let status = Names::read(&headers(entries)).expect_err("a mistake");
            assert_eq!((status.code, status.executed), (Code::InvalidArgument, Some(Executed::Never)), "{entries:?}");
        }
    }
}
