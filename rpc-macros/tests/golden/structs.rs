/// What a customer has borrowed.
///
/// Until it is brought back.
#[derive(Debug, Clone, Message)]
pub struct Loan {
    /// As printed on the cover.
    pub title: String,
    pub r#type: u32,
    #[rpc(tag = 7, name = "lentAt", as = "int64")]
    at: i64,
    notes: Option<Vec<String>>,
}

#[derive(Message)]
struct Nothing;

#[derive(Message)]
struct Named {}

#[derive(Message)]
#[rpc(crate = "crate")]
struct Wrapped(Vec<u8>);

#[derive(Message)]
struct Pair(u32, #[rpc(as = "fixed64")] Vec<u64>);

#[derive(Message)]
#[rpc(name = "Sheet")]
struct Page<T, U: Ord = u32>
where
    T: Clone,
{
    items: Vec<T>,
    next: Option<U>,
}

#[derive(Message)]
#[rpc(transparent)]
struct CustomerId(u64);
