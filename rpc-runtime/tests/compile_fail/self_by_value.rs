use rpc_runtime::{CallError, interface};

#[interface]
trait Store {
    async fn close(self) -> Result<(), CallError>;
}

fn main() {}
