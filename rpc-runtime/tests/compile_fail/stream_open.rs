use futures_core::Stream;
use rpc_runtime::{CallError, interface};

#[interface]
trait Feed {
    async fn upload(&self, chunks: impl Stream<Item = Vec<u8>>) -> Result<u64, CallError>;
    fn watch(&self) -> impl Stream<Item = Result<u64, CallError>>;
    async fn follow(&self) -> Result<impl Stream<Item = Result<u64, CallError>>, CallError>;
}

fn main() {}
