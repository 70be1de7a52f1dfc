use rpc_runtime::{CallError, RemoteError};

#[derive(Debug, thiserror::Error, RemoteError)]
enum StoreError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Call(#[from] CallError),
}

fn main() {}
