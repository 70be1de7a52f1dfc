//! The names that a call of a session carries (R33): which session, which call.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use uuid::Uuid;

use super::codes::rejected;
use super::metadata::{CALL, SESSION};
use super::recorded::Admitted;
use super::status::Status;
use crate::error::Code;
use crate::executed::MAY_STILL_RUN;
use crate::protocol::control::Rejection;
use crate::protocol::id::{CallId, Incarnation, Sequence, SessionId, Slot, Token};
use crate::served::Served;
use crate::server::Server;

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
    pub(super) session: SessionName,
    pub(super) call: CallId,
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

/// What a caller is told whose call was not admitted: it may have run before.
pub(super) fn rejection(why: &Rejection) -> Status {
    let (code, text) = rejected(why);
    Status::new(code, MAY_STILL_RUN, text)
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
