use rpc_runtime::{Message};

#[derive(Message)]
struct Loan<'a> {
    title: &'a str,
}

fn main() {}
