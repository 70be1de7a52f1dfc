//! The caller's process: it opens the sessions, calls, and says what the calls cost.

use std::cell::Cell;
use std::io::{Write, stdout};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rpc_runtime::{Bytes, Limits, Node};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::IDLE;
use super::cost::{Cost, Level, RAW, Way, Who, cpu_micros};
use super::exporter::{EchoClient, FOR_EVER, instance};
use crate::contender::{Address, Client, Contender, Error, Message};
use crate::contenders::{Visitor, visit};
use crate::{process, serve};

/// Calls in flight where there are many; an exporter grants slots for them.
const DEEP: usize = 32;
/// Bytes of an echo.
const VALUE_BYTES: usize = 64;
/// What follows the opening of sessions, such as giving back their first buffers, is over by then.
const SETTLING: Duration = Duration::from_millis(1_500);
/// Before anything is measured each way is taken for this share of its time.
const WARMING: f64 = 0.2;

/// What a caller is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Calling {
    pub(super) level: Level,
    pub(super) address: String,
    /// The exporter's process.
    pub(super) server: u32,
    /// How long to call in each way; to be idle if there is none.
    pub(super) seconds: Option<f64>,
    /// The one CPU that it may use.
    pub(super) cpu: usize,
}

/// Calls, and prints the costs as one line of JSON.
pub(super) fn run(calling: &Calling) -> Result<(), Error> {
    process::prepare(Some(calling.cpu))?;
    let costs = match calling.level.who {
        Who::Ours => serve::one_thread()?.block_on(ours(calling))?,
        Who::Raw => visit(RAW, Raw(calling))??,
    };
    writeln!(stdout(), "{}", serde_json::to_string(&costs)?)?;
    Ok(())
}

async fn ours(calling: &Calling) -> Result<Vec<Cost>, Error> {
    let mut limits = Limits::default();
    if calling.seconds.is_some() {
        limits.ping_after = FOR_EVER;
    }
    let node = Node::builder().limits(limits).start().await?;
    let mut clients = Vec::new();
    for number in 0..calling.level.sessions {
        let instance = instance(number % calling.level.exports);
        clients.push(node.import_at::<EchoClient>(&calling.address, instance).await?);
    }
    measure(calling, clients).await
}

struct Raw<'a>(&'a Calling);

impl Visitor for Raw<'_> {
    type Output = Result<Vec<Cost>, Error>;

    fn visit<C: Contender>(self) -> Result<Vec<Cost>, Error> {
        let address: Address = self.0.address.parse()?;
        serve::one_thread()?.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..self.0.level.sessions {
                clients.push(C::connect(&address).await?);
            }
            measure(self.0, clients).await
        })
    }
}

async fn measure<C: Client>(calling: &Calling, clients: Vec<C>) -> Result<Vec<Cost>, Error> {
    let Some(seconds) = calling.seconds else {
        let before = Used::now(calling)?;
        sleep(IDLE).await;
        return Ok(vec![before.since(calling, Way::Idle, IDLE.as_secs_f64())?]);
    };
    sleep(SETTLING).await;
    let clients: Rc<[C]> = clients.into();
    let mut costs = Vec::new();
    for way in [Way::OneSession, Way::OneSessionDeep, Way::InTurn] {
        call(&clients, way, Duration::from_secs_f64(seconds * WARMING)).await?;
        let before = Used::now(calling)?;
        let calls = call(&clients, way, Duration::from_secs_f64(seconds)).await?;
        costs.push(before.since(calling, way, calls as f64)?);
    }
    Ok(costs)
}

/// CPU time in microseconds.
struct Used {
    server: f64,
    client: f64,
}

impl Used {
    fn now(calling: &Calling) -> Result<Used, Error> {
        Ok(Used { server: cpu_micros(calling.server)?, client: cpu_micros(std::process::id())? })
    }

    /// What has been used since, for each of so many.
    fn since(&self, calling: &Calling, way: Way, count: f64) -> Result<Cost, Error> {
        let now = Used::now(calling)?;
        Ok(Cost { way, server: (now.server - self.server) / count, client: (now.client - self.client) / count })
    }
}

/// Calls for so long; gives how often.
async fn call<C: Client>(clients: &Rc<[C]>, way: Way, time: Duration) -> Result<u64, Error> {
    let until = Instant::now() + time;
    // One in the middle: neither the first nor the last that was opened.
    let (first, step) = (clients.len() / 2, if way == Way::InTurn { 1 } else { 0 });
    let next = Rc::new(Cell::new(first));
    let mut callers = JoinSet::new();
    for _ in 0..if way == Way::OneSessionDeep { DEEP } else { 1 } {
        let (clients, next) = (Rc::clone(clients), Rc::clone(&next));
        callers.spawn_local(async move {
            let value = Bytes::from(vec![7; VALUE_BYTES]);
            let mut calls = 0;
            while Instant::now() < until {
                let client = &clients[next.get()];
                next.set((next.get() + step) % clients.len());
                let message = Message { id: calls, key: String::new(), value: value.clone() };
                if client.echo(message).await?.value != value {
                    return Err("an echo of something else".into());
                }
                calls += 1;
            }
            Ok::<_, Error>(calls)
        });
    }
    let mut calls = 0;
    while let Some(ended) = callers.join_next().await {
        calls += ended??;
    }
    Ok(calls)
}
