use rpc_runtime::{Message};

#[derive(Message)]
struct Loan {
    #[rpc(tog = 2)]
    title: String,
}

fn main() {}
