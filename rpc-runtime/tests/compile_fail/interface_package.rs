use rpc_runtime::{CallError, interface};

#[interface(package = "library/v1")]
trait Store {
    async fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
