use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn add(&self, n: &mut u32) -> Result<(), CallError>;
}

fn main() {}
