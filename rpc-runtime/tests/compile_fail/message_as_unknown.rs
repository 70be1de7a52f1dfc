use rpc_runtime::{Message};

#[derive(Message)]
struct Loan {
    #[rpc(as = "int65")]
    copy: i64,
}

fn main() {}
