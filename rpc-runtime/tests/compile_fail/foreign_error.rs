use rpc_runtime::{interface};

#[derive(Debug)]
pub struct Broken;

#[interface]
trait Store {
    async fn count(&self) -> Result<u32, Broken>;
}

fn main() {}
