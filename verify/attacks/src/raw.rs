//! A peer that speaks the wire by hand, and so can do what no caller would.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rpc_runtime::Incarnation;
use rpc_runtime::protocol::control::{Attach, Hello, Welcome};
use rpc_runtime::protocol::frame::{Answer, Call, CallHeader, Frame, MAGIC, frame_bytes};
use rpc_runtime::protocol::id::{AttachNumber, CallId, Sequence, Slot};
use rpc_runtime::protocol::time::CalleeTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use uuid::Uuid;

use crate::victim::INSTANCE;

/// No step of a healthy exporter takes as long.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest frame that the peer reads.
const FRAME_BYTES_MAX: u32 = 16 << 20;

/// One connection to the victim.
pub(crate) struct Raw {
    stream: TcpStream,
    inbox: BytesMut,
}

impl Raw {
    /// Connects and says nothing. Each dial comes from the next of 250 addresses, so that neither the ports of one nor the
    /// victim's bound on connections from one run out.
    pub(crate) async fn dial(address: &str) -> io::Result<Raw> {
        static DIALS: AtomicU8 = AtomicU8::new(0);
        let host = 2 + DIALS.fetch_add(1, Ordering::Relaxed) % 250;
        let address: SocketAddr = address.trim_start_matches("tcp://").parse().map_err(io::Error::other)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, host], 0)))?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Raw { stream, inbox: BytesMut::new() })
    }

    /// Connects and opens a session; the answer is a welcome or an error.
    pub(crate) async fn hello(address: &str) -> io::Result<(Raw, Welcome)> {
        let mut raw = Raw::dial(address).await?;
        raw.send(&opening()).await?;
        match raw.frame().await? {
            Some(Frame::Welcome(welcome)) => Ok((raw, welcome)),
            other => Err(io::Error::other(format!("{other:?} is no welcome"))),
        }
    }

    /// Connects and attaches the session of `welcome`.
    pub(crate) async fn attach(address: &str, welcome: &Welcome, number: u64) -> io::Result<Raw> {
        let mut raw = Raw::dial(address).await?;
        let Welcome { incarnation, session, token, .. } = *welcome;
        let attach = Frame::Attach(Attach { incarnation, session, token, number: AttachNumber(number) });
        raw.send(&[&MAGIC[..], &encoded(&attach)].concat()).await?;
        match raw.frame().await? {
            Some(Frame::Attached(_)) => Ok(raw),
            other => Err(io::Error::other(format!("{other:?} is no attachment"))),
        }
    }

    /// Sends whatever this is.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next frame; `None` if the victim has closed the connection.
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
            if let Some(bytes) = frame_bytes(&self.inbox, FRAME_BYTES_MAX as usize).map_err(io::Error::other)?
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

    /// Reads until the victim closes the connection, or breaks it off.
    pub(crate) async fn closed(&mut self) {
        let mut ignored = [0; 4096];
        while matches!(self.stream.read(&mut ignored).await, Ok(read) if read > 0) {}
    }
}

/// How a caller with default limits begins a connection and a session.
pub(crate) fn opening() -> Vec<u8> {
    let hello = Frame::Hello(Hello {
        incarnation: Incarnation::new(Uuid::new_v4()),
        owner: None,
        interface: "Victim".to_owned(),
        instance: INSTANCE.to_owned(),
        expect: None,
        slots: 1024,
        frame_bytes_max: FRAME_BYTES_MAX,
    });
    [&MAGIC[..], &encoded(&hello)].concat()
}

/// A call of a plain method whose arguments are numbers.
pub(crate) fn call(slot: u16, sequence: u64, method: &str, arguments: &[u64]) -> Vec<u8> {
    let header = CallHeader {
        id: id(slot, sequence),
        recorded: true,
        oneway: false,
        start_before: CalleeTime::NEVER,
        method: method_id(method),
    };
    encoded(&Frame::Call(Call { header, arguments: fields(arguments) }))
}

/// The cancel of a plain call.
pub(crate) fn cancel(slot: u16, sequence: u64) -> Vec<u8> {
    encoded(&Frame::Cancel { id: id(slot, sequence), recorded: true })
}

/// The acknowledgement of a plain call's reply.
pub(crate) fn ack(slot: u16, sequence: u64) -> Vec<u8> {
    encoded(&Frame::Ack(id(slot, sequence)))
}

/// A frame as it travels.
pub(crate) fn encoded(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

fn id(slot: u16, sequence: u64) -> CallId {
    CallId { slot: Slot(slot), sequence: Sequence(sequence) }
}

/// The numbers as the fields 1, 2, … of a message.
fn fields(numbers: &[u64]) -> Bytes {
    let mut bytes = Vec::new();
    for (tag, number) in (1u8..).zip(numbers) {
        bytes.push(tag << 3);
        let mut rest = *number;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes.into()
}

/// A method's number on the wire.
fn method_id(wire_name: &str) -> u32 {
    wire_name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
