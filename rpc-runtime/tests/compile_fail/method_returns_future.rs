use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    fn count(&self) -> impl Future<Output = Result<u32, CallError>>;
}

fn main() {}
