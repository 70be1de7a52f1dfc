use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    #[rpc(idempotant)]
    async fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
