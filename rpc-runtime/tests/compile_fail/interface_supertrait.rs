use rpc_runtime::{CallError, interface};

#[interface]
trait Store: std::fmt::Debug {
    async fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
