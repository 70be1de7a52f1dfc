//! Why a call gave no result, and whether it may have run.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use idl::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer};

use crate::protocol::control::{Fault, FaultKind, NestedFault, Refusal};
use crate::receipt::Receipt;

/// Whether a call ran. What a caller may do next depends on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executed {
    /// It did not run, and it never will.
    Never,
    /// It ran and ended; that does not mean that it did all its work.
    Completed,
    /// It may have run.
    Unknown {
        /// Whether it may be running now, or start yet.
        may_still_run: bool,
    },
}

impl fmt::Display for Executed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Executed::Never => "never ran",
            Executed::Completed => "ran",
            Executed::Unknown {
                may_still_run: true,
            } => "may have run and may still run",
            Executed::Unknown {
                may_still_run: false,
            } => "may have run, and does not run any more",
        })
    }
}

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
    /// The exporter did not start the call in time.
    Late,
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
        self.0.executed == Executed::Never
            || (self.0.idempotent && self.0.kind != ErrorKind::Nested)
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

    /// What a caller is told of a refused call.
    pub(crate) fn refused(why: Refusal, text: &str) -> CallError {
        let (kind, default) = match why {
            Refusal::Withdrawn => (
                ErrorKind::Withdrawn,
                "the exporter withdrew the interface; import it again",
            ),
            Refusal::Draining => (
                ErrorKind::Draining,
                "the exporter is shutting down; try again, another one may answer",
            ),
            Refusal::Late => (
                ErrorKind::Late,
                "the exporter did not start the call before its deadline",
            ),
            Refusal::Overload => (
                ErrorKind::Overload,
                "the exporter has no room for another call; try again later",
            ),
            Refusal::UnknownMethod => (
                ErrorKind::UnknownMethod,
                "the exporter's interface has no such method; it may be of an older version",
            ),
            Refusal::Undecodable => (
                ErrorKind::Undecodable,
                "the exporter could not decode the arguments; compare the versions of the interface",
            ),
            Refusal::Cancelled => (
                ErrorKind::Cancelled,
                "the call was cancelled before it started",
            ),
            Refusal::NotIdempotent => (
                ErrorKind::NotIdempotent,
                "the exporter declares this method as not idempotent; compare the versions of the interface",
            ),
            Refusal::Other => (ErrorKind::Overload, "the exporter refused the call"),
        };
        CallError::never(kind, if text.is_empty() { default } else { text })
    }

    /// What a caller is told of a call that ran and gave no result.
    pub(crate) fn from_fault(fault: Fault) -> CallError {
        let kind = match fault.kind {
            FaultKind::Aborted => ErrorKind::Aborted,
            FaultKind::Failed | FaultKind::Other => ErrorKind::Failed,
            FaultKind::Nested => ErrorKind::Nested,
            FaultKind::ReplyTooLarge => ErrorKind::TooLarge,
            FaultKind::ReplyUndecodable => ErrorKind::ReplyUndecodable,
        };
        let nested = fault.nested.map(Nested::from_wire);
        CallError::new(kind, Executed::Completed, fault.text).change(|inner| inner.nested = nested)
    }

    /// What is told to the caller when an implementation returns this error: its own failure in words, or the
    /// failure of a further call.
    pub(crate) fn to_fault(&self) -> Fault {
        if self.kind() == ErrorKind::Failed {
            return Fault {
                kind: FaultKind::Failed,
                text: self.0.text.clone(),
                nested: None,
            };
        }
        let nested = self.to_nested();
        let text = format!(
            "a call that the implementation made failed: {}",
            nested.text
        );
        Fault {
            kind: FaultKind::Nested,
            text,
            nested: Some(nested),
        }
    }

    fn to_nested(&self) -> NestedFault {
        if let Some(nested) = &self.0.nested {
            return nested.to_wire();
        }
        NestedFault {
            kind: format!("{:?}", self.kind()),
            executed: executed_to_wire(self.executed()),
            text: self.to_string(),
        }
    }

    fn from_nested(nested: NestedFault) -> CallError {
        let text = format!(
            "a call that the implementation made failed: {}",
            nested.text
        );
        let nested = Some(Nested::from_wire(nested));
        CallError::new(ErrorKind::Nested, Executed::Completed, text)
            .change(|inner| inner.nested = nested)
    }
}

