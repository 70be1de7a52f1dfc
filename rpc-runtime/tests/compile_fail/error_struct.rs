use rpc_runtime::{RemoteError};

#[derive(Debug, thiserror::Error, RemoteError)]
#[error("broken")]
struct Broken;

fn main() {}
