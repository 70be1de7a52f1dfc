//! Clients that register and look up, as many at a time as asked for.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rpc_runtime::directory::Registration;
use rpc_runtime::directory::nameserver::{NAMESERVER_INSTANCE, Nameserver, NameserverClient};
use rpc_runtime::{Incarnation, Node, Selector};
use tokio::task::JoinSet;

use super::name;
use crate::contender::Error;

/// Nothing is renewed while this program runs.
const TTL: Duration = Duration::from_secs(3_600);
/// A node has so many exporters, which share its incarnation.
const EXPORTS_PER_NODE: usize = 10;

/// Latencies are kept to so many digits.
const DIGITS: u8 = 2;

/// Clients of one nameserver.
pub(super) struct Load {
    bindings: Vec<NameserverClient>,
    _node: Node,
}

/// What a number of equal calls took.
pub(super) struct Taken {
    /// Of each call, in nanoseconds.
    pub(super) latencies: Histogram<u64>,
    /// Of all of them together.
    pub(super) time: Duration,
}

impl Taken {
    /// Calls a second.
    pub(super) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }
}

impl Load {
    /// Binds so often to the nameserver at `address`.
    pub(super) async fn connect(address: &str, bindings: usize) -> Result<Load, Error> {
        let node = Node::builder().start().await?;
        let mut clients = Vec::new();
        for _ in 0..bindings {
            clients.push(node.import_at(address, NAMESERVER_INSTANCE).await?);
        }
        Ok(Load { bindings: clients, _node: node })
    }

    /// Registers the exporters of these numbers, so many at a time on each binding. One at a time altogether for 1.
    pub(super) async fn register(&self, numbers: Range<usize>, in_flight: usize) -> Result<Taken, Error> {
        let bindings = if in_flight == 1 { &self.bindings[..1] } else { &self.bindings[..] };
        let next = Arc::new(AtomicUsize::new(numbers.start));
        let call = move |client: NameserverClient, mut latencies: Histogram<u64>| {
            let next = Arc::clone(&next);
            async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return Ok(latencies);
                    }
                    let begun = Instant::now();
                    client.ns_register(registration(number), uuid::Uuid::from_u128(number as u128), None).await?;
                    latencies.record(begun.elapsed().as_nanos() as u64)?;
                }
            }
        };
        run(bindings, in_flight, call).await
    }

    /// Looks up exporters of the first `names` numbers at random for so long, so many at a time on each binding.
    pub(super) async fn lookup(&self, names: usize, in_flight: usize, time: Duration) -> Result<Taken, Error> {
        let is_over = Arc::new(AtomicBool::new(false));
        let alarm = Arc::clone(&is_over);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            alarm.store(true, Ordering::Relaxed);
        });
        let call = move |client: NameserverClient, mut latencies: Histogram<u64>| {
            let is_over = Arc::clone(&is_over);
            async move {
                while !is_over.load(Ordering::Relaxed) {
                    let (interface, instance) = name(fastrand::usize(..names));
                    let begun = Instant::now();
                    let looked = client.ns_lookup(interface, Selector::Instance(instance)).await?;
                    latencies.record(begun.elapsed().as_nanos() as u64)?;
                    if looked.entries.len() != 1 {
                        return Err("a name is missing".into());
                    }
                }
                Ok(latencies)
            }
        };
        run(&self.bindings, in_flight, call).await
    }
}

/// Runs `call` so many times at once on each binding, and waits for all of them.
async fn run<F>(
    bindings: &[NameserverClient],
    in_flight: usize,
    call: impl Fn(NameserverClient, Histogram<u64>) -> F,
) -> Result<Taken, Error>
where
    F: Future<Output = Result<Histogram<u64>, Error>> + Send + 'static,
{
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for client in bindings {
        for _ in 0..in_flight {
            calls.spawn(call(client.clone(), Histogram::new(DIGITS)?));
        }
    }
    let mut latencies = Histogram::new(DIGITS)?;
    while let Some(ended) = calls.join_next().await {
        latencies.add(ended??)?;
    }
    Ok(Taken { latencies, time: begun.elapsed() })
}

fn registration(number: usize) -> Registration {
    let (interface, instance) = name(number);
    let node = number / EXPORTS_PER_NODE;
    let mut registration =
        Registration::new(interface, instance, Incarnation::new(uuid::Uuid::from_u128(node as u128)));
    registration.endpoints = vec![format!("tcp://10.{}.{}.{}:4711", node >> 16, node >> 8 & 0xff, node & 0xff)];
    registration.labels.insert("zone".to_owned(), format!("z{}", number % 3));
    registration.ttl = TTL;
    registration
}
