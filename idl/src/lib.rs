//! Types on the wire.
