use rpc_runtime::{interface};

#[interface]
trait Store {
    async fn close(&self);
}

fn main() {}
