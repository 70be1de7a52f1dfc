//! What a user gives a call as its requests: JSON values, one after the other, at once or as they come.

use crate::json;
use futures_core::Stream;
use prost_reflect::MessageDescriptor;
use rpc_runtime::{Bytes, CallError, Streaming};
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, IsTerminal, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// So much is shown of what is wrong.
const SHOWN_MAX: usize = 40;

/// Where the requests come from.
pub(crate) enum Source {
    /// They are written in the command.
    Given(String),
    Stdin,
    File(String),
}

impl Source {
    /// What the argument says: JSON, `-` or `@file`.
    pub(crate) fn of(argument: &str) -> Source {
        match (argument, argument.strip_prefix('@')) {
            ("-", _) => Source::Stdin,
            (_, Some(path)) => Source::File(path.to_owned()),
            _ => Source::Given(argument.to_owned()),
        }
    }

    fn open(&self) -> Result<Box<dyn BufRead + Send>, String> {
        Ok(match self {
            Source::Given(text) => Box::new(Cursor::new(text.clone().into_bytes())),
            Source::Stdin => Box::new(BufReader::new(std::io::stdin())),
            Source::File(path) => {
                let file = File::open(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
                Box::new(BufReader::new(file))
            }
        })
    }
}

/// The one request of a method that takes one.
pub(crate) fn one(source: &Source, method: &str, descriptor: &MessageDescriptor) -> Result<Requests, String> {
    let mut values = Values::default();
    let read = source.open()?.read_to_string(&mut values.text);
    read.map_err(|error| format!("the request cannot be read: {error}"))?;
    let takes = format!("{method} takes one request, a {}", descriptor.full_name());
    let Some(first) = values.next(true) else {
        return Err(format!(
            "{takes}, and was given none: write {{}} for an empty one\n  {}",
            json::fields(descriptor)
        ));
    };
    let request = json::encode(descriptor, &first)?;
    match values.next(true) {
        None => Ok(Requests::of(vec![request.into()])),
        Some(second) => Err(format!("{takes}, and was given more: behind it comes {}", shown(&second))),
    }
}

/// The requests of a method that takes a stream of them.
pub(crate) struct Requests {
    pub(crate) stream: Streaming<Bytes>,
    /// How many were taken so far.
    pub(crate) sent: Arc<AtomicU64>,
    /// What is wrong with the next one. Nothing, if this closes.
    pub(crate) wrong: oneshot::Receiver<String>,
}

impl Requests {
    fn new(stream: Streaming<Bytes>, wrong: oneshot::Receiver<String>) -> Requests {
        let sent = Arc::new(AtomicU64::new(0));
        let stream = Streaming::new(Counted { stream, count: Arc::clone(&sent) });
        Requests { stream, sent, wrong }
    }

    /// All that there are: nobody says that something is wrong.
    fn of(items: Vec<Bytes>) -> Requests {
        Requests::new(Streaming::from_iter(items), oneshot::channel().1)
    }
}

/// A stream whose items are counted as they are taken.
struct Counted {
    stream: Streaming<Bytes>,
    count: Arc<AtomicU64>,
}

impl Stream for Counted {
    type Item = Result<Bytes, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.stream).poll_next(cx);
        if matches!(next, Poll::Ready(Some(Ok(_)))) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        next
    }
}

