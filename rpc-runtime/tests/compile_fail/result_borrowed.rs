use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn name(&self) -> Result<&str, CallError>;
}

fn main() {}
