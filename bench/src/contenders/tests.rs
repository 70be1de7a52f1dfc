//! Every other framework echoes: small and large messages, one after another and many at once.

use std::future::pending;
use std::thread;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{capnp, connectrpc, tarpc, tonic, volo};
use crate::contender::{Address, Client, Contender, Error, Incoming, Message, Runtime};
use crate::serve;

/// Calls at once.
const CALLS: u64 = 128;

/// A server of one connection, and a client, in each of the runtimes that it is measured with.
fn echoes<C: Contender>() {
    for &runtime in C::RUNTIMES {
        let listener = serve::Listener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address().unwrap();
        // Ends with the test.
        thread::spawn(move || {
            let (sender, receiver) = mpsc::unbounded_channel();
            sender.send(listener.accept().unwrap()).unwrap();
            drive(runtime, async {
                C::serve(Incoming::new(receiver)).await.unwrap();
                // Some return when no more connections will come.
                pending::<()>().await;
            });
            drop(sender);
        });
        drive(runtime, call::<C>(&address)).unwrap();
    }
}

fn drive<F: Future>(runtime: Runtime, future: F) -> F::Output {
    match runtime {
        Runtime::Multi => serve::multi_thread().unwrap().block_on(future),
        Runtime::PerCore => serve::one_thread().unwrap().block_on(future),
    }
}

async fn call<C: Contender>(address: &Address) -> Result<(), Error> {
    let client = C::connect(address).await?;
    for size in [0, 64, 1 << 20] {
        let sent = message(size as u64, size);
        assert_eq!(client.echo(sent.clone()).await?, sent, "{}", C::NAME);
    }
    for size in [64, 1 << 16] {
        let mut running = JoinSet::new();
        for id in 0..CALLS {
            let client = client.clone();
            running.spawn(async move {
                let sent = message(id, size);
                assert_eq!(client.echo(sent.clone()).await?, sent, "{}", C::NAME);
                Ok::<(), Error>(())
            });
        }
        while let Some(ran) = running.join_next().await {
            ran??;
        }
    }
    Ok(())
}

/// A message whose value tells its calls apart.
fn message(id: u64, size: usize) -> Message {
    Message { id: u64::MAX - id, key: format!("key {id}"), value: Bytes::from(vec![id as u8; size]) }
}

#[test]
fn capnp_echoes() {
    echoes::<capnp::Capnp>();
}

#[test]
fn connectrpc_echoes() {
    echoes::<connectrpc::Connectrpc>();
}

#[test]
fn tarpc_echoes() {
    echoes::<tarpc::Tarpc>();
}

#[test]
fn tonic_echoes() {
    echoes::<tonic::Tonic>();
}

#[test]
fn volo_echoes() {
    echoes::<volo::Volo>();
}
