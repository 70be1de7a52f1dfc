//! Why a call gave no result, and whether it may have run.

mod code;
mod wire;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use idl::Message;

use crate::executed::Executed;
use crate::receipt::Receipt;
pub use code::Code;

/// What kept a call from giving a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An address is not of a form that can be dialled.
    InvalidAddress,
    /// The host's name does not resolve.
    HostNotFound,
    /// Nothing listens at the address.
    ConnectionRefused,
    /// The address could not be reached for another reason.
    Unreachable,
    /// What listens at the address does not speak this protocol.
    NotThisProtocol,
    /// The nameserver knows no exporter of that name, or the node at the address exports none.
    NameNotFound,
    /// The nameserver did not answer.
    DirectoryUnavailable,
    /// The exporter's interface differs from the caller's in a way that breaks calls.
    WrongInterface,
    /// The exporter's interface has no such method.
    UnknownMethod,
    /// The exporter declares the method as not idempotent.
    NotIdempotent,
    /// The arguments or the reply exceed the frame limit.
    TooLarge,
    /// The arguments nest too deep to be marshalled.
    TooDeep,
    /// The exporter could not decode the arguments.
    Undecodable,
    /// The deadline passed.
    DeadlineExceeded,
    /// The exporter restarted, or another one answers in its place.
    PeerRestarted,
    /// A pinned binding's exporter has another incarnation now.
    IncarnationChanged,
    /// The session ended: its lease ran out, or the exporter ended it.
    SessionLost,
    /// A table of the exporter or of this node is full.
    Overload,
    /// The exporter is shutting down.
    Draining,
    /// The exporter withdrew the interface.
    Withdrawn,
    /// The call was cancelled.
    Cancelled,
    /// The implementation panicked or was dropped.
    Aborted,
    /// The implementation says that it failed: see [`CallError::failed`].
    Failed,
    /// A call that the implementation made failed: see [`CallError::nested`].
    Nested,
    /// The call ran; its reply was not kept and is lost.
    ReplyLost,
    /// The call ran; its reply does not decode here.
    ReplyUndecodable,
    /// This node is shutting down.
    Shutdown,
}

/// Why a call gave no result: what happened, and whether the call may have run.
///
/// It speaks of the call that returned it and of no other. One that an implementation got from a further call
/// and passed on reaches the caller as [`ErrorKind::Nested`], with the inner verdict as data.
///
/// Eight bytes; cloning is cheap. Two errors are equal when kind, verdict and text are.
#[derive(Clone)]
pub struct CallError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    executed: Executed,
    text: String,
    idempotent: bool,
    nested: Option<Nested>,
    receipt: Option<Receipt>,
    source: Option<Arc<dyn Error + Send + Sync>>,
    code: Option<Code>,
}

/// What is known of a failed call that an implementation made on behalf of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nested {
    /// The inner error's kind, by name: that of an [`ErrorKind`].
    pub kind: String,
    /// The inner call's verdict.
    pub executed: Executed,
    /// The inner error in words.
    pub text: String,
}

impl CallError {
    /// The error of an implementation that failed for a reason best said in words: the one constructor that is
    /// public, so that nobody can forge [`Executed::Never`]. Its caller sees kind [`ErrorKind::Failed`],
    /// [`Executed::Completed`] and the text.
    pub fn failed(text: impl fmt::Display) -> CallError {
        CallError::new(ErrorKind::Failed, Executed::Completed, text.to_string())
    }

    /// The same error of an implementation, with the code that callers over gRPC see in place of
    /// [`Code::Unknown`]. Native callers do not see it.
    pub fn with_code(self, code: Code) -> CallError {
        self.change(|inner| inner.code = Some(code))
    }

    /// The code that came with the error from a gRPC server, or that [`with_code`](CallError::with_code) gave it.
    pub fn code(&self) -> Option<Code> {
        self.0.code
    }

