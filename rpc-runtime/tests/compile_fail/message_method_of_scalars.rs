use rpc_runtime::{CallError, Message, interface};

#[derive(Message)]
struct Point(u32, u32);

#[interface]
trait Map {
    #[rpc(message)]
    async fn find(&self, name: &str) -> Result<Vec<Point>, CallError>;
}

fn main() {}
