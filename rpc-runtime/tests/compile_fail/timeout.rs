use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    #[rpc(timeout = "5 seconds")]
    async fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