    /// What happened, in words alone.
    #[cfg(feature = "grpc")]
    pub(crate) fn text(&self) -> &str {
        &self.0.text
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the call ran.
    pub fn executed(&self) -> Executed {
        self.0.executed
    }

    /// Whether making the call again cannot run it twice, or may: it never ran, or its method is idempotent.
    pub fn safe_to_retry(&self) -> bool {
        self.0.executed == Executed::Never || (self.0.idempotent && self.0.kind != ErrorKind::Nested)
    }

    /// The verdict of the further call that failed, for [`ErrorKind::Nested`].
    pub fn nested(&self) -> Option<&Nested> {
        self.0.nested.as_ref()
    }

    /// For a call given up at its deadline: where its outcome can be asked for later.
    pub fn receipt(&self) -> Option<&Receipt> {
        self.0.receipt.as_ref()
    }

    pub(crate) fn new(kind: ErrorKind, executed: Executed, text: impl Into<String>) -> CallError {
        CallError(Arc::new(Inner {
            kind,
            executed,
            text: text.into(),
            idempotent: false,
            nested: None,
            receipt: None,
            source: None,
            code: None,
        }))
    }

    /// An error of a call of which no byte left.
    pub(crate) fn never(kind: ErrorKind, text: impl Into<String>) -> CallError {
        CallError::new(kind, Executed::Never, text)
    }

    pub(crate) fn with_source(self, source: impl Error + Send + Sync + 'static) -> CallError {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    pub(crate) fn with_receipt(self, receipt: Receipt) -> CallError {
        self.change(|inner| inner.receipt = Some(receipt))
    }

    /// The same for a call that may have run before: the least certain verdict over its attempts (I16).
    pub(crate) fn with_executed(self, executed: Executed) -> CallError {
        self.change(|inner| inner.executed = executed)
    }

    /// The same for this method: its name is in the text, and whether it may be repeated.
    pub(crate) fn of_method(self, method: &crate::Method) -> CallError {
        self.change(|inner| {
            inner.idempotent = method.kind == idl::MethodKind::Idempotent;
            inner.text = format!("{}: {}", method.name, inner.text);
        })
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> CallError {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (the call {})", self.0.text, self.0.executed)
    }
}

impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallError")
            .field("kind", &self.0.kind)
            .field("executed", &self.0.executed)
            .field("text", &self.0.text)
            .finish_non_exhaustive()
    }
}

impl PartialEq for CallError {
    fn eq(&self, other: &CallError) -> bool {
        (self.0.kind, self.0.executed, &self.0.text) == (other.0.kind, other.0.executed, &other.0.text)
    }
}

impl Eq for CallError {}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as &(dyn Error + 'static))
    }
}

/// An application's error that travels: derive it on an enum.
///
/// The enum takes the runtime's [`CallError`] as one variant; the others reach the caller as they are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a call",
    label = "not an error that travels",
    note = "return `Result<T, CallError>`, or derive `RemoteError` on your error's enum and give it a variant `Call(#[from] CallError)`"
)]
pub trait RemoteError: Message + Error + From<CallError> {
    /// The runtime's error, in the variant that holds one.
    fn call_error(&self) -> Option<&CallError>;

    /// The text of a variant that travels as its text only: its caller sees [`ErrorKind::Failed`].
    fn text(&self) -> Option<String> {
        None
    }

    /// The code that callers over gRPC see: what `#[rpc(code = "not_found")]` says at the variant. The error itself reaches them as a detail of the status.
    fn code(&self) -> Code {
        Code::FailedPrecondition
    }
}

impl RemoteError for CallError {
    fn call_error(&self) -> Option<&CallError> {
        Some(self)
    }

    fn code(&self) -> Code {
        // The code of a further call says nothing about this one.
        self.0.code.filter(|_| self.0.kind == ErrorKind::Failed).unwrap_or(Code::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error on the way up costs a pointer, as does every `Result` around it.
    #[test]
    fn a_call_error_is_small() {
        assert_eq!(size_of::<CallError>(), 8);
        assert_eq!(size_of::<Result<u64, CallError>>(), 16);
    }

    /// `safe_to_retry` is `Never`, or an idempotent method.
    #[test]
    fn safe_to_retry_is_never_or_idempotent() {
        let unknown = Executed::Unknown { may_still_run: true };
        assert!(CallError::never(ErrorKind::Draining, "").safe_to_retry());
        assert!(!CallError::new(ErrorKind::SessionLost, unknown, "").safe_to_retry());
        let method = crate::Method {
            name: "Titles",
            id: 1,
            kind: idl::MethodKind::Idempotent,
            timeout: None,
            client_streams: false,
            server_streams: false,
        };
        assert!(CallError::new(ErrorKind::SessionLost, unknown, "").of_method(&method).safe_to_retry());
    }
}
