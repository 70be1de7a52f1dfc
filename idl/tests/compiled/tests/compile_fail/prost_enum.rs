use rpc_runtime::Message;

#[derive(Message)]
#[rpc(prost)]
enum Kind {
    A,
    B,
}

fn main() {}
