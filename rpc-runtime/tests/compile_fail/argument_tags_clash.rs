use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn add(&self, #[rpc(tag = 2)] a: u32, #[rpc(tag = 2)] b: u32) -> Result<u32, CallError>;
}

fn main() {}
