//! A floor: what a careful hand makes of tokio alone, with framing and nothing else. No deadlines, no errors, no reconnects.
//!
//! Both sides put every frame that is there into one write. The server handles calls in place; on the client one task for
//! each connection reads and writes, and a caller that is alone writes by itself.

use std::io;
use std::mem::swap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use slab::Slab;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;

use super::raw::{put_call, take_frames};
use crate::contender::{Address, Client, Contender, Error, Incoming, Message, Socket};

/// tokio and nothing else.
pub(crate) struct RawTokio;

impl Contender for RawTokio {
    type Client = Connection;
    const NAME: &'static str = "raw tokio";
    const UNIX: bool = true;

    async fn serve(mut incoming: Incoming) -> Result<(), Error> {
        // Each task ends with its connection.
        while let Some(socket) = incoming.accept().await {
            match socket {
                Socket::Tcp(stream) => tokio::spawn(answer(TcpStream::from_std(stream)?)),
                Socket::Unix(stream) => tokio::spawn(answer(UnixStream::from_std(stream)?)),
            };
        }
        Ok(())
    }

    async fn connect(address: &Address) -> Result<Connection, Error> {
        match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                Ok(Connection::new(reader, Writer::Tcp(writer)))
            }
            Address::Unix(path) => {
                let (reader, writer) = UnixStream::connect(path).await?.into_split();
                Ok(Connection::new(reader, Writer::Unix(writer)))
            }
        }
    }
}

/// Answers calls in place: what one read brings, one write answers.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), Error> {
    let (mut input, mut out) = (BytesMut::with_capacity(4096), BytesMut::new());
    while stream.read_buf(&mut input).await? > 0 {
        let taken = take_frames(&input, |call| {
            call.put(&mut out);
            Ok(())
        })?;
        input.advance(taken.bytes);
        input.reserve(taken.room);
        stream.write_all(&out).await?;
        out.clear();
    }
    Ok(())
}

/// A client's connection.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Shared>);

/// What callers share with the connection's task.
struct Shared {
    writer: Writer,
    /// Never held across a write but that of a caller who is alone.
    calls: Mutex<Calls>,
    /// There are calls to be written.
    more: Notify,
}

#[derive(Default)]
struct Calls {
    /// Who waits, by the number of the call.
    waiting: Slab<oneshot::Sender<Message>>,
    /// Calls that nobody has begun to write.
    out: BytesMut,
}

impl Connection {
    fn new(reader: impl AsyncRead + Send + Unpin + 'static, writer: Writer) -> Connection {
        let shared = Arc::new(Shared { writer, calls: Mutex::default(), more: Notify::new() });
        let connection = Connection(Arc::clone(&shared));
        // Ends with the connection, or with the runtime.
        tokio::spawn(async move {
            let ended = shared.drive(reader).await;
            // Who still waits learns it by its dropped sender.
            shared.calls().waiting.clear();
            ended
        });
        connection
    }
}

impl Client for Connection {
    async fn echo(&self, message: Message) -> Result<Message, Error> {
        let (sender, reply) = oneshot::channel();
        self.0.call(&message, sender)?;
        Ok(reply.await?)
    }
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, message: &Message, reply: oneshot::Sender<Message>) -> Result<(), Error> {
        let mut calls = self.calls();
        let was_empty = calls.out.is_empty();
        let call = calls.waiting.insert(reply) as u32;
        put_call(&mut calls.out, call, message);
        // Every other call has been answered, so it has been written whole.
        if calls.waiting.len() == 1
            && let Some(written) = self.writer.try_write(&calls.out)?
        {
            calls.out.advance(written);
        }
        if was_empty && !calls.out.is_empty() {
            self.more.notify_one();
        }
        Ok(())
    }

    async fn drive(&self, mut reader: impl AsyncRead + Unpin) -> Result<(), Error> {
        let (mut input, mut batch) = (BytesMut::with_capacity(4096), BytesMut::new());
        loop {
            while !batch.is_empty()
                && let Some(written) = self.writer.try_write(&batch)?
            {
                batch.advance(written);
            }
            tokio::select! {
                biased;
                // Ends when replies come.
                read = reader.read_buf(&mut input) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    let taken = take_frames(&input, |reply| {
                        let waiting = self.calls().waiting.try_remove(reply.call as usize);
                        // A caller that has gone needs no reply.
                        let _gone = waiting.ok_or("a reply to no call")?.send(reply.message());
                        Ok(())
                    })?;
                    input.advance(taken.bytes);
                    input.reserve(taken.room);
                }
                // Ends when the socket takes more of the batch.
                writable = self.writer.writable(), if !batch.is_empty() => writable?,
                // Ends when a caller has put the first call of the next batch.
                () = self.more.notified(), if batch.is_empty() => {
                    if self.calls().waiting.len() > 1 {
                        // Others that are about to call come into the same write.
                        yield_now().await;
                    }
                    batch.clear();
                    swap(&mut batch, &mut self.calls().out);
                }
            }
        }
    }
}

/// The writing half of a stream, of which everybody may try to write.
enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl Writer {
    /// How many bytes were written, unless the socket is full.
    fn try_write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let written = match self {
            Writer::Tcp(writer) => writer.try_write(bytes),
            Writer::Unix(writer) => writer.try_write(bytes),
        };
        match written {
            Ok(written) => Ok(Some(written)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self {
            Writer::Tcp(writer) => writer.writable().await,
            Writer::Unix(writer) => writer.writable().await,
        }
    }
}
