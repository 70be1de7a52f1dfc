use rpc_runtime::{CallError, RemoteError, Streaming, interface};

#[derive(Debug, thiserror::Error, RemoteError)]
enum FeedError {
    #[error(transparent)]
    Call(#[from] CallError),
}

#[interface]
trait Feed {
    async fn watch(&self) -> Result<Streaming<u64>, FeedError>;
    async fn upload(&self, chunks: Streaming<u64, FeedError>) -> Result<(), CallError>;
}

fn main() {}
