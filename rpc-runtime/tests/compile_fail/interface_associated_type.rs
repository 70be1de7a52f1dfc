use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    type Item;

    async fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
