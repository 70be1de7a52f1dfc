use rpc_runtime::{Message};

#[derive(Message)]
enum Shape {
    Circle { radius: f64 },
    #[rpc(other)]
    Unknown(u32),
}

fn main() {}
