//! Streams over real sockets, as a user makes them: what a method takes and gives as items, one after the other.

#[path = "support/gate.rs"]
mod gate;
#[path = "support/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gate::Gate;
use proxy::Proxy;
use rpc_runtime::{
    CallError, Context, ErrorKind, Executed, Export, Limits, Message, Node, RemoteError, Streaming, in_memory,
    interface, within,
};
use tokio::sync::Notify;
use tokio::time::timeout;

/// More than any test takes that does not hang.
const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Message)]
struct Line {
    number: u64,
    text: String,
}

#[interface(dyn)]
trait Feed {
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
    /// Blobs of so many bytes.
    async fn blobs(&self, bytes: u32, count: u32) -> Result<Streaming<Vec<u8>>, CallError>;
    async fn plain(&self) -> Result<u64, CallError>;
}

#[derive(Debug, PartialEq, thiserror::Error, RemoteError)]
enum FeedError {
    #[error("no numbers beyond {limit}")]
    NoMore { limit: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
struct MyFeed {
    /// Items that producers were asked for.
    produced: Arc<AtomicU64>,
    /// Producers that were dropped.
    dropped: Arc<AtomicU64>,
    /// Notified with each.
    drops: Arc<Notify>,
    openings: AtomicU64,
    cancelled: Arc<AtomicBool>,
}

/// Counts what is asked for, and notes its end.
struct Counted {
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
    fn counted(&self) -> Counted {
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
                    Err(error) => return drop(sender.end_with(error).await),
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
    async fn blobs(&self, bytes: u32, count: u32) -> Result<Streaming<Vec<u8>>, CallError> {
        Ok(Streaming::from_iter((0..count).map(move |_| vec![7; bytes as usize])))
    }
    async fn plain(&self) -> Result<u64, CallError> {
        Ok(1)
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An exporter of a feed, and what it notes.
async fn exporter(limits: Limits) -> Result<(Node, Export, Arc<MyFeed>), Failure> {
    let feed = Arc::new(MyFeed::default());
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await?;
    let export = node.export("feed", FeedServer::new(Arc::clone(&feed))).await?;
    Ok((node, export, feed))
}

async fn import(node: &Node, address: &str) -> Result<FeedClient, CallError> {
    node.import_at(address, "feed").await
}

/// A caller and an exporter over TCP.
async fn pair() -> Result<(FeedClient, Arc<MyFeed>, (Node, Export, Node)), Failure> {
    let (exporter, export, feed) = exporter(Limits::default()).await?;
    let importer = Node::builder().start().await?;
    let client = import(&importer, &exporter.local_endpoints()[0]).await?;
    Ok((client, feed, (exporter, export, importer)))
}

async fn collect<T, E>(mut stream: Streaming<T, E>) -> Result<Vec<T>, E> {
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item?);
    }
    Ok(items)
}

/// What every implementation and every stub does with the three kinds.
async fn exercise(feed: &impl Feed) -> Result<(), Failure> {
    assert_eq!(collect(feed.count(3, false).await?).await, Ok(vec![0, 1, 2]));
    assert_eq!(collect(feed.count(0, false).await?).await, Ok(vec![]));
    assert_eq!(feed.sum(Streaming::from_iter(1..=100)).await, Ok(5050));
    assert_eq!(feed.sum(Streaming::from_iter([])).await, Ok(0));
    let lines = ["a", "b"].map(str::to_owned);
    let echo = collect(feed.echo(Streaming::from_iter(lines)).await?).await?;
    let texts: Vec<_> = echo.iter().map(|line| (line.number, line.text.as_str())).collect();
    assert_eq!(texts, [(1, "a"), (2, "b")]);

    let error = feed.count(2_000_000, false).await.expect_err("too many");
    assert_eq!(error, FeedError::NoMore { limit: 1_000_000 });
    let mut numbers = feed.count(1, true).await?;
    assert_eq!(numbers.next().await, Some(Ok(0)));
    assert_eq!(numbers.next().await, Some(Err(FeedError::NoMore { limit: 1 })));
    assert_eq!(numbers.next().await, None);
    Ok(())
}

/// Code that is written against the interface does the same with the implementation and with the stub.
#[tokio::test]
async fn all_kinds_work_here_and_there() -> Result<(), Failure> {
    exercise(&MyFeed::default()).await?;
    exercise(&in_memory(FeedServer::new(MyFeed::default()))).await?;
    let (client, feed, _nodes) = pair().await?;
    exercise(&client).await?;
    exercise(&DynFeed::new(client)).await?;
    assert!(feed.openings.load(Ordering::SeqCst) > 0);
    Ok(())
}

/// Both sides of a stream speak in turns: an item goes out as soon as it is there.
#[tokio::test]
async fn a_dialogue_takes_turns() -> Result<(), Failure> {
    let (client, _, _nodes) = pair().await?;
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