/// Requests of a stream. Those that are given at once are all looked at before the first is sent.
pub(crate) fn stream(source: &Source, descriptor: &MessageDescriptor) -> Result<Requests, String> {
    if let Source::Given(text) = source {
        let mut values = Values { text: text.clone() };
        let mut items = Vec::new();
        while let Some(value) = values.next(true) {
            items.push(item(descriptor, &value, items.len() as u64 + 1)?);
        }
        return Ok(Requests::of(items));
    }
    let is_typed = matches!(source, Source::Stdin) && std::io::stdin().is_terminal();
    if is_typed {
        let (name, fields) = (descriptor.full_name(), json::fields(descriptor));
        say(&format!("type each {name} as JSON; {fields}\nCtrl-D ends the stream, Ctrl-C cancels the call"));
    }
    let mut reading = Reading {
        input: source.open()?,
        descriptor: descriptor.clone(),
        is_typed,
        is_over: false,
        values: Values::default(),
    };
    let (tell, wrong) = oneshot::channel();
    let (sender, stream) = Streaming::channel();
    let runtime = Handle::current();
    // It may wait for its next line for ever, and goes with the process then.
    std::thread::spawn(move || {
        for number in 1.. {
            match reading.next(number) {
                Ok(Some(item)) if runtime.block_on(sender.send(item.clone())).is_ok() => {}
                Ok(_) => return,
                Err(error) => {
                    let _ = tell.send(error);
                    // The stream must not end as if it were complete: its call is cancelled.
                    return runtime.block_on(sender.closed());
                }
            }
        }
    });
    Ok(Requests::new(stream, wrong))
}

fn item(descriptor: &MessageDescriptor, value: &str, number: u64) -> Result<Bytes, String> {
    json::encode(descriptor, value).map(Bytes::from).map_err(|error| format!("item {number}: {error}"))
}

/// Requests as they come, line by line.
struct Reading {
    input: Box<dyn BufRead + Send>,
    descriptor: MessageDescriptor,
    /// By a person, who can be told what is wrong, and types it again.
    is_typed: bool,
    is_over: bool,
    values: Values,
}

impl Reading {
    /// The next one, which has this number; `None` at the end.
    fn next(&mut self, number: u64) -> Result<Option<Bytes>, String> {
        loop {
            if let Some(value) = self.values.next(self.is_over) {
                match item(&self.descriptor, &value, number) {
                    Err(error) if self.is_typed => say(&error),
                    item => return item.map(Some),
                }
            } else if self.is_over {
                return Ok(None);
            } else {
                let read = self.input.read_line(&mut self.values.text);
                self.is_over = read.map_err(|error| format!("item {number} cannot be read: {error}"))? == 0;
            }
        }
    }
}

/// Cuts text into JSON values.
#[derive(Default)]
struct Values {
    /// What was not taken yet.
    text: String,
}

impl Values {
    /// Takes the next value, if it is there: `is_all` that nothing follows. What is no JSON is taken with all that is behind it.
    fn next(&mut self, is_all: bool) -> Option<String> {
        let mut values = serde_json::Deserializer::from_str(&self.text).into_iter::<IgnoredAny>();
        let end = match values.next() {
            Some(Ok(_)) => values.byte_offset(),
            Some(Err(error)) if error.is_eof() && !is_all => return None,
            Some(Err(_)) => self.text.len(),
            None => {
                self.text.clear();
                return None;
            }
        };
        Some(self.text.drain(..end).as_str().trim().to_owned())
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Tells a person something while the call goes on.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::Values;

    fn values(text: &str) -> Vec<String> {
        let mut values = Values { text: text.to_owned() };
        std::iter::from_fn(|| values.next(true)).collect()
    }

    /// Values need nothing between them, and may go over lines; what is no JSON is the last.
    #[test]
    fn text_is_cut_into_values() {
        assert_eq!(values(r#" {"a": 1}{} [2]"#), [r#"{"a": 1}"#, "{}", "[2]"]);
        assert_eq!(values("1 2\n\"x\" {\n}\n"), ["1", "2", r#""x""#, "{\n}"]);
        assert_eq!(values("{} {a} {}"), ["{}", "{a} {}"]);
        assert_eq!(values("{} {"), ["{}", "{"]);
        assert_eq!(values(" \n"), [""; 0]);
    }

    /// A value that is not whole waits for the rest.
    #[test]
    fn a_value_waits_for_its_lines() {
        let mut values = Values { text: "{} {\n".to_owned() };
        assert_eq!((values.next(false).as_deref(), values.next(false)), (Some("{}"), None));
        values.text.push_str("}\n");
        assert_eq!((values.next(false).as_deref(), values.next(false)), (Some("{\n}"), None));
    }
}
