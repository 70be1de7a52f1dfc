use rpc_runtime::{Message};

#[derive(Message)]
struct Loan {
    #[rpc(as = "int64")]
    title: String,
}

fn main() {}
