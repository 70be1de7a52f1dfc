//! The client: each thread keeps its share of the calls in flight by a plain loop.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::io::{read, write};

use super::connect;
use super::epoll::Epoll;
use crate::contender::{Error, Message};
use crate::contenders::raw::{Frame, put_call, take_frames};
use crate::load::{Caller, Load, Measured, Meter};
use crate::process;

/// The whole client process.
pub(super) fn process(load: &Load) -> Result<Measured, Error> {
    let meter = Arc::new(Meter::new());
    let connections = load.workload.connections();
    let threads = process::cores().min(connections);
    let measured = thread::scope(|scope| {
        let (connected, all_connected) = channel();
        for thread in 0..threads {
            let share = (thread..connections).step_by(threads).count();
            let (connected, meter) = (connected.clone(), Arc::clone(&meter));
            scope.spawn(move || call(load, share, &meter, connected).unwrap_or_else(|error| meter.fail(error)));
        }
        drop(connected);
        // Ends when every thread has connected or failed.
        while all_connected.recv().is_ok() {}
        meter.measure(load)
    });
    meter.result(measured?)
}

/// One thread: opens its share of the connections, and calls on them until it is over.
fn call(load: &Load, share: usize, meter: &Arc<Meter>, connected: Sender<()>) -> Result<(), Error> {
    let mut lines = Vec::new();
    for _ in 0..share {
        let callers = (0..load.workload.in_flight()).map(|_| meter.caller(load.workload));
        lines.push(Line::new(Connection::new(connect(&load.address)?), callers));
    }
    drop(connected);
    for line in &mut lines {
        line.begin()?;
    }
    match &mut lines[..] {
        [line] => {
            while line.in_flight > 0 {
                line.go_on()?;
            }
        }
        lines => {
            let mut epoll = Epoll::new()?;
            for (number, line) in lines.iter().enumerate() {
                epoll.add(&line.connection.socket, number)?;
            }
            let mut in_flight: usize = lines.iter().map(|line| line.in_flight).sum();
            while in_flight > 0 {
                for number in epoll.wait()? {
                    let line = &mut lines[number];
                    let before = line.in_flight;
                    line.go_on()?;
                    in_flight -= before - line.in_flight;
                }
            }
        }
    }
    Ok(())
}

/// A connection with its callers. A call has the number of its caller.
struct Line {
    connection: Connection,
    callers: Vec<Waiting>,
    in_flight: usize,
}

struct Waiting {
    caller: Caller,
    id: u64,
    begun: Option<Instant>,
}

impl Line {
    fn new(connection: Connection, callers: impl Iterator<Item = Caller>) -> Line {
        let callers = callers.map(|caller| Waiting { caller, id: 0, begun: None }).collect();
        Line { connection, callers, in_flight: 0 }
    }

    /// Each caller makes its first call.
    fn begin(&mut self) -> Result<(), Error> {
        for (number, waiting) in self.callers.iter_mut().enumerate() {
            waiting.call(number as u32, &mut self.connection.out);
        }
        self.in_flight = self.callers.len();
        self.connection.flush()
    }

    /// Whoever is answered by one read calls again, all in one write.
    fn go_on(&mut self) -> Result<(), Error> {
        let Line { connection, callers, in_flight } = self;
        connection.receive(|reply, out| {
            let waiting = callers.get_mut(reply.call as usize).ok_or("a reply to no call")?;
            waiting.caller.end(waiting.id, waiting.begun, &reply.message());
            if waiting.caller.goes_on() {
                waiting.call(reply.call, out);
            } else {
                *in_flight -= 1;
            }
            Ok(())
        })?;
        connection.flush()
    }
}

impl Waiting {
    fn call(&mut self, number: u32, out: &mut Vec<u8>) {
        let message = self.caller.message();
        (self.id, self.begun) = (message.id, self.caller.begin());
        put_call(out, number, &message);
    }
}

/// A connection that blocks.
pub(super) struct Connection {
    socket: OwnedFd,
    input: Vec<u8>,
    out: Vec<u8>,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd) -> Connection {
        Connection { socket, input: Vec::with_capacity(4096), out: Vec::new() }
    }

    /// One call, without others beside it.
    pub(super) fn call(&mut self, message: &Message) -> Result<Message, Error> {
        put_call(&mut self.out, 0, message);
        self.flush()?;
        let mut reply = None;
        while reply.is_none() {
            self.receive(|frame, _| {
                reply = Some(frame.message());
                Ok(())
            })?;
        }
        reply.ok_or_else(|| "no reply".into())
    }

    /// Reads once, and visits every complete frame.
    fn receive(&mut self, mut take: impl FnMut(Frame<'_>, &mut Vec<u8>) -> Result<(), Error>) -> Result<(), Error> {
        if read(&self.socket, spare_capacity(&mut self.input))? == 0 {
            return Err("the server has closed the connection".into());
        }
        let taken = take_frames(&self.input, |frame| take(frame, &mut self.out))?;
        self.input.drain(..taken.bytes);
        self.input.reserve(taken.room);
        Ok(())
    }

    /// Writes everything. The server reads whatever it has to write, so this ends.
    fn flush(&mut self) -> Result<(), Error> {
        let mut rest = &self.out[..];
        while !rest.is_empty() {
            rest = &rest[write(&self.socket, rest)?..];
        }
        self.out.clear();
        Ok(())
    }
}
