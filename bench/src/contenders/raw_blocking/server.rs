//! The server: one thread accepts, one for each core answers.
#![expect(clippy::print_stderr, reason = "a server that fails says why")]

use std::os::fd::OwnedFd;
use std::process::exit;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, read, write};
use slab::Slab;

use super::epoll::Epoll;
use crate::contender::{Address, Error, Socket};
use crate::contenders::raw::take_frames;
use crate::process;
use crate::serve::{Listener, ready};

/// The number of the eventfd that tells of further connections. A slab does not get so far.
const BELL: usize = usize::MAX;

/// The whole server process.
pub(super) fn process(address: &Address) -> Result<(), Error> {
    let listener = Listener::bind(address)?;
    let mut deal = Vec::new();
    for _ in 0..process::cores() {
        let (sender, sockets) = channel();
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        deal.push((sender, Arc::clone(&bell)));
        // Ends with the process.
        thread::spawn(move || {
            if let Err(error) = answer(&sockets, &bell) {
                eprintln!("raw blocking: {error}");
                exit(1);
            }
        });
    }
    ready(&listener.address()?)?;
    for (sender, bell) in deal.iter().cycle() {
        sender.send(match listener.accept()? {
            Socket::Tcp(stream) => OwnedFd::from(stream),
            Socket::Unix(stream) => OwnedFd::from(stream),
        })?;
        write(bell, &1u64.to_ne_bytes())?;
    }
    Ok(())
}

/// One thread: answers on its share of the connections.
fn answer(sockets: &Receiver<OwnedFd>, bell: &OwnedFd) -> Result<(), Error> {
    let mut epoll = Epoll::new()?;
    epoll.add(bell, BELL)?;
    let mut connections = Slab::new();
    let mut ready = Vec::new();
    loop {
        ready.extend(epoll.wait()?);
        for number in ready.drain(..) {
            if number == BELL {
                read(bell, &mut [0; 8])?;
                while let Ok(socket) = sockets.try_recv() {
                    let entry = connections.vacant_entry();
                    epoll.add(&socket, entry.key())?;
                    entry.insert(Connection::new(socket));
                }
            } else if let Some(connection) = connections.get_mut(number)
                && !connection.answer(&epoll, number)?
            {
                // Closing it takes it out of the epoll set.
                connections.remove(number);
            }
        }
    }
}

struct Connection {
    socket: OwnedFd,
    input: Vec<u8>,
    out: Vec<u8>,
    /// Of `out`.
    written: usize,
    /// Whether epoll tells when there is room to write.
    is_full: bool,
}

impl Connection {
    fn new(socket: OwnedFd) -> Connection {
        Connection { socket, input: Vec::with_capacity(4096), out: Vec::new(), written: 0, is_full: false }
    }

    /// Answers what one read brings with one write; false if the peer has closed.
    fn answer(&mut self, epoll: &Epoll, number: usize) -> Result<bool, Error> {
        match read(&self.socket, spare_capacity(&mut self.input)) {
            Ok(0) | Err(Errno::CONNRESET) => return Ok(false),
            Ok(_) => {
                let taken = take_frames(&self.input, |call| {
                    call.put(&mut self.out);
                    Ok(())
                })?;
                self.input.drain(..taken.bytes);
                self.input.reserve(taken.room);
            }
            Err(Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        if self.written < self.out.len() {
            match write(&self.socket, &self.out[self.written..]) {
                Ok(bytes) => self.written += bytes,
                Err(Errno::AGAIN) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        let is_full = self.written < self.out.len();
        if !is_full {
            self.out.clear();
            self.written = 0;
        }
        if is_full != self.is_full {
            epoll.write(&self.socket, number, is_full)?;
            self.is_full = is_full;
        }
        Ok(true)
    }
}
