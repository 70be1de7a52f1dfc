use rpc_runtime::{CallError, interface};

type Answer = Result<u32, CallError>;

#[interface]
trait Store {
    #[rpc(oneway)]
    async fn tell(&self) -> Answer;
}

fn main() {}
