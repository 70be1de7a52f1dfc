use rpc_runtime::{RemoteError};

#[derive(Debug, thiserror::Error, RemoteError)]
enum StoreError {
    #[error("closed")]
    Closed,
}

fn main() {}
