use rpc_runtime::{Message};

#[derive(Message)]
struct Loan {
    #[rpc(tag = 19000)]
    title: String,
}

fn main() {}
