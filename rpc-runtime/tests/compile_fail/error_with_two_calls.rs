use rpc_runtime::{CallError, RemoteError};

#[derive(Debug, thiserror::Error, RemoteError)]
enum StoreError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("again")]
    Again(CallError),
}

fn main() {}
