//! A contender's client process: callers that call without a pause, and what is measured meanwhile.

mod idle;
mod meter;
mod workload;

use std::io::{Write, stdout};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::task::JoinSet;

pub(crate) use self::meter::{Caller, Measured, Meter};
pub(crate) use self::workload::Workload;
use crate::contender::{Address, Client, Contender, Error, Runtime};
use crate::contenders::{Visitor, visit};
use crate::process;
use crate::serve::{multi_thread, one_thread};

/// What a client process is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Who calls.
    #[arg(long)]
    contender: String,
    #[command(flatten)]
    load: Load,
    /// The one CPU that it may use.
    #[arg(long)]
    cpu: Option<usize>,
}

/// What is asked of a client process.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Load {
    /// The server's address.
    #[arg(long)]
    pub(crate) address: Address,
    /// The server's process, whose CPU time and memory are read.
    #[arg(long)]
    pub(crate) server: u32,
    /// What drives the callers.
    #[arg(long, value_enum)]
    pub(crate) runtime: Runtime,
    /// What is measured.
    #[arg(long, value_enum)]
    pub(crate) workload: Workload,
    /// For how long.
    #[arg(long)]
    pub(crate) seconds: f64,
}

/// Calls and measures, and prints one line of JSON.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    process::prepare(args.cpu)?;
    let measured = visit(&args.contender, Call { load: &args.load })??;
    writeln!(stdout(), "{}", serde_json::to_string(&measured)?)?;
    Ok(())
}

struct Call<'a> {
    load: &'a Load,
}

impl Visitor for Call<'_> {
    type Output = Result<Measured, Error>;

    fn visit<C: Contender>(self) -> Result<Measured, Error> {
        C::load_process(self.load)
    }
}

/// A client process whose callers are tasks of tokio's.
pub(crate) fn process<C: Contender>(load: &Load) -> Result<Measured, Error> {
    match (load.workload, load.runtime) {
        (Workload::Idle, _) => idle::process::<C>(load),
        (_, Runtime::Multi) => multi::<C>(load),
        (_, Runtime::PerCore) => per_core::<C>(load),
    }
}

/// Every caller is a task of one runtime.
fn multi<C: Contender>(load: &Load) -> Result<Measured, Error> {
    let meter = Arc::new(Meter::new());
    let tokio = multi_thread()?;
    let mut callers = JoinSet::new();
    tokio.block_on(async {
        for _ in 0..load.workload.connections() {
            let client = C::connect(&load.address).await?;
            for _ in 0..load.workload.in_flight() {
                callers.spawn(call(client.clone(), meter.caller(load.workload)));
            }
        }
        Ok::<(), Error>(())
    })?;
    let measured = meter.measure(load);
    tokio.block_on(callers.join_all());
    // A connection that is kept open by its task would be waited for.
    tokio.shutdown_background();
    meter.result(measured?)
}

/// A caller is a task of the thread that has its connection.
fn per_core<C: Contender>(load: &Load) -> Result<Measured, Error> {
    let meter = Arc::new(Meter::new());
    let connections = load.workload.connections();
    let threads = process::threads(load.runtime).min(connections);
    let measured = thread::scope(|scope| {
        let (connected, all_connected) = channel();
        for thread in 0..threads {
            let share = (thread..connections).step_by(threads).count();
            let (connected, meter) = (connected.clone(), Arc::clone(&meter));
            scope.spawn(move || {
                let called =
                    one_thread().and_then(|tokio| tokio.block_on(call_on::<C>(load, share, &meter, connected)));
                called.unwrap_or_else(|error| meter.fail(error));
            });
        }
        drop(connected);
        // Ends when every thread has connected or failed.
        while all_connected.recv().is_ok() {}
        meter.measure(load)
    });
    meter.result(measured?)
}

/// What one thread does: opens its share of the connections, and calls on them until it is over.
async fn call_on<C: Contender>(
    load: &Load,
    share: usize,
    meter: &Arc<Meter>,
    connected: Sender<()>,
) -> Result<(), Error> {
    let mut clients = Vec::new();
    for _ in 0..share {
        clients.push(C::connect(&load.address).await?);
    }
    drop(connected);
    let mut callers = JoinSet::new();
    for client in &clients {
        for _ in 0..load.workload.in_flight() {
            callers.spawn_local(call(client.clone(), meter.caller(load.workload)));
        }
    }
    callers.join_all().await;
    Ok(())
}

/// One caller: a call after the other, each reply checked.
async fn call<C: Client>(client: C, mut caller: Caller) {
    while caller.goes_on() {
        let message = caller.message();
        let (id, begun) = (message.id, caller.begin());
        match client.echo(message).await {
            Ok(reply) => caller.end(id, begun, &reply),
            Err(error) => caller.fail(error),
        }
    }
}
