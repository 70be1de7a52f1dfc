use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    #[rpc(idempotent, oneway)]
    async fn tell(&self) -> Result<(), CallError>;
}

fn main() {}
