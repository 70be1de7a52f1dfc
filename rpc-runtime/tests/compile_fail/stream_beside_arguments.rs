use rpc_runtime::{CallError, Streaming, interface};

#[interface]
trait Feed {
    async fn upload(&self, name: String, chunks: Streaming<Vec<u8>>) -> Result<u64, CallError>;
}

fn main() {}
