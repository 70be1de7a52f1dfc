//! The trace of a run: a hash over everything that happened in it, and on demand the same in words.
//!
//! The simulated network tells of its messages by `tracing` events; [`Tap`] listens to them. A run is one thread, so its
//! trace is the thread's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Metadata, Subscriber};

/// The crate that simulates the network, as its events name it.
const NETWORK: &str = "turmoil";
/// So many characters of a message's bytes are shown.
const SHOWN_BYTES_MAX: usize = 90;

thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
}

/// What happened so far in the run of this thread.
#[derive(Default)]
pub struct Trace {
    now: Duration,
    hash: DefaultHasher,
    network_events: u64,
    names: BTreeMap<String, &'static str>,
    lines: Option<Vec<String>>,
}

/// Begins a new trace. `names` are the hosts by address; `in_words` keeps it readable too.
pub fn begin(names: BTreeMap<String, &'static str>, in_words: bool) {
    TRACE.set(Trace { names, lines: in_words.then(Vec::new), ..Trace::default() });
}

/// Ends the trace: its hash, the number of network events in it, its lines.
pub fn end() -> (u64, u64, Vec<String>) {
    let trace = TRACE.take();
    (trace.hash.finish(), trace.network_events, trace.lines.unwrap_or_default())
}

/// What follows happens at `now`.
pub fn set_now(now: Duration) {
    TRACE.with_borrow_mut(|trace| trace.now = now);
}

/// The time that the trace has come to.
pub fn now() -> Duration {
    TRACE.with_borrow(|trace| trace.now)
}

/// Something happened that the network does not tell of.
pub fn event(what: fmt::Arguments<'_>) {
    TRACE.with_borrow_mut(|trace| {
        trace.stamp();
        // Writing to a hash does not fail.
        let _ = Hashed(&mut trace.hash).write_fmt(what);
        let now = trace.now;
        if let Some(lines) = &mut trace.lines {
            lines.push(format!("{:>8.3} s  {what}", now.as_secs_f64()));
        }
    });
}

impl Trace {
    fn stamp(&mut self) {
        self.hash.write_u128(self.now.as_nanos());
    }
}

/// Text as it goes into the hash.
struct Hashed<'a>(&'a mut DefaultHasher);

impl fmt::Write for Hashed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// Text up to a length; formatting ends there.
struct Shown<'a>(&'a mut String, usize);

impl fmt::Write for Shown<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.len() > self.1 { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Listens to the network, and with a readable trace to the runtime's own log.
#[derive(Debug, Clone, Copy)]
pub struct Tap {
    /// Whether the runtime's log is wanted.
    pub with_log: bool,
}

impl Subscriber for Tap {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let of_runtime = self.with_log && metadata.target().starts_with("rpc_runtime");
        metadata.is_event() && (metadata.target() == NETWORK || of_runtime)
    }

    fn event(&self, event: &Event<'_>) {
        TRACE.with_borrow_mut(|trace| match event.metadata().target() {
            NETWORK => trace.network_event(event),
            target => trace.log(target, event),
        });
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

impl Trace {
    fn network_event(&mut self, event: &Event<'_>) {
        self.stamp();
        self.network_events += 1;
        let mut shown = self.lines.is_some().then(String::new);
        event.record(&mut Message { hash: &mut self.hash, shown: shown.as_mut(), is_sent: false });
        if let (Some(mut text), Some(lines)) = (shown, &mut self.lines) {
            for (address, name) in &self.names {
                text = text.replace(&format!("{address}:"), &format!("{name}:"));
            }
            lines.push(format!("{:>8.3} s    {text}", self.now.as_secs_f64()));
        }
    }

    fn log(&mut self, target: &str, event: &Event<'_>) {
        if let Some(lines) = &mut self.lines {
            let mut text = String::new();
            event.record(&mut Logged(&mut text));
            lines.push(format!("{:>8.3} s      {target}:{text}", self.now.as_secs_f64()));
        }
    }
}

/// One event of the network. Its bytes go into the hash once, when they are sent.
struct Message<'a> {
    hash: &'a mut DefaultHasher,
    shown: Option<&'a mut String>,
    is_sent: bool,
}

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let is_bytes = field.name() == "protocol";
        if field.name() == "message" {
            self.is_sent = format!("{value:?}") == "Send";
        }
        if !is_bytes || self.is_sent {
            // Writing to a hash does not fail.
            let _ = write!(Hashed(self.hash), "{value:?} ");
        }
        if let Some(shown) = &mut self.shown {
            let length = shown.len() + if is_bytes { SHOWN_BYTES_MAX } else { usize::MAX - shown.len() };
            // Ends where enough is shown.
            let _ = write!(Shown(shown, length), "{value:?} ");
        }
    }
}

/// One event of the runtime's log.
struct Logged<'a>(&'a mut String);

impl Visit for Logged<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
