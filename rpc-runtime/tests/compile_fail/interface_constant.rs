use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    const MAX: u32;

    async fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
