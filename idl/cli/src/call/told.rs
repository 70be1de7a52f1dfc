//! What is told of a call: whether it ran, how long it took, what it failed by.

use super::{Called, Ended, message};
use crate::json;
use crate::remote::Road;
use idl::descriptor::MethodDescriptor;
use prost_reflect::DescriptorPool;
use rpc_runtime::{AnyError, Bytes, CallError, Executed};
use std::fmt::{self, Write};
use std::io::ErrorKind;
use std::time::Duration;

/// The exit status of what Ctrl-C has ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// How a call travelled, how long it took, and how many items there were if it streams.
pub(super) struct How {
    pub(super) road: Road,
    pub(super) took: Duration,
    pub(super) sent: Option<u64>,
    pub(super) received: Option<u64>,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let road = match self.road {
            Road::Native => "natively",
            Road::Grpc => "over gRPC",
        };
        write!(f, " in {:.2} ms, {road}", self.took.as_secs_f64() * 1000.0)?;
        match (self.sent, self.received) {
            (None, None) => Ok(()),
            (Some(sent), None) => write!(f, ", after {} sent", items(sent)),
            (None, Some(received)) => write!(f, ", after {} received", items(received)),
            (Some(sent), Some(received)) => write!(f, ", after {} sent and {received} received", items(sent)),
        }
    }
}

fn items(count: u64) -> String {
    format!("{count} item{}", if count == 1 { "" } else { "s" })
}

/// The words for one call.
pub(super) struct Told<'a> {
    pub(super) method: &'a MethodDescriptor,
    pub(super) pool: &'a DescriptorPool,
    pub(super) how: How,
}

impl Told<'_> {
    pub(super) fn tell(&self, ended: Ended) -> Called {
        let how = &self.how;
        let (told, status) = match ended {
            Ended::Complete => (format!("Completed{how}\n"), 0),
            Ended::Failed(AnyError::Method(error)) => (self.own(&error), 1),
            Ended::Failed(AnyError::Call(error)) => (failed(&error, how), 1),
            Ended::Cancelled => (format!("Unknown{how}: cancelled\n"), INTERRUPTED),
            Ended::Wrong(error) => (format!("Unknown{how}: cancelled, as there is no next item to send\n{error}\n"), 1),
            Ended::Unshown(error) if self.method.server_streaming => {
                (format!("Unknown{how}: cancelled, as the next item cannot be shown: {error}\n"), 1)
            }
            Ended::Unshown(error) => (format!("Completed{how}: its reply cannot be shown: {error}\n"), 1),
            // Who reads has seen enough.
            Ended::Unwritten(error) if error.kind() == ErrorKind::BrokenPipe => (String::new(), 0),
            Ended::Unwritten(error) => {
                (format!("Unknown{how}: cancelled, as the output cannot be written: {error}\n"), 2)
            }
        };
        Called { told, status }
    }

    /// The method's own error.
    fn own(&self, error: &Bytes) -> String {
        let how = &self.how;
        let name = self.method.options.as_ref().map_or("", |options| &options.rpc.error);
        let shown = message(self.pool, name).and_then(|descriptor| json::decode(&descriptor, error));
        let shown = shown.unwrap_or_else(|_| format!("{} bytes that cannot be shown", error.len()));
        format!("Completed{how}: the method returned its error {}\n{shown}\n", name.trim_start_matches('.'))
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
