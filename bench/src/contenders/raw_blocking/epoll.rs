//! Which of a thread's sockets are ready.

use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use crate::contender::Error;

/// Ready sockets that are told of at once.
const EVENTS_MAX: usize = 256;

/// The sockets of one thread, by number.
pub(super) struct Epoll {
    fd: OwnedFd,
    events: Vec<Event>,
}

impl Epoll {
    /// Of no sockets.
    pub(super) fn new() -> Result<Epoll, Error> {
        Ok(Epoll { fd: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(EVENTS_MAX) })
    }

    /// Tells when there is something to read.
    pub(super) fn add(&self, socket: impl AsFd, number: usize) -> Result<(), Error> {
        Ok(epoll::add(&self.fd, socket, EventData::new_u64(number as u64), EventFlags::IN)?)
    }

    /// Tells also when there is room to write, or no longer.
    pub(super) fn write(&self, socket: impl AsFd, number: usize, wanted: bool) -> Result<(), Error> {
        let flags = if wanted { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(epoll::modify(&self.fd, socket, EventData::new_u64(number as u64), flags)?)
    }

    /// Waits until some are ready.
    pub(super) fn wait(&mut self) -> Result<impl Iterator<Item = usize>, Error> {
        match epoll::wait(&self.fd, spare_capacity(&mut self.events), None) {
            Ok(_) | Err(Errno::INTR) => Ok(self.events.drain(..).map(|event| event.data.u64() as usize)),
            Err(error) => Err(error.into()),
        }
    }
}
