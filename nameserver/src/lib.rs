//! A nameserver: exporters register under a name, importers find them by name, label or group.
//!
//! It is written with the framework itself: [`Nameserver`](rpc_runtime::directory::nameserver::Nameserver) is an
//! interface like any other, and this crate implements it.
//!
//! - [`registry`] decides: a table without clock, disk or network;
//! - [`store`] keeps what was decided on disk, [`durable`] puts the two together: what is answered is on disk;
//! - [`server`] puts it behind the interface, [`serve`](mod@serve) on a port;
//! - [`command`] is what the command line does with one.
//!
//! A program that wants a nameserver within itself starts one:
//!
//! ```no_run
//! # async fn example() -> Result<(), nameserver::ServeError> {
//! let running = nameserver::start(nameserver::Options::default()).await?;
//! println!("listening at {}", running.endpoints().join(", "));
//! running.run().await // until Ctrl-C or SIGTERM
//! # }
//! ```
#![warn(missing_docs)]

pub mod command;
pub mod durable;
pub mod present;
pub mod registry;
pub mod serve;
pub mod server;
pub mod stop;
pub mod store;

pub use serve::{Options, Running, ServeError, serve, start};
