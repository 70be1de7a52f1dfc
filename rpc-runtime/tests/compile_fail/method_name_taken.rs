use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn clone(&self) -> Result<u32, CallError>;
}

fn main() {}
