//! A bank that anybody can call over gRPC: it counts how often it has paid. `examples/python` has callers.
//!
//! ```text
//! cargo run -p rpc-runtime --features grpc --example bank -- 127.0.0.1:5000
//! ```
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::sync::atomic::{AtomicU32, Ordering};

use rpc_runtime::{CallError, Code, Message, Node, RemoteError, interface};

/// Pays, and remembers.
#[interface(package = "bank.v1")]
pub trait Bank {
    /// Pays out `amount`, and gives how often it has paid.
    async fn pay(&self, amount: u64) -> Result<Receipt, BankError>;
    /// How often it has paid.
    #[rpc(idempotent)]
    async fn paid(&self) -> Result<u32, CallError>;
}

/// What a customer gets for a payment.
#[derive(Debug, Clone, Message)]
pub struct Receipt {
    /// Payments so far, this one included.
    pub number: u32,
    /// What was paid.
    pub amount: u64,
}

/// Why nothing was paid.
#[derive(Debug, thiserror::Error, RemoteError)]
pub enum BankError {
    /// Nobody may have so much.
    #[error("{amount} is too much")]
    TooMuch {
        /// What was asked for.
        amount: u64,
    },
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
struct Till(AtomicU32);

impl Bank for Till {
    async fn pay(&self, amount: u64) -> Result<Receipt, BankError> {
        match amount {
            0 => Err(CallError::failed("nothing to pay").with_code(Code::InvalidArgument).into()),
            1..=1000 => Ok(Receipt { number: self.0.fetch_add(1, Ordering::SeqCst) + 1, amount }),
            _ => Err(BankError::TooMuch { amount }),
        }
    }

    async fn paid(&self) -> Result<u32, CallError> {
        Ok(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let node = Node::builder().listen(address).start().await?;
    let _export = node.export("main", BankServer::new(Till::default())).await?;
    println!("{}", node.local_endpoints()[0]);
    std::future::pending().await
}
