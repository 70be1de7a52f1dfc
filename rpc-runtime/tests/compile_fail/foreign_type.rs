use rpc_runtime::{CallError, interface};

/// Does not derive `Message`.
pub struct Plain;

#[interface]
trait Store {
    async fn swap(&self, one: Plain, many: Vec<Plain>) -> Result<Plain, CallError>;
}

fn main() {}
