//! A bank over TCP, and the binary that is to call it.
#![allow(dead_code, reason = "each test uses its part of it")]

use rpc_runtime::{CallError, Context, Export, Message, Node, NodeBuilder, RemoteError, Streaming, interface};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Pays, and remembers.
#[interface(package = "bank.v1")]
pub(crate) trait Bank {
    /// Pays out `amount`.
    async fn pay(&self, amount: u64, note: Option<String>) -> Result<Receipt, BankError>;
    /// How often it has paid.
    #[rpc(idempotent)]
    async fn paid(&self) -> Result<u32, CallError>;
    /// Who asks.
    async fn who(&self) -> Result<String, CallError>;
    /// Never ends.
    async fn wait(&self) -> Result<(), CallError>;
    /// What it has paid: so many receipts, and an error behind more than 3.
    async fn watch(&self, receipts: u32) -> Result<Streaming<Receipt, BankError>, BankError>;
    /// Pays all together.
    async fn gather(&self, amounts: Streaming<Line>) -> Result<u64, BankError>;
    /// Pays each as it comes.
    async fn chat(&self, lines: Streaming<Line>) -> Result<Streaming<u64>, CallError>;
    /// For ever.
    async fn tick(&self) -> Result<Streaming<u32>, CallError>;
    /// Takes lines together.
    async fn note(&self, lines: Vec<Line>) -> Result<(), CallError>;
    /// How many streams there are.
    async fn open(&self) -> Result<u32, CallError>;
}

#[derive(Debug, Clone, Message)]
pub(crate) struct Receipt {
    pub(crate) number: u32,
    pub(crate) amount: u64,
    pub(crate) kind: Kind,
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug, Clone, Message)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) stamp: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Message)]
pub(crate) enum Kind {
    Cash,
    Cheque,
}

/// Counts streams that are not dropped.
struct Live<S>(S, Arc<AtomicU32>);

impl<S> Live<S> {
    fn new(stream: S, count: &Arc<AtomicU32>) -> Live<S> {
        count.fetch_add(1, Ordering::SeqCst);
        Live(stream, Arc::clone(count))
    }
}

impl<S> Drop for Live<S> {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug, thiserror::Error, RemoteError)]
pub(crate) enum BankError {
    #[error("{amount} is too much")]
    TooMuch { amount: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
pub(crate) struct Till(AtomicU32, Arc<AtomicU32>);

impl Bank for Till {
    async fn pay(&self, amount: u64, note: Option<String>) -> Result<Receipt, BankError> {
        let lines = note.into_iter().map(|text| Line { text, stamp: vec![1, 2, 3] }).collect();
        match amount {
            0 => Err(CallError::failed("nothing to pay").into()),
            1..=1000 => {
                Ok(Receipt { number: self.0.fetch_add(1, Ordering::SeqCst) + 1, amount, kind: Kind::Cash, lines })
            }
            _ => Err(BankError::TooMuch { amount }),
        }
    }

    async fn paid(&self) -> Result<u32, CallError> {
        Ok(self.0.load(Ordering::SeqCst))
    }

    async fn who(&self) -> Result<String, CallError> {
        let context = Context::current();
        let name = context.as_ref().and_then(|context| context.metadata().get_text("name"));
        Ok(name.unwrap_or("nobody").to_owned())
    }

    async fn wait(&self) -> Result<(), CallError> {
        std::future::pending().await
    }

    async fn watch(&self, receipts: u32) -> Result<Streaming<Receipt, BankError>, BankError> {
        let (sender, stream) = Streaming::channel();
        if receipts > 10 {
            return Err(BankError::TooMuch { amount: receipts.into() });
        }
        tokio::spawn(async move {
            for number in 1..=receipts.min(3) {
                let receipt = Receipt { number, amount: 5, kind: Kind::Cheque, lines: Vec::new() };
                sender.send(receipt).await?;
            }
            match receipts {
                ..=3 => Ok(()),
                4 => sender.end_with(BankError::TooMuch { amount: 4 }).await,
                _ => sender.end_with(CallError::failed("no more of them").into()).await,
            }
        });
        Ok(stream)
    }

    async fn gather(&self, mut amounts: Streaming<Line>) -> Result<u64, BankError> {
        let (mut sum, _live) = (0, Live::new((), &self.1));
        while let Some(line) = amounts.next().await {
            sum += line?.text.parse::<u64>().map_err(|error| CallError::failed(error.to_string()))?;
        }
        Ok(sum)
    }

    async fn chat(&self, mut lines: Streaming<Line>) -> Result<Streaming<u64>, CallError> {
        let (sender, stream) = Streaming::channel();
        let live = Live::new((), &self.1);
        tokio::spawn(async move {
            let _live = live;
            while let Some(line) = lines.next().await {
                match line {
                    Ok(line) => sender.send(line.text.len() as u64).await?,
                    Err(error) => return sender.end_with(error).await,
                }
            }
            Ok(())
        });
        Ok(stream)
    }

    async fn tick(&self) -> Result<Streaming<u32>, CallError> {
        let live = Live::new(0.., &self.1);
        Ok(Streaming::from_iter(std::iter::repeat_with(move || (&live.0, 7).1)))
    }

    async fn note(&self, _lines: Vec<Line>) -> Result<(), CallError> {
        Ok(())
    }

    async fn open(&self) -> Result<u32, CallError> {
        Ok(self.1.load(Ordering::SeqCst))
    }
}

/// A node with one bank, and its address.
pub(crate) async fn bank(builder: NodeBuilder) -> Result<(Node, Export, String), Failure> {
    let node = builder.listen("127.0.0.1:0").start().await?;
    let export = node.export("main", BankServer::new(Till::default())).await?;
    let address = node.local_endpoints()[0].trim_start_matches("tcp://").to_owned();
    Ok((node, export, address))
}

pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: i32,
}

/// Runs the binary, while the nodes of this process go on.
pub(crate) async fn idl(arguments: &[&str]) -> Said {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_idl")).args(arguments).env_remove("NAMESERVER").output();
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(run).await.expect("it runs").expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { out: text(stdout), err: text(stderr), status: status.code().expect("it was not killed") }
}

pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
