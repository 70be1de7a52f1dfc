use rpc_runtime::{Message};

#[derive(Message)]
struct Loan {
    #[rpc(tag = 2)]
    title: String,
    #[rpc(tag = 2)]
    copy: u32,
}

fn main() {}