impl Nested {
    fn from_wire(nested: NestedFault) -> Nested {
        let executed = match nested.executed {
            1 => Executed::Never,
            2 => Executed::Completed,
            4 => Executed::Unknown {
                may_still_run: false,
            },
            _ => Executed::Unknown {
                may_still_run: true,
            },
        };
        Nested {
            kind: nested.kind,
            executed,
            text: nested.text,
        }
    }

    fn to_wire(&self) -> NestedFault {
        NestedFault {
            kind: self.kind.clone(),
            executed: executed_to_wire(self.executed),
            text: self.text.clone(),
        }
    }
}

/// The number of a verdict in a [`NestedFault`].
fn executed_to_wire(executed: Executed) -> u32 {
    match executed {
        Executed::Never => 1,
        Executed::Completed => 2,
        Executed::Unknown {
            may_still_run: true,
        } => 3,
        Executed::Unknown {
            may_still_run: false,
        } => 4,
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
        (self.0.kind, self.0.executed, &self.0.text)
            == (other.0.kind, other.0.executed, &other.0.text)
    }
}

impl Eq for CallError {}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| source.as_ref() as &(dyn Error + 'static))
    }
}

/// A `CallError` inside an application's error arrives as [`ErrorKind::Nested`]: it speaks of a call that the
/// implementation made, never of the call whose reply carried it.
impl Message for CallError {
    const WIRE: Wire = NestedFault::WIRE;

    fn encode(&self, tag: u32, out: &mut Writer) {
        self.to_nested().encode(tag, out);
    }

    fn encode_fields(&self, out: &mut Writer) {
        self.to_nested().encode_fields(out);
    }

    fn decode_fields(_before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        NestedFault::decode_fields(None, r).map(CallError::from_nested)
    }

    fn absent() -> Option<Self> {
        None
    }

    fn describe(registry: &mut Registry) -> Shape {
        NestedFault::describe(registry)
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
}

impl RemoteError for CallError {
    fn call_error(&self) -> Option<&CallError> {
        Some(self)
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

    /// A further call's `Never` must not become this call's: it arrives as data.
    #[test]
    fn a_nested_verdict_is_data() {
        let inner = CallError::never(ErrorKind::Overload, "full");
        let outer = CallError::from_fault(inner.to_fault());
        assert_eq!(
            (outer.kind(), outer.executed()),
            (ErrorKind::Nested, Executed::Completed)
        );
        assert!(!outer.safe_to_retry());
        let nested = outer.nested().expect("a nested verdict");
        assert_eq!(
            (nested.kind.as_str(), nested.executed),
            ("Overload", Executed::Never)
        );
        // One floor further up it is still the innermost verdict.
        let upper = CallError::from_fault(outer.to_fault());
        assert_eq!(upper.nested(), Some(nested));
    }

    /// Inside an application's error it arrives as nested too.
    #[test]
    fn inside_an_application_error_it_is_nested() {
        let inner = CallError::never(ErrorKind::Overload, "full");
        let travelled: CallError = idl::from_slice(&idl::to_vec(&inner)).expect("decodes");
        assert_eq!(travelled.kind(), ErrorKind::Nested);
        assert_eq!(travelled.executed(), Executed::Completed);
    }

    /// `safe_to_retry` is `Never`, or an idempotent method.
    #[test]
    fn safe_to_retry_is_never_or_idempotent() {
        let unknown = Executed::Unknown {
            may_still_run: true,
        };
        assert!(CallError::never(ErrorKind::Draining, "").safe_to_retry());
        assert!(!CallError::new(ErrorKind::SessionLost, unknown, "").safe_to_retry());
        let method = crate::Method {
            name: "Titles",
            id: 1,
            kind: idl::MethodKind::Idempotent,
            timeout: None,
        };
        assert!(
            CallError::new(ErrorKind::SessionLost, unknown, "")
                .of_method(&method)
                .safe_to_retry()
        );
    }
}
