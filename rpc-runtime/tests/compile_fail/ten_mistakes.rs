use rpc_runtime::{CallError, in_memory, interface};

/// All of them are reported at once, and nothing else is: neither the implementation nor the stubs.
#[interface]
trait Store {
    type Item;
    async fn nothing(&self);
    async fn plain(&self) -> u64;
    async fn changes(&mut self) -> Result<(), CallError>;
    async fn generic<T>(&self, item: Option<T>) -> Result<(), CallError>;
    async fn pattern(&self, (a, b): (u32, u32)) -> Result<u32, CallError>;
    fn blocking(&self) -> Result<u32, CallError>;
    async fn into(&self) -> Result<u32, CallError>;
    #[rpc(timeout = "5 seconds")]
    async fn slow(&self, n: &mut u32) -> Result<(), CallError>;
}

struct Library;

impl Store for Library {
    type Item = u32;

    async fn nothing(&self) {}

    async fn plain(&self) -> u64 {
        1
    }

    async fn changes(&mut self) -> Result<(), CallError> {
        Ok(())
    }

    async fn generic<T>(&self, _item: Option<T>) -> Result<(), CallError> {
        Ok(())
    }

    async fn pattern(&self, (a, b): (u32, u32)) -> Result<u32, CallError> {
        Ok(a + b)
    }

    fn blocking(&self) -> Result<u32, CallError> {
        Ok(1)
    }

    async fn into(&self) -> Result<u32, CallError> {
        Ok(1)
    }

    async fn slow(&self, _n: &mut u32) -> Result<(), CallError> {
        Ok(())
    }
}

fn main() {
    let _store: StoreClient = in_memory(StoreServer::new(Library));
}
