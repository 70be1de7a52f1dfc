use rpc_runtime::{interface};

#[interface]
trait Store {
    async fn count(&self) -> Vec<u64>;
}

fn main() {}
