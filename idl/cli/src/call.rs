//! `idl call`: one call, described at run time.

mod told;

use self::told::{How, Told};
use crate::close::advice;
use crate::json;
use crate::reach::Reach;
use crate::remote::{Bound, Remote};
use crate::requests::{self, Requests, Source};
use idl::Interface;
use idl::descriptor::MethodDescriptor;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use rpc_runtime::AnyError;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::oneshot;

/// What came of a call, of which the replies were printed already: what is told beside them, and the exit status.
pub(crate) struct Called {
    pub(crate) told: String,
    pub(crate) status: u8,
}

/// Calls `method`, which is `Interface/Method`.
pub(crate) async fn call(
    target: &str,
    method: &str,
    request: Option<&str>,
    proto: Option<&Path>,
    includes: &[PathBuf],
    reach: &Reach,
) -> Result<Called, String> {
    let Some((interface, method)) = method.trim_start_matches('/').rsplit_once('/') else {
        return Err(format!("`{method}` is no Interface/Method: write library.v1.Store/CheckOut"));
    };
    let remote = Remote::new(target, reach).await?;
    let bound = remote.bind(interface, proto.map(|file| (file, includes))).await?;
    let called = match Calling::new(&bound, method, request) {
        Ok((calling, requests)) => Ok(calling.run(requests).await),
        Err(error) => Err(error),
    };
    drop(bound);
    remote.close().await;
    called
}

/// A call that is made.
struct Calling<'a> {
    bound: &'a Bound,
    method: &'a MethodDescriptor,
    pool: DescriptorPool,
    output: MessageDescriptor,
    received: u64,
}

/// How a call has come to its end.
enum Ended {
    Complete,
    Failed(AnyError),
    /// By Ctrl-C.
    Cancelled,
    /// A request cannot be sent.
    Wrong(String),
    /// A reply cannot be shown.
    Unshown(String),
    /// A reply cannot be written.
    Unwritten(std::io::Error),
}

impl<'a> Calling<'a> {
    fn new(bound: &'a Bound, name: &str, request: Option<&str>) -> Result<(Calling<'a>, Requests), String> {
        let interface = bound.any.interface();
        let method = find(interface, name)?;
        let pool = DescriptorPool::decode(idl::files(std::slice::from_ref(interface)).to_bytes())
            .map_err(|error| format!("the description of {} is not sound: {error}", interface.name()))?;
        let input = message(&pool, &method.input_type)?;
        let requests = match (method.client_streaming, request) {
            (true, None) => return Err(no_requests(method, &input)),
            (true, Some(given)) => requests::stream(&Source::of(given), &input)?,
            (false, given) => requests::one(&Source::of(given.unwrap_or("{}")), &method.name, &input)?,
        };
        let output = message(&pool, &method.output_type)?;
        Ok((Calling { bound, method, pool, output, received: 0 }, requests))
    }

    async fn run(mut self, requests: Requests) -> Called {
        let begun = Instant::now();
        let Requests { stream, sent, wrong } = requests;
        let ended = tokio::select! {
            biased;
            error = first(wrong) => Ended::Wrong(error),
            _ = tokio::signal::ctrl_c() => Ended::Cancelled,
            ended = self.exchange(stream) => ended,
        };
        let how = How {
            road: self.bound.road,
            took: begun.elapsed(),
            sent: self.method.client_streaming.then(|| sent.load(Ordering::Relaxed)),
            received: self.method.server_streaming.then_some(self.received),
        };
        Told { method: self.method, pool: &self.pool, how }.tell(ended)
    }

    /// Calls, and prints what comes as it comes.
    async fn exchange(&mut self, requests: rpc_runtime::Streaming<rpc_runtime::Bytes>) -> Ended {
        let mut replies = match self.bound.any.open(&self.method.name, requests).await {
            Ok(replies) => replies,
            Err(error) => return Ended::Failed(error),
        };
        while let Some(reply) = replies.next().await {
            let shown = match (reply, self.method.server_streaming) {
                (Ok(reply), true) => json::decode_line(&self.output, &reply),
                (Ok(reply), false) => json::decode(&self.output, &reply),
                (Err(error), _) => return Ended::Failed(error),
            };
            let shown = match shown {
                Ok(shown) => shown,
                Err(error) => return Ended::Unshown(error),
            };
            let mut out = std::io::stdout().lock();
            if let Err(error) = writeln!(out, "{shown}").and_then(|()| out.flush()) {
                return Ended::Unwritten(error);
            }
            self.received += 1;
        }
        Ended::Complete
    }
}

/// What it says, if it ever says something.
async fn first(wrong: oneshot::Receiver<String>) -> String {
    match wrong.await {
        Ok(error) => error,
        Err(_closed) => std::future::pending().await,
    }
}

fn no_requests(method: &MethodDescriptor, input: &MessageDescriptor) -> String {
    format!(
        "{} takes a stream of {}, and was given none\n  write them one after the other: \'{{…}} {{…}}\'; @FILE reads them from a file, - from \
         stdin as they come, and \'\' is a stream without any\n  {}",
        method.name,
        input.full_name(),
        json::fields(input)
    )
}

/// The method that a user has named, as it is on the wire or as it is in Rust.
fn find<'i>(interface: &'i Interface, name: &str) -> Result<&'i MethodDescriptor, String> {
    let methods = || interface.file().service.iter().flat_map(|service| &service.method);
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let exact = methods().find(|method| method.name == name);
    exact.or_else(|| methods().find(|method| plain(&method.name) == plain(name))).ok_or_else(|| {
        let names: Vec<&str> = methods().map(|method| method.name.as_str()).collect();
        format!("{} has no method `{name}`{}", interface.name(), advice(name, &names))
    })
}

fn message(pool: &DescriptorPool, name: &str) -> Result<MessageDescriptor, String> {
    let name = name.trim_start_matches('.');
    pool.get_message_by_name(name).ok_or_else(|| format!("`{name}` is not described"))
}
