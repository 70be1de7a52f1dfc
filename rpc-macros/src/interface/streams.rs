//! Streams among a method's argument and result.

use syn::Type;

use super::model::{Argument, Kind, Passing};
use crate::problems::Problems;
use crate::types;

/// What to write in place of an open stream as the result.
pub(crate) const INSTEAD: &str = "write `async fn` and `-> Result<Streaming<T>, CallError>`, or with your own error in both places: the implementation makes one of any stream, with `Streaming::new(stream)`";

const WITHIN: &str = "a stream travels by itself, not within another value: take it as the one argument, `Streaming<T>`, \
     or return `Result<Streaming<T>, CallError>`";

/// A stream without a `Result` around it was reported as that.
fn is_result_with_streaming(output: &Type) -> bool {
    !types::is_no_result(output) && types::holds_streaming(output)
}

/// Whether the method takes a stream, and whether it gives one; what cannot be is reported.
pub(crate) fn check(
    arguments: &[Argument],
    output: Option<&Type>,
    kind: Kind,
    problems: &mut Problems,
) -> (bool, bool) {
    let taken = arguments.iter().find(|argument| matches!(argument.passing, Passing::Stream));
    if let Some(stream) = taken.filter(|_| arguments.len() > 1) {
        problems.at(
            &stream.ty,
            "a stream is the whole request, so nothing stands beside it: let its first item say the rest, with an \
             enum for instance",
        );
    }
    let within = arguments.iter().filter(|argument| !matches!(argument.passing, Passing::Stream));
    for argument in within.filter(|argument| types::holds_streaming(&argument.ty)) {
        problems.at(&argument.ty, WITHIN);
    }
    let given = output.and_then(types::first_argument).filter(|value| types::is_streaming(value));
    if let Some(output) = output.filter(|output| given.is_none() && is_result_with_streaming(output)) {
        problems.at(output, WITHIN);
    }
    if let Some(ty) = taken.map(|argument| &argument.ty).or(given) {
        match kind {
            Kind::Plain => {}
            Kind::Idempotent => problems.at(
                ty,
                "a stream cannot begin again by itself: remove `idempotent`; the call that opens it runs at most once",
            ),
            Kind::Oneway => problems.at(ty, "a stream needs somebody at its other end: remove `oneway`"),
        }
    }
    (taken.is_some(), given.is_some())
}
