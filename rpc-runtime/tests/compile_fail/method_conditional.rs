use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    #[cfg(unix)]
    async fn count(&self) -> Result<u32, CallError>;
}

fn main() {}
