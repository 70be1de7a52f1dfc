#[interface(dyn, name = "Line", crate = "crate::inner")]
pub(crate) trait Queue<T: Message>: Send
where
    T: Clone,
{
    async fn push(&self, item: T, note: &str) -> Result<(), CallError>;
}
