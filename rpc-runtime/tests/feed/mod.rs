//! An interface with streams of each kind, an implementation that notes what becomes of them, and both over TCP.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rpc_runtime::{CallError, Context, Export, Limits, Message, Node, RemoteError, Streaming, interface};
use tokio::sync::Notify;
use tokio::time::timeout;

/// More than any test takes that does not hang.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A sum that is never told.
pub(crate) const STUCK: u64 = 13;

#[derive(Debug, Clone, PartialEq, Message)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: String,
}

#[interface(dyn)]
pub(crate) trait Feed {
    /// The numbers from 0, of which the last is followed by an error if `fails`.
    async fn count(&self, to: u64, fails: bool) -> Result<Streaming<u64, FeedError>, FeedError>;
    /// The same as lines, endless, and how they ended is noted.
    async fn lines(&self) -> Result<Streaming<Line>, CallError>;
    /// Their sum.
    async fn sum(&self, numbers: Streaming<u64>) -> Result<u64, FeedError>;
    /// Each line, with its place.
    async fn echo(&self, lines: Streaming<String>) -> Result<Streaming<Line>, CallError>;
    /// Takes one number and is content.
    async fn first(&self, numbers: Streaming<u64>) -> Result<Option<u64>, CallError>;
    /// Panics after so many.
    async fn panics(&self, after: u64) -> Result<Streaming<u64>, CallError>;
    async fn never_opens(&self) -> Result<Streaming<u64>, CallError>;
    /// Takes numbers and reads none.
    async fn hold(&self, numbers: Streaming<u64>) -> Result<(), CallError>;
    /// Blobs of so many bytes.
    async fn blobs(&self, bytes: u32, count: u32) -> Result<Streaming<Vec<u8>>, CallError>;
    async fn plain(&self) -> Result<u64, CallError>;
}

#[derive(Debug, PartialEq, thiserror::Error, RemoteError)]
pub(crate) enum FeedError {
    #[error("no numbers beyond {limit}")]
    NoMore { limit: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
pub(crate) struct MyFeed {
    /// Items that producers were asked for.
    pub(crate) produced: Arc<AtomicU64>,
    /// Producers that were dropped.
    pub(crate) dropped: Arc<AtomicU64>,
    /// Notified with each.
    pub(crate) drops: Arc<Notify>,
    pub(crate) openings: AtomicU64,
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// Counts what is asked for, and notes its end.
pub(crate) struct Counted {
    next: u64,
    produced: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    drops: Arc<Notify>,
}

impl Iterator for Counted {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        self.produced.fetch_add(1, Ordering::SeqCst);
        let number = self.next;
        self.next += 1;
        Some(Line { number, text: "x".repeat(1000) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        self.drops.notify_one();
    }
}

impl MyFeed {
    pub(crate) fn counted(&self) -> Counted {
        let (produced, dropped) = (Arc::clone(&self.produced), Arc::clone(&self.dropped));
        Counted { next: 0, produced, dropped, drops: Arc::clone(&self.drops) }
    }
}

impl Feed for MyFeed {
    async fn count(&self, to: u64, fails: bool) -> Result<Streaming<u64, FeedError>, FeedError> {
        self.openings.fetch_add(1, Ordering::SeqCst);
        if to > 1_000_000 {
            return Err(FeedError::NoMore { limit: 1_000_000 });
        }
        let (sender, numbers) = Streaming::channel();
        tokio::spawn(async move {
            for number in 0..to {
                if sender.send(number).await.is_err() {
                    return;
                }
            }
            if fails {
                let _ = sender.end_with(FeedError::NoMore { limit: to }).await;
            }
        });
        Ok(numbers)
    }
    async fn lines(&self) -> Result<Streaming<Line>, CallError> {
        Ok(Streaming::from_iter(self.counted()))
    }
    async fn sum(&self, mut numbers: Streaming<u64>) -> Result<u64, FeedError> {
        self.openings.fetch_add(1, Ordering::SeqCst);
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            match number {
                Ok(number) => sum += number,
                Err(error) => {
                    let is_cancelled = Context::current().is_some_and(|context| context.is_cancelled());
                    self.cancelled.store(is_cancelled, Ordering::SeqCst);
                    self.drops.notify_one();
                    return Err(error.into());
                }
            }
        }
        if sum == STUCK {
            std::future::pending::<()>().await;
        }
        Ok(sum)
    }
    async fn echo(&self, mut lines: Streaming<String>) -> Result<Streaming<Line>, CallError> {
        let (sender, echo) = Streaming::channel();
        tokio::spawn(async move {
            let mut number = 0;
            while let Some(line) = lines.next().await {
                match line {
                    Ok(text) => {
                        number += 1;
                        if sender.send(Line { number, text }).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        // Nobody may listen any more.
                        let _ = sender.end_with(error).await;
                        return;
                    }
                }
            }
        });
        Ok(echo)
    }
    async fn first(&self, mut numbers: Streaming<u64>) -> Result<Option<u64>, CallError> {
        numbers.next().await.transpose()
    }
    async fn panics(&self, after: u64) -> Result<Streaming<u64>, CallError> {
        Ok(Streaming::from_iter((0..).inspect(move |number| assert!(*number < after, "as asked"))))
    }
    async fn never_opens(&self) -> Result<Streaming<u64>, CallError> {
        std::future::pending().await
    }
    async fn hold(&self, numbers: Streaming<u64>) -> Result<(), CallError> {
        std::future::pending::<()>().await;
        drop(numbers);
        Ok(())
    }
    async fn blobs(&self, bytes: u32, count: u32) -> Result<Streaming<Vec<u8>>, CallError> {
        Ok(Streaming::from_iter((0..count).map(move |_| vec![7; bytes as usize])))
    }
    async fn plain(&self) -> Result<u64, CallError> {
        Ok(1)
    }
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An exporter of a feed, and what it notes.
pub(crate) async fn exporter(limits: Limits) -> Result<(Node, Export, Arc<MyFeed>), Failure> {
    let feed = Arc::new(MyFeed::default());
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await?;
    let export = node.export("feed", FeedServer::new(Arc::clone(&feed))).await?;
    Ok((node, export, feed))
}

pub(crate) async fn import(node: &Node, address: &str) -> Result<FeedClient, CallError> {
    node.import_at(address, "feed").await
}

/// A caller and an exporter over TCP.
pub(crate) async fn pair() -> Result<(FeedClient, Arc<MyFeed>, (Node, Export, Node)), Failure> {
    let (exporter, export, feed) = exporter(Limits::default()).await?;
    let importer = Node::builder().start().await?;
    let client = import(&importer, &exporter.local_endpoints()[0]).await?;
    Ok((client, feed, (exporter, export, importer)))
}

pub(crate) async fn collect<T, E>(mut stream: Streaming<T, E>) -> Result<Vec<T>, E> {
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item?);
    }
    Ok(items)
}

/// Both sides of a stream speak in turns: an item goes out as soon as it is there.
pub(crate) async fn takes_turns(client: &impl Feed) -> Result<(), Failure> {
    let (sender, lines) = Streaming::channel();
    let mut echo = client.echo(lines).await?;
    for number in 1..=100 {
        sender.send(format!("line {number}")).await?;
        let line = timeout(LONG, echo.next()).await?.expect("an echo")?;
        assert_eq!(line, Line { number, text: format!("line {number}") });
    }
    drop(sender);
    assert_eq!(timeout(LONG, echo.next()).await?, None);
    Ok(())
}
