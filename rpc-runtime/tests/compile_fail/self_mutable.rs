use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn add(&mut self, n: u32) -> Result<(), CallError>;
}

fn main() {}
