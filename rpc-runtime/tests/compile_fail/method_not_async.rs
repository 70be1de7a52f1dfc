use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
