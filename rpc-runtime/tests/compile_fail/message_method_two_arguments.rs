use rpc_runtime::{CallError, Message, interface};

#[derive(Message)]
struct Point(u32, u32);

#[interface]
trait Map {
    #[rpc(message)]
    async fn find(&self, point: Point, radius: u32) -> Result<Point, CallError>;
}

fn main() {}
