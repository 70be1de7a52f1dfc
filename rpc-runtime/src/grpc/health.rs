//! `grpc.health.v1.Health`: whether an interface, or the whole node, takes calls.

use std::future::poll_fn;
use std::sync::Arc;

use super::message::Messages;
use super::respond::Respond;
use super::shared::Phase;
use super::status::Status;
use super::stream::no_message;
use crate::Message;
use crate::context::BesideReply;
use crate::error::Code;
use crate::server::Server;

/// The service's full name.
pub(super) const NAME: &str = "grpc.health.v1.Health";

#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct CheckRequest {
    service: String,
}

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "crate")]
struct CheckResponse {
    status: ServingStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Message)]
#[rpc(crate = "crate")]
enum ServingStatus {
    #[rpc(tag = 1)]
    Serving,
    #[rpc(tag = 2)]
    NotServing,
    #[rpc(tag = 3)]
    ServiceUnknown,
}

#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct ListResponse {
    statuses: std::collections::BTreeMap<String, CheckResponse>,
}

/// Answers one call of the service. It is answered while the node drains too.
pub(super) async fn serve(server: &Arc<Server>, method: &str, mut messages: Messages, mut respond: Respond) {
    let limit = server.limits.call_timeout;
    let request = match tokio::time::timeout(limit, messages.only()).await {
        Ok(Ok(request)) => request.unwrap_or_default(),
        Ok(Err(error)) => return respond.fail(&no_message(&error)),
        Err(_elapsed) => return,
    };
    let service = match idl::from_slice::<CheckRequest>(&request) {
        Ok(request) => request.service,
        Err(error) => return respond.fail(&Status::never(Code::InvalidArgument, error.to_string())),
    };
    match method {
        "Check" => match status_of(server, &service) {
            ServingStatus::ServiceUnknown => {
                respond.fail(&Status::never(Code::NotFound, format!("this node exports no interface `{service}`")));
            }
            status => reply(&CheckResponse { status }, respond).await,
        },
        "List" => {
            let names = server.grpc.routes.interfaces().into_iter().chain([String::new()]);
            let statuses = names.map(|name| {
                let status = status_of(server, &name);
                (name, CheckResponse { status })
            });
            reply(&ListResponse { statuses: statuses.collect() }, respond).await;
        }
        "Watch" => watch(server, &service, respond).await,
        _ => respond.fail(&Status::never(Code::Unimplemented, format!("`{NAME}` has no method `{method}`"))),
    }
}

async fn reply(message: &impl Message, respond: Respond) {
    let mut reply = crate::spare::writer();
    idl::encode_message(message, &mut reply);
    respond.reply(&reply, &BesideReply::default()).await;
}

/// Tells the status now, and whenever it changes. Ends with its caller, or with the node.
async fn watch(server: &Arc<Server>, service: &str, respond: Respond) {
    let (mut offers, mut phases) = (server.grpc.offers(), server.grpc.phases());
    let Some(mut sending) = respond.stream() else { return };
    let mut told = None;
    loop {
        offers.borrow_and_update();
        let phase = *phases.borrow_and_update();
        let status = status_of(server, service);
        if told != Some(status) {
            let message = idl::to_vec(&CheckResponse { status }).unwrap_or_default();
            if !sending.send_message(&message).await {
                return;
            }
            told = Some(status);
        }
        if phase == Phase::Closing {
            return sending.fail(&Status::never(Code::Unavailable, "this node is shutting down"));
        }
        tokio::select! {
            // The senders live in the server.
            _ = offers.changed() => {}
            _ = phases.changed() => {}
            () = poll_fn(|cx| sending.poll_gone(cx)) => return,
        }
    }
}

/// The empty name is the whole node's.
fn status_of(server: &Server, service: &str) -> ServingStatus {
    let is_known = service.is_empty() || server.grpc.routes.has(service);
    match is_known {
        false => ServingStatus::ServiceUnknown,
        true if server.is_draining() => ServingStatus::NotServing,
        true => ServingStatus::Serving,
    }
}
