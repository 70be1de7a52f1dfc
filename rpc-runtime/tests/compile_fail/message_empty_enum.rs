use rpc_runtime::{Message};

#[derive(Message)]
enum Nothing {}

fn main() {}
