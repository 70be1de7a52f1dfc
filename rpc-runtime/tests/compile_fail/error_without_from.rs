use rpc_runtime::{CallError, RemoteError};

#[derive(Debug, thiserror::Error, RemoteError)]
enum StoreError {
    #[error(transparent)]
    Call(CallError),
}

fn main() {}
