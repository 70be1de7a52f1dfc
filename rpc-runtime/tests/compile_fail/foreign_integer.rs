use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn count(&self, #[rpc(as = "int64")] of: String) -> Result<u32, CallError>;
}

fn main() {}
