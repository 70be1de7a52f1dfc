//! Store application.
