use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn put<T>(&self, item: T) -> Result<(), CallError>;
}

fn main() {}
