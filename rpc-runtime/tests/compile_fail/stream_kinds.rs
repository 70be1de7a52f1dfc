use rpc_runtime::{CallError, Streaming, interface};

#[interface]
trait Feed {
    #[rpc(idempotent)]
    async fn watch(&self) -> Result<Streaming<u64>, CallError>;
    #[rpc(oneway)]
    async fn upload(&self, chunks: Streaming<Vec<u8>>) -> Result<(), CallError>;
}

fn main() {}
