use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn names(&self) -> Result<impl Iterator<Item = u32>, CallError>;
}

fn main() {}
