use rpc_runtime::{Message};

#[derive(Message)]
#[rpc(transparent)]
struct Loan {
    title: String,
    copy: u32,
}

fn main() {}
