//! The programs of the application as processes.

mod peers;
mod program;
mod whole;
