//! Errors on the wire: what a caller is told of a refused call or of one that ran and gave no result, and what is told to
//! it when an implementation returns an error of a further call.

use idl::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer};

use super::{CallError, ErrorKind, Nested};
use crate::executed::Executed;
use crate::protocol::control::{Fault, FaultKind, NestedFault, Refusal};

impl CallError {
    /// What a caller is told of a refused call.
    pub(crate) fn refused(why: Refusal, text: &str) -> CallError {
        let (kind, default) = match why {
            Refusal::Withdrawn => (ErrorKind::Withdrawn, "the exporter withdrew the interface; import it again"),
            Refusal::Draining => {
                (ErrorKind::Draining, "the exporter is shutting down; try again, another one may answer")
            }
            // Told only when the caller's own deadline has passed too: otherwise the call is made anew (R13, R15).
            Refusal::Late => (ErrorKind::DeadlineExceeded, "the exporter did not start the call before the deadline"),
            Refusal::Overload => (ErrorKind::Overload, "the exporter has no room for another call; try again later"),
            Refusal::UnknownMethod => {
                (ErrorKind::UnknownMethod, "the exporter's interface has no such method; it may be of an older version")
            }
            Refusal::Undecodable => (
                ErrorKind::Undecodable,
                "the exporter could not decode the arguments; compare the versions of the interface",
            ),
            Refusal::Cancelled => (ErrorKind::Cancelled, "the call was cancelled before it started"),
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
            return Fault { kind: FaultKind::Failed, text: self.0.text.clone(), nested: None };
        }
        let nested = self.to_nested();
        let text = format!("a call that the implementation made failed: {}", nested.text);
        Fault { kind: FaultKind::Nested, text, nested: Some(nested) }
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
        let text = format!("a call that the implementation made failed: {}", nested.text);
        let nested = Some(Nested::from_wire(nested));
        CallError::new(ErrorKind::Nested, Executed::Completed, text).change(|inner| inner.nested = nested)
    }
}

impl Nested {
    fn from_wire(nested: NestedFault) -> Nested {
        let executed = match nested.executed {
            1 => Executed::Never,
            2 => Executed::Completed,
            4 => Executed::Unknown { may_still_run: false },
            _ => Executed::Unknown { may_still_run: true },
        };
        Nested { kind: nested.kind, executed, text: nested.text }
    }

    fn to_wire(&self) -> NestedFault {
        NestedFault { kind: self.kind.clone(), executed: executed_to_wire(self.executed), text: self.text.clone() }
    }
}

/// The number of a verdict in a [`NestedFault`].
fn executed_to_wire(executed: Executed) -> u32 {
    match executed {
        Executed::Never => 1,
        Executed::Completed => 2,
        Executed::Unknown { may_still_run: true } => 3,
        Executed::Unknown { may_still_run: false } => 4,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A further call's `Never` must not become this call's: it arrives as data.
    #[test]
    fn a_nested_verdict_is_data() {
        let inner = CallError::never(ErrorKind::Overload, "full");
        let outer = CallError::from_fault(inner.to_fault());
        assert_eq!((outer.kind(), outer.executed()), (ErrorKind::Nested, Executed::Completed));
        assert!(!outer.safe_to_retry());
        let nested = outer.nested().expect("a nested verdict");
        assert_eq!((nested.kind.as_str(), nested.executed), ("Overload", Executed::Never));
        // One floor further up it is still the innermost verdict.
        let upper = CallError::from_fault(outer.to_fault());
        assert_eq!(upper.nested(), Some(nested));
    }

    /// Inside an application's error it arrives as nested too.
    #[test]
    fn inside_an_application_error_it_is_nested() {
        let inner = CallError::never(ErrorKind::Overload, "full");
        let travelled: CallError = idl::from_slice(&idl::to_vec(&inner).expect("encodes")).expect("decodes");
        assert_eq!(travelled.kind(), ErrorKind::Nested);
        assert_eq!(travelled.executed(), Executed::Completed);
    }
}
