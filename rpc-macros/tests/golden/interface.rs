/// A library.
#[interface(package = "library.v1")]
pub trait Store {
    /// Lends one copy of `title`.
    async fn check_out(&self, customer: u64, title: String) -> Result<Loan, StoreError>;
    #[rpc(idempotent, timeout = "250ms")]
    async fn titles(&self) -> Answer<Vec<String>>;
    #[rpc(oneway, timeout = "1m", name = "hear")]
    async fn tell(
        &self,
        who: &str,
        #[rpc(tag = 7, name = "body")] what: &[u8],
        list: &[Loan],
        one: &Loan,
        #[rpc(as = "fixed64")] at: u64,
    ) -> Result<(), CallError>;
    /// Has a body of its own.
    async fn count(&self, _of: u32) -> Result<u32, StoreError> {
        Ok(self.titles().await?.len() as u32)
    }
}
