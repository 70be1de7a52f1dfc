use rpc_runtime::{Message};

/// Does not derive `Message`.
pub struct Plain;

#[derive(Message)]
struct Loan {
    title: String,
    plain: Plain,
}

fn main() {}
