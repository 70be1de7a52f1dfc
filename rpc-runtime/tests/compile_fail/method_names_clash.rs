use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn get_2d(&self) -> Result<u32, CallError>;
    async fn get2d(&self) -> Result<u32, CallError>;
}

fn main() {}
