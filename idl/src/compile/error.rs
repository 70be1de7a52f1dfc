//! Why `.proto` files could not be compiled.

use std::fmt;

/// Why `.proto` files could not be compiled, and what to do. Both forms of printing it are for people: a build script
/// whose `main` returns it shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct CompileError(String);

impl CompileError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}
