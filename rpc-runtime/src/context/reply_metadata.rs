//! What came beside replies, for their callers.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Metadata;

tokio::task_local! {
    static TOLD: ReplyMetadata;
}

/// What came beside the reply of a call over gRPC: ahead of it, and behind it. Of native calls there is nothing.
///
/// It tells of the last call that began within [`scope`](ReplyMetadata::scope). Of a stream, what came ahead is there when it has
/// given its first item, and what came behind when it has ended, also where that is outside of the scope. Clones tell of the same.
///
/// ```
/// # async fn doc(call: impl Future<Output = Result<(), rpc_runtime::CallError>>) -> Result<(), rpc_runtime::CallError> {
/// let beside = rpc_runtime::ReplyMetadata::new();
/// beside.scope(call).await?;
/// if let Some(cost) = beside.trailer().get_text("cost") {
///     // …
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReplyMetadata(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    header: Metadata,
    trailer: Metadata,
}

impl ReplyMetadata {
    /// Nothing yet.
    pub fn new() -> ReplyMetadata {
        ReplyMetadata::default()
    }

    /// Runs `future`, and hears of the calls that it makes.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        TOLD.scope(self.clone(), future).await
    }

    /// What came ahead of the reply. Empty if nothing came, or the call failed before.
    pub fn header(&self) -> Metadata {
        self.lock().header.clone()
    }

    /// What came behind the reply, or with an error.
    pub fn trailer(&self) -> Metadata {
        self.lock().trailer.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        // What it guards is consistent at every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "grpc")]
impl ReplyMetadata {
    /// A call begins: gives who wants to hear of it.
    pub(crate) fn begin() -> Option<ReplyMetadata> {
        let told = TOLD.try_with(ReplyMetadata::clone).ok()?;
        *told.lock() = Told::default();
        Some(told)
    }

    pub(crate) fn set_header(&self, header: Metadata) {
        self.lock().header = header;
    }

    pub(crate) fn set_trailer(&self, trailer: Metadata) {
        self.lock().trailer = trailer;
    }
}
