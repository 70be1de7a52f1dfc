//! `idl call`: one call, described at run time.

use crate::close::advice;
use crate::json;
use crate::reach::Reach;
use crate::remote::{Bound, Remote, Road};
use idl::Interface;
use idl::descriptor::MethodDescriptor;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use rpc_runtime::{AnyError, CallError, Executed};
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What came of a call: the reply as JSON, if there is one, and what is told beside it.
pub(crate) struct Called {
    pub(crate) reply: Option<String>,
    pub(crate) told: String,
}

/// Calls `method`, which is `Interface/Method`.
pub(crate) async fn call(
    target: &str,
    method: &str,
    request: &str,
    proto: Option<&Path>,
    includes: &[PathBuf],
    reach: &Reach,
) -> Result<Called, String> {
    let Some((interface, method)) = method.trim_start_matches('/').rsplit_once('/') else {
        return Err(format!("`{method}` is no Interface/Method: write library.v1.Store/CheckOut"));
    };
    let remote = Remote::new(target, reach).await?;
    let bound = remote.bind(interface, proto.map(|file| (file, includes))).await?;
    let called = call_bound(&bound, method, request).await;
    drop(bound);
    remote.close().await;
    called
}

async fn call_bound(bound: &Bound, name: &str, request: &str) -> Result<Called, String> {
    let interface = bound.any.interface();
    let method = find(interface, name)?;
    if method.client_streaming || method.server_streaming {
        return Err(format!("{} streams: `idl call` makes calls with one request and one reply", method.name));
    }
    let pool = DescriptorPool::decode(idl::files(std::slice::from_ref(interface)).to_bytes())
        .map_err(|error| format!("the description of {} is not sound: {error}", interface.name()))?;
    let request = json::encode(&message(&pool, &method.input_type)?, &text(request)?)?;
    let begun = Instant::now();
    let ended = bound.any.call(&method.name, request.into()).await;
    let how = How { road: bound.road, took: begun.elapsed() };
    match ended {
        Ok(reply) => {
            let reply = json::decode(&message(&pool, &method.output_type)?, &reply);
            Ok(match reply {
                Ok(reply) => Called { reply: Some(reply + "\n"), told: format!("Completed{how}\n") },
                Err(error) => {
                    Called { reply: None, told: format!("Completed{how}: its reply cannot be shown: {error}\n") }
                }
            })
        }
        Err(AnyError::Method(error)) => {
            let name = method.options.as_ref().map_or("", |options| &options.rpc.error);
            let shown = message(&pool, name).and_then(|descriptor| json::decode(&descriptor, &error));
            let name = name.trim_start_matches('.');
            let shown = shown.unwrap_or_else(|_| format!("{} bytes that cannot be shown", error.len()));
            Ok(Called { reply: None, told: format!("Completed{how}: the method returned its error {name}\n{shown}\n") })
        }
        Err(AnyError::Call(error)) => Ok(Called { reply: None, told: failed(&error, &how) }),
    }
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

/// The request as it was given, or what comes in.
fn text(request: &str) -> Result<String, String> {
    let mut text = String::new();
    match request {
        "-" => std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| format!("the request cannot be read: {error}"))?,
        given => return Ok(given.to_owned()),
    };
    Ok(text)
}

/// How a call travelled, and how long it took.
struct How {
    road: Road,
    took: Duration,
}

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let road = match self.road {
            Road::Native => "natively",
            Road::Grpc => "over gRPC",
        };
        write!(f, " in {:.2} ms, {road}", self.took.as_secs_f64() * 1000.0)
    }
}

fn failed(error: &CallError, how: &How) -> String {
    let verdict = match error.executed() {
        Executed::Never => "Never",
        Executed::Completed => "Completed",
        Executed::Unknown { .. } => "Unknown",
    };
    let mut told = format!("{verdict}{how}: {:?}: {error}\n", error.kind());
    if let Some(nested) = error.nested() {
        let _ = writeln!(told, "  a call that it made failed: {}: {}", nested.kind, nested.text);
    }
    told
}
