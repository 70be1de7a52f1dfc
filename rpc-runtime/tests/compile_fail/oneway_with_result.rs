use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    #[rpc(oneway)]
    async fn tell(&self) -> Result<u32, CallError>;
}

fn main() {}
