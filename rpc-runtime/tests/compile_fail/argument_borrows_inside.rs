use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn find(&self, name: Option<&str>) -> Result<u32, CallError>;
}

fn main() {}
