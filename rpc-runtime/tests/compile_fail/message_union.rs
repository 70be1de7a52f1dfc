use rpc_runtime::{Message};

#[derive(Message)]
union Loan {
    title: u32,
    copy: u32,
}

fn main() {}
