use rpc_runtime::{CallError, Streaming, interface};

#[interface]
trait Feed {
    async fn bare(&self) -> Streaming<u64>;
    async fn several(&self, list: Vec<Streaming<u64>>) -> Result<(), CallError>;
    async fn maybe(&self) -> Result<Option<Streaming<u64>>, CallError>;
}

fn main() {}
