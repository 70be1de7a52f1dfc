use rpc_runtime::{interface};

#[interface]
struct Store {
    titles: Vec<String>,
}

fn main() {}
