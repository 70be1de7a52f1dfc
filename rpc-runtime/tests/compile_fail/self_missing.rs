use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn count() -> Result<u32, CallError>;
}

fn main() {}
