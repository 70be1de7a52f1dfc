#[interface]
pub trait Feed {
    async fn watch(&self, topic: &str) -> Result<Streaming<Event, FeedError>, FeedError>;
    async fn upload(&self, chunks: Streaming<Chunk>) -> Result<u64, FeedError>;
    async fn chat(&self, lines: Streaming<String>) -> Result<Streaming<String>, CallError>;
}
