//! A call of a session: at most once (R33). It runs as a native call does, through the same table; its stream waits for the
//! answer, and a stream that is reset is no cancel.
//!
//! What a method takes as a stream is read from the first HTTP/2 stream of the call alone. What it opens goes to the newest, and is
//! given up with that: items are not recorded, so nobody could take it up again.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::sleep_until;

use super::body::Reading;
use super::codes::without_reply;
use super::ended::{answer, late, refused};
use super::items::Requests;
use super::message::Messages;
use super::names::{Names, rejection};
use super::opened;
use super::respond::Respond;
use super::routes::Route;
use super::status::Status;
use super::stream::Asked;
use crate::context::Beside;
use crate::error::Code;
use crate::executed::MAY_STILL_RUN;
use crate::protocol::control::{Refused, Rejection};
use crate::protocol::frame::{Call, CallHeader, Status as Verdict};
use crate::protocol::time::{CalleeTime, Time};
use crate::run::{Opened, Run, Spares, run_in_turn};
use crate::served::{Answer, Received, Served, Told};
use crate::server::Server;
use crate::{spare, sync};

/// A call that names a session which it may use.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) served: Arc<Served>,
    pub(super) names: Names,
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
        let Asked { peer, route, arguments, items, beside, until, has_timeout } = asked;
        let server = Arc::clone(&peer.server);
        let start_before = if until == Time::NEVER { CalleeTime::NEVER } else { CalleeTime(until.as_micros()) };
        let header =
            CallHeader { id: names.call, recorded: true, oneway: false, start_before, method: route.method.id };
        let (tell, told) = oneshot::channel();
        let waiting = Waiting { route, server: Arc::clone(&server), until: has_timeout.then_some(until) };
        // A stream may live for long, so it waits for no handler's place and takes none from others.
        let has_streams = waiting.route.method.has_streams();
        let permit = if has_streams { None } else { Arc::clone(&server.handlers).try_acquire_owned().ok() };
        let may_run = has_streams || permit.is_some();
        let now = server.clock.now();
        let reading = match served.receive_foreign(names.session.token, &header, &arguments, may_run, tell, now) {
            Err(why) => return respond.fail(&rejection(&why)),
            Ok(Received::Close(_)) => return respond.fail(&rejection(&Rejection::UnknownSession { running: false })),
            Ok(Received::Answered) => {
                // A stream that is sent again was read the first time: what comes of it is dropped by HTTP/2.
                drop(items);
                None
            }
            Ok(Received::Queue) => {
                queue(Arc::clone(&served), Call { header, arguments }, beside);
                None
            }
            Ok(Received::Run(started)) => {
                server.counters.calls_executed.add();
                started.context.clone().with_beside(beside);
                begin(Run::new(&served, header, started, permit), &arguments, items, now)
            }
        };
        let answered = waiting.wait(told, respond);
        match reading {
            Some(reading) => reading.during(answered).await,
            None => answered.await,
        }
    }
}

/// Runs a call in place as far as it goes. Gives what is to be read for it meanwhile.
fn begin(mut run: Run<&Arc<Served>>, arguments: &Bytes, items: Option<Box<Messages>>, now: Time) -> Option<Reading> {
    let Some(mut items) = items else {
        run.begin(arguments, &mut Spares::default(), now);
        return None;
    };
    let reading = items.read_ahead();
    run.begin_foreign(arguments, Box::new(Requests(items)), now);
    reading
}

/// Runs a call when its turn comes, in a task that ends with it.
fn queue(served: Arc<Served>, call: Call, beside: Beside) {
    sync::spawn(run_in_turn(served, call, Some(beside)));
}

/// A stream that waits for what becomes of its call.
struct Waiting {
    route: Route,
    server: Arc<Server>,
    /// How long the caller waits, if it said so.
    until: Option<Time>,
}

impl Waiting {
    async fn wait(self, mut told: oneshot::Receiver<Told>, mut respond: Respond) {
        let late_at = self.server.clock.instant(self.until.unwrap_or(Time::NEVER));
        let told = tokio::select! {
            biased;
            told = &mut told => told,
            // The call goes on: whoever sends it again is told.
            () = poll_fn(|cx| respond.poll_gone(cx)) => return,
            () = sleep_until(late_at), if self.until.is_some() => return respond.fail(&late()),
        };
        match told {
            Ok(Told::Answer(answered)) => self.answer(answered, respond).await,
            Ok(Told::Opened(opened, told)) => Box::pin(self.carry(opened, told, respond)).await,
            told => respond.fail(&given_up(told)),
        }
    }

    /// Sends what the method has opened, until it ends or the call is sent again. That is recorded first.
    async fn carry(self, mut opened: Opened, told: oneshot::Receiver<Told>, respond: Respond) {
        let Some((items, context)) = opened.stream() else { return };
        let given_up = async { given_up(told.await) };
        let stream = opened::Opened { items, context, until: self.until };
        let sent = stream.send(&self.server, Some(respond), given_up).await;
        opened.ended(sent.error());
        sent.tell(&self.route, &self.server);
    }

    async fn answer(&self, answered: Answer, mut respond: Respond) {
        let Answer { status, body, beside } = answered;
        match status {
            Verdict::Value | Verdict::Error | Verdict::Fault => {
                answer(status, &body, &beside, &self.route, &self.server, respond).await;
            }
            Verdict::Refused => match idl::from_slice::<Refused>(&body.to_vec()) {
                Ok(Refused { why, text }) => respond.fail(&refused(why, &text)),
                Err(error) => respond.fail(&Status::never(Code::Unavailable, error.to_string())),
            },
            status => respond.fail(&without_reply(status, self.route.method)),
        }
        spare::keep(body);
    }
}

/// What a stream is told that waits no longer: its call was sent again, or the session has ended.
fn given_up(told: Result<Told, oneshot::error::RecvError>) -> Status {
    rejection(&match told {
        Ok(_) => Rejection::Superseded,
        Err(_ended) => Rejection::UnknownSession { running: true },
    })
}
