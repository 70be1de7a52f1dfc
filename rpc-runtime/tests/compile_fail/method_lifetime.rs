use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn find<'a>(&self, name: &'a str) -> Result<u32, CallError>;
}

fn main() {}
