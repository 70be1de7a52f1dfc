#[interface]
trait Faulty {
    type Item;
    async fn no_result(&self);
    async fn changes(&mut self, by: &mut u32) -> Result<(), CallError>;
}

#[interface]
trait Blocking {
    fn plain(&self, (a, b): (u32, u32)) -> Result<u32, CallError>;
}

#[derive(Message)]
struct Twice {
    #[rpc(tag = 2)]
    a: u32,
    #[rpc(tag = 2)]
    b: u32,
}
