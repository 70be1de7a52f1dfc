use rpc_runtime::Message;

#[derive(Message)]
#[rpc(prost)]
struct Point {
    latitude: i32,
}

fn main() {}
