use rpc_runtime::{CallError, Streaming, interface};

struct Plain;

#[interface]
trait Feed {
    async fn watch(&self) -> Result<Streaming<Plain>, CallError>;
    async fn upload(&self, chunks: Streaming<Plain>) -> Result<(), CallError>;
}

fn main() {}
