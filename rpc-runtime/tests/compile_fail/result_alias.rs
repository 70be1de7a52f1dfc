use rpc_runtime::{interface};

type Answer = u64;

#[interface]
trait Store {
    async fn count(&self) -> Answer;
}

fn main() {}
