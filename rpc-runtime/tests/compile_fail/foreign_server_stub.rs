use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn count(&self) -> Result<u32, CallError>;
}

struct Library;

impl Store for Library {
    async fn count(&self) -> Result<u32, CallError> {
        Ok(1)
    }
}

fn serve() {
    rpc_runtime::in_memory(Library);
}

fn main() {}
