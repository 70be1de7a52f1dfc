//! An exporter: notes each run in its journal, and shuts down in order at SIGTERM.

use std::time::Duration;

use nameserver::stop::Stop;
use rpc_runtime::{Node, RegisterMode};
use tokio::time::interval;

use crate::Failure;
use crate::ledger::{Book, LedgerServer};
use crate::note::Journal;
use crate::settings::{ExporterSettings, GROUP, instance};
use crate::tally::{TALLY_INTERVAL, Tally, TallyFile};

/// How long calls under way may take to end when it shuts down.
const DRAIN: Duration = Duration::from_secs(10);
/// What a forgetful exporter keeps of replies: room for a small one of each call of a binding, and for few others.
const FORGETFUL_RESERVED: u64 = 256;
const FORGETFUL_MAX: u64 = 4096;

pub(super) async fn play(settings: ExporterSettings) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let book = Book::new(settings.number, settings.life, Journal::create(&settings.journal)?);
    let mut tally = TallyFile::create(&settings.tally)?;
    let builder = Node::builder().nameserver(settings.nameserver).listen(settings.listen);
    let builder = settings.advertise.into_iter().fold(builder, |builder, address| builder.advertise(address));
    let mut limits = settings.timing.limits();
    if settings.is_forgetful {
        limits.reply_bytes_reserved = FORGETFUL_RESERVED;
        limits.session_reply_bytes_max = FORGETFUL_MAX;
    }
    let node = builder.limits(limits).start().await?;
    // The life before may have been killed, and be registered still.
    let export = node.export(instance(settings.number), LedgerServer::new(book)).group(GROUP);
    let export = export.mode(RegisterMode::Takeover).owner("faults").ttl(settings.timing.ttl).await?;
    super::ready(&node.local_endpoints().concat())?;

    let count = || Tally { answered_from_record: node.stats().duplicates_answered, ..Tally::default() };
    let mut report = interval(TALLY_INTERVAL);
    loop {
        tokio::select! {
            _ = stop.wait() => break,
            _ = report.tick() => tally.report(count())?,
        }
    }
    let complete = node.shutdown(DRAIN).await;
    tally.report(count())?;
    drop(export);
    if complete { Ok(()) } else { Err("calls had to be aborted when the exporter shut down".into()) }
}
