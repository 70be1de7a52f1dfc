use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn add(&self, (a, b): (u32, u32)) -> Result<u32, CallError>;
}

fn main() {}
