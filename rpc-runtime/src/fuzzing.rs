//! What fuzz targets need and nobody else may have: the other end of a connection in memory, and the reading half of
//! a connection by itself. Compiled with `--cfg fuzzing` only.

use std::io;

use tokio::io::DuplexStream;

use crate::clock::Clock;
use crate::connection::Connection;
use crate::limits::Limits;
use crate::protocol::frame::Frame;
use crate::transport::{Stream, memory};

/// Connects to the node that listens at `memory://name`, and says nothing.
pub async fn connect(name: &str) -> io::Result<DuplexStream> {
    memory::connect(name).await
}

/// Listens at `memory://name`, where a node may dial.
#[derive(Debug)]
pub struct Listener(memory::MemoryListener);

impl Listener {
    /// Takes the name.
    pub fn bind(name: &str) -> io::Result<Listener> {
        memory::MemoryListener::bind(name).map(Listener)
    }

    /// The next connection.
    pub async fn accept(&mut self) -> io::Result<DuplexStream> {
        self.0.accept().await
    }
}

/// Reads frames as a connection does, until it ends; gives why it did.
pub async fn read_frames(stream: DuplexStream, frame_bytes_max: usize, mut each: impl FnMut(Frame)) -> String {
    let write_timeout = Limits::default().write_timeout;
    let mut connection = Connection::new(Stream::Memory(stream), Clock::start(), write_timeout);
    loop {
        match connection.exchange(frame_bytes_max).await {
            Ok(frame) => each(frame),
            Err(ended) => return ended.to_string(),
        }
    }
}
