use rpc_runtime::{CallError, RemoteError};

#[derive(Debug, thiserror::Error, RemoteError)]
enum StoreError {
    #[error("closed")]
    #[rpc(tag = 2047)]
    Closed,
    #[error(transparent)]
    Call(#[from] CallError),
}

fn main() {}
