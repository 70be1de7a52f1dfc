//! A peer that speaks the wire by hand, and so can say what no caller would.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rpc_runtime::protocol::control::{Attach, Hello, Welcome};
use rpc_runtime::protocol::frame::{Answer, Call, CallHeader, Frame, MAGIC, frame_bytes};
use rpc_runtime::protocol::id::{AttachNumber, CallId, Incarnation, Sequence, Slot};
use rpc_runtime::protocol::time::CalleeTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

/// No step of a healthy exporter takes as long.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// One connection to a node.
pub(crate) struct Raw {
    stream: TcpStream,
    inbox: BytesMut,
}

impl Raw {
    /// Connects to `tcp://…` and says nothing.
    pub(crate) async fn dial(address: &str) -> io::Result<Raw> {
        let stream = TcpStream::connect(address.trim_start_matches("tcp://")).await?;
        stream.set_nodelay(true)?;
        Ok(Raw { stream, inbox: BytesMut::new() })
    }

    /// Connects and opens a session.
    pub(crate) async fn hello(address: &str, interface: &str, instance: &str) -> io::Result<(Raw, Welcome)> {
        let mut raw = Raw::dial(address).await?;
        raw.send_bytes(&MAGIC).await?;
        raw.send(&hello(interface, instance)).await?;
        match raw.frame().await? {
            Some(Frame::Welcome(welcome)) => Ok((raw, welcome)),
            other => Err(io::Error::other(format!("{other:?} is no welcome"))),
        }
    }

    /// Connects and attaches the session of `welcome`; gives the answer.
    pub(crate) async fn attach(address: &str, welcome: &Welcome, number: u64) -> io::Result<(Raw, Option<Frame>)> {
        let mut raw = Raw::dial(address).await?;
        raw.send_bytes(&MAGIC).await?;
        let Welcome { incarnation, session, token, .. } = *welcome;
        raw.send(&Frame::Attach(Attach { incarnation, session, token, number: AttachNumber(number) })).await?;
        let answer = raw.frame().await?;
        Ok((raw, answer))
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &Frame) -> io::Result<()> {
        self.send_bytes(&encoded(frame)).await
    }

    /// Sends whatever this is.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next frame; `None` if the node has closed the connection.
    pub(crate) async fn frame(&mut self) -> io::Result<Option<Frame>> {
        timeout(STEP_TIMEOUT, self.next()).await?
    }

    /// The next answer to a call.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        match self.frame().await? {
            Some(Frame::Answer(answer)) => Ok(answer),
            other => Err(io::Error::other(format!("{other:?} is no answer"))),
        }
    }

    async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(bytes) = frame_bytes(&self.inbox, 1 << 26).map_err(io::Error::other)?
                && bytes <= self.inbox.len()
            {
                let frame = self.inbox.split_to(bytes).freeze();
                return Frame::decode(frame).map(Some).map_err(io::Error::other);
            }
            if self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Waits until the node closes the connection, or breaks it off; an error if it does not in time.
    pub(crate) async fn closed(&mut self) -> io::Result<()> {
        let mut ignored = vec![0; 4096];
        let end = async { while matches!(self.stream.read(&mut ignored).await, Ok(read) if read > 0) {} };
        Ok(timeout(STEP_TIMEOUT, end).await?)
    }
}

/// A `Hello` as a caller with default limits would send it.
pub(crate) fn hello(interface: &str, instance: &str) -> Frame {
    Frame::Hello(Hello {
        incarnation: Incarnation::new(Uuid::new_v4()),
        owner: None,
        interface: interface.to_owned(),
        instance: instance.to_owned(),
        expect: None,
        slots: 1024,
        frame_bytes_max: 16 << 20,
    })
}

/// A call of a plain method.
pub(crate) fn call(slot: u16, sequence: u64, method: u32, arguments: &[u8]) -> Frame {
    let header = CallHeader {
        id: CallId { slot: Slot(slot), sequence: Sequence(sequence) },
        recorded: true,
        oneway: false,
        start_before: CalleeTime::NEVER,
        method,
    };
    Frame::Call(Call { header, arguments: Bytes::copy_from_slice(arguments) })
}

/// A call without a record.
pub(crate) fn unrecorded(slot: u16, sequence: u64, method: u32, arguments: &[u8]) -> Frame {
    let Frame::Call(mut frame) = call(slot, sequence, method, arguments) else { unreachable!("it is a call") };
    frame.header.recorded = false;
    Frame::Call(frame)
}

/// A frame as it travels.
pub(crate) fn encoded(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

/// A method's number on the wire.
pub(crate) fn method_id(wire_name: &str) -> u32 {
    wire_name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
