use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn put(&self, item: impl Into<String>) -> Result<(), CallError>;
}

fn main() {}
