//! The software of a stranger's host: it tries to attach sessions that are not its own, without their tokens (row 3, I15).

use std::time::Duration;

use rpc_runtime::protocol::control::{Attach, Hello, Welcome};
use rpc_runtime::protocol::frame::{Frame, MAGIC, frame_bytes};
use rpc_runtime::protocol::id::{AttachNumber, Incarnation, SessionId};
use rpc_runtime::{UserStub, random};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use turmoil::net::TcpStream;

use crate::outcome::Rule;
use crate::service::CounterClient;
use crate::world::{PORT, World, exporters};

/// The stranger's host.
pub(crate) const HOST: &str = "s0";
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long it rests between two attempts, in milliseconds.
const REST_MILLIS: std::ops::RangeInclusive<u64> = 50..=500;
/// The largest frame that it reads.
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// Tries until it is crashed.
pub(crate) async fn software(world: World) -> turmoil::Result {
    let me = Incarnation::new(random::identity());
    loop {
        sleep(Duration::from_millis(fastrand::u64(REST_MILLIS))).await;
        let exporters = exporters(&world.scenario);
        let exporter = exporters[fastrand::usize(..exporters.len())];
        // An exporter that does not answer is tried again later.
        let _ = timeout(PATIENCE, attempt(&world, exporter, me)).await;
    }
}

/// Learns from a session of its own how the others are called, and asks for one of them.
async fn attempt(world: &World, exporter: &str, me: Incarnation) -> std::io::Result<()> {
    let hello = Hello {
        incarnation: me,
        owner: None,
        interface: CounterClient::interface().name(),
        instance: exporter.to_owned(),
        expect: None,
        slots: 1,
        frame_bytes_max: FRAME_BYTES_MAX as u32,
    };
    let Frame::Welcome(Welcome { incarnation, session: own, token, .. }) = ask(exporter, Frame::Hello(hello)).await?
    else {
        return Ok(());
    };
    let session = SessionId(fastrand::u64(1..=own.0));
    let number = AttachNumber(u64::MAX);
    let answer = ask(exporter, Frame::Attach(Attach { incarnation, session, token, number })).await?;
    if session != own && matches!(answer, Frame::Attached(_)) {
        let what = format!("{exporter} gives session {} to who has another one's token", session.0);
        world.oracle.violation(Rule::TokenIgnored, what);
    }
    Ok(())
}

/// Says one thing on a connection of its own, and hears the answer.
async fn ask(exporter: &str, frame: Frame) -> std::io::Result<Frame> {
    let mut stream = TcpStream::connect((exporter, PORT)).await?;
    let mut bytes = MAGIC.to_vec();
    frame.encode(&mut bytes);
    stream.write_all(&bytes).await?;
    let mut read = Vec::new();
    loop {
        let invalid = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        if let Some(length) = frame_bytes(&read, FRAME_BYTES_MAX).map_err(invalid)?
            && length <= read.len()
        {
            return Frame::decode(read[..length].to_vec().into()).map_err(invalid);
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
