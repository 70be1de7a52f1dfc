//! Calls without a stub: what a program needs that learns at run time what it calls.

#[path = "support/proxy.rs"]
mod proxy;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{self, Poll};
use std::time::Duration;

use futures_core::Stream;
use proxy::Proxy;
use rpc_runtime::directory::MemoryDirectory;
use rpc_runtime::{
    AnyBinding, AnyError, Bytes, CallError, ErrorKind, Executed, Node, RemoteError, Streaming, interface,
};

type Failure = Box<dyn std::error::Error>;

#[interface(package = "demo.v1")]
trait Till {
    /// Pays out, and gives how often it has paid.
    async fn pay(&self, amount: u32) -> Result<u32, TillError>;
    /// Numbers up to `to`, 100 and more of which are too much.
    async fn each(&self, to: u32) -> Result<Streaming<u32, TillError>, TillError>;
    /// Their sum.
    async fn sum(&self, numbers: Streaming<u32>) -> Result<u32, TillError>;
    /// Each number again, doubled.
    async fn double(&self, numbers: Streaming<u32>) -> Result<Streaming<u32, TillError>, TillError>;
    /// Takes none of them.
    async fn hold(&self, numbers: Streaming<u32>) -> Result<Streaming<u32>, CallError>;
    /// Fails in words.
    #[rpc(idempotent)]
    async fn fail(&self) -> Result<(), CallError>;
}

#[derive(Debug, thiserror::Error, RemoteError)]
enum TillError {
    #[error("{amount} is too much")]
    TooMuch { amount: u32 },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
struct Counting(AtomicU32, Arc<AtomicU32>);

impl Till for Counting {
    async fn pay(&self, amount: u32) -> Result<u32, TillError> {
        match amount {
            0..100 => Ok(self.0.fetch_add(1, Ordering::SeqCst) + 1),
            _ => Err(TillError::TooMuch { amount }),
        }
    }

    async fn each(&self, to: u32) -> Result<Streaming<u32, TillError>, TillError> {
        let alive = Alive::new(&self.1);
        let numbers = (1..=to).map(move |number| (number, &alive).0);
        match to {
            0..100 => Ok(Streaming::from_iter(numbers)),
            100..1000 => Ok(Streaming::new(Failing(Streaming::from_iter(numbers)))),
            _ => Err(TillError::TooMuch { amount: to }),
        }
    }

    async fn sum(&self, mut numbers: Streaming<u32>) -> Result<u32, TillError> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += number?;
        }
        Ok(sum)
    }

    async fn double(&self, mut numbers: Streaming<u32>) -> Result<Streaming<u32, TillError>, TillError> {
        let (sender, doubled) = Streaming::channel();
        let alive = Alive::new(&self.1);
        tokio::spawn(async move {
            let _alive = alive;
            loop {
                let sent = match numbers.next().await {
                    Some(Ok(number)) => sender.send(2 * number).await,
                    Some(Err(error)) => return sender.end_with(error.into()).await,
                    None => return Ok(()),
                };
                sent?;
            }
        });
        Ok(doubled)
    }

    async fn hold(&self, numbers: Streaming<u32>) -> Result<Streaming<u32>, CallError> {
        let (sender, held) = Streaming::channel();
        tokio::spawn(async move {
            sender.closed().await;
            drop(numbers);
        });
        Ok(held)
    }

    async fn fail(&self) -> Result<(), CallError> {
        Err(CallError::failed("no money"))
    }
}

/// Counts what lives.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Alive {
        count.fetch_add(1, Ordering::SeqCst);
        Alive(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends with an error after 99.
struct Failing(Streaming<u32, TillError>);

impl Stream for Failing {
    type Item = Result<u32, TillError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.0).poll_next(cx) {
            Poll::Ready(Some(Ok(amount @ 100..))) => Poll::Ready(Some(Err(TillError::TooMuch { amount }))),
            next => next,
        }
    }
}

async fn exporter() -> Result<(Node, rpc_runtime::Export, Arc<Counting>), Failure> {
    let node = Node::builder().listen("127.0.0.1:0").start().await?;
    let till = Arc::new(Counting::default());
    let export = node.export("main", TillServer::new(Arc::clone(&till))).await?;
    Ok((node, export, till))
}

fn never(result: Result<Bytes, AnyError>) -> (ErrorKind, String) {
    match result {
        Err(AnyError::Call(error)) if error.executed() == Executed::Never => (error.kind(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

/// The description comes from the exporter; values, typed errors and failures come back as they are.
#[tokio::test]
async fn a_call_without_a_stub_is_a_call() -> Result<(), Failure> {
    let (node, _export, till) = exporter().await?;
    let any = node.import_any_at(&node.local_endpoints()[0], "demo.v1.Till", "main").await?;
    assert_eq!(any.interface(), &<TillClient as rpc_runtime::UserStub>::interface());
    assert_eq!(any.call("Pay", Bytes::from_static(&[8, 5])).await?[..], [8, 1]);
    assert_eq!(any.clone().call("Pay", Bytes::from_static(&[8, 5])).await?[..], [8, 2]);

    let error = any.call("Pay", Bytes::from_static(&[8, 100])).await.expect_err("too much");
    let AnyError::Method(error) = error else { panic!("{error}") };
    assert!(matches!(rpc_runtime::idl::from_slice::<TillError>(&error)?, TillError::TooMuch { amount: 100 }));

    let AnyError::Call(error) = any.call("Fail", Bytes::new()).await.expect_err("it fails") else { panic!() };
    assert_eq!((error.kind(), error.executed(), error.safe_to_retry()), (ErrorKind::Failed, Executed::Completed, true));
    assert!(error.to_string().contains("Fail: no money"), "{error}");

    let (kind, text) = never(any.call("Pai", Bytes::new()).await);
    assert!(kind == ErrorKind::UnknownMethod && text.contains("`demo.v1.Till` has no method Pai"), "{text}");
    let (kind, text) = never(any.call("Each", Bytes::new()).await);
    assert!(kind == ErrorKind::UnknownMethod && text.contains("Each streams: `AnyBinding::open` calls it"), "{text}");
    let (kind, _) = never(any.call("Pay", Bytes::from_static(&[0xff])).await);
    assert_eq!(kind, ErrorKind::Undecodable);
    assert_eq!(till.0.load(Ordering::SeqCst), 2);
    assert_eq!(any.binding().stats().calls, 5);
    Ok(())
}

/// Without an instance's name there must be one; otherwise the error names those there are.
#[tokio::test]
async fn the_only_instance_needs_no_name() -> Result<(), Failure> {
    let (node, _export, _) = exporter().await?;
    let address = node.local_endpoints()[0].clone();
    let any: AnyBinding = node.import_any_at(&address, "demo.v1.Till", "").await?;
    assert_eq!(any.call("Pay", Bytes::from_static(&[8, 5])).await?[..], [8, 1]);

    let _second = node.export("second", TillServer::new(Counting::default())).await?;
    for instance in ["", "mian"] {
        let error = node.import_any_at(&address, "demo.v1.Till", instance).await.expect_err("which?");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NameNotFound, Executed::Never));
        assert!(error.to_string().contains("it exports it as `main`, `second`"), "{error}");
    }
    let error = node.import_any_at(&address, "demo.v1.Tills", "").await.expect_err("no such interface");
    assert!(error.to_string().contains("; it exports `demo.v1.Till` ("), "{error}");
    assert!(!error.to_string().contains("``"), "{error}");
    Ok(())
}

/// The directory finds it by name.
#[tokio::test]
async fn it_is_found_by_name() -> Result<(), Failure> {
    let directory = Arc::new(MemoryDirectory::new());
    let node = || Node::builder().directory(Arc::clone(&directory) as _).listen("127.0.0.1:0").start();
    let (exporter, importer) = (node().await?, node().await?);
    let _export = exporter.export("main", TillServer::new(Counting::default())).await?;
    let any = importer.import_any("demo.v1.Till", "main").timeout(Duration::from_secs(5)).await?;
    assert_eq!(any.call("Pay", Bytes::from_static(&[8, 5])).await?[..], [8, 1]);
    let error = importer.import_any("demo.v1.Till", "mian").await.expect_err("no such name");
    assert_eq!(error.kind(), ErrorKind::NameNotFound);
    Ok(())
}

/// Connections are cut within frames and replies are swallowed: each call runs once all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_stub_runs_once() -> Result<(), Failure> {
    const CALLS: u32 = 500;
    let (node, _export, till) = exporter().await?;
    let proxy = Proxy::start(&node.local_endpoints()[0], 400, 1984).await?;
    let any = node.import_any_at(&proxy.address(), "demo.v1.Till", "main").wait(Duration::from_secs(10)).await?;
    for number in 1..=CALLS {
        let reply = any.call("Pay", Bytes::from_static(&[8, 5])).await?;
        assert_eq!(rpc_runtime::idl::from_slice::<(u32,)>(&reply)?, (number,));
    }
    assert_eq!(till.0.load(Ordering::SeqCst), CALLS);
    assert!(proxy.harm().connections.load(Ordering::Relaxed) > 10, "{:?}", proxy.harm());
    Ok(())
}

type Replies = Streaming<Bytes, AnyError>;

/// Field 1 of a message.
fn number(number: u32) -> Bytes {
    rpc_runtime::idl::to_vec(&(number,)).expect("it is small").into()
}

fn numbers(numbers: impl IntoIterator<Item = u32, IntoIter: Send + 'static>) -> Streaming<Bytes> {
    Streaming::from_iter(numbers.into_iter().map(number))
}

/// What comes until the end, and the error that is it.
async fn all(replies: Result<Replies, AnyError>) -> (Vec<u32>, Option<AnyError>) {
    let mut items = Vec::new();
    let mut replies = match replies {
        Ok(replies) => replies,
        Err(error) => return (items, Some(error)),
    };
    loop {
        match replies.next().await {
            Some(Ok(reply)) => items.push(rpc_runtime::idl::from_slice::<(u32,)>(&reply).expect("a number").0),
            Some(Err(error)) => return (items, Some(error)),
            None => return (items, None),
        }
    }
}

fn too_much(error: Option<AnyError>) -> u32 {
    let Some(AnyError::Method(error)) = error else { panic!("{error:?}") };
    match rpc_runtime::idl::from_slice(&error) {
        Ok(TillError::TooMuch { amount }) => amount,
        other => panic!("{other:?}"),
    }
}

/// What `open` does is the same natively and over gRPC.
async fn open_all_kinds(any: &AnyBinding) -> Result<(), Failure> {
    assert_eq!(all(any.open("Each", numbers([3])).await).await, (vec![1, 2, 3], None));
    assert_eq!(all(any.open("Each", numbers([0])).await).await, (vec![], None));
    assert_eq!(all(any.open("Sum", numbers(1..=100)).await).await, (vec![5050], None));
    assert_eq!(all(any.open("Sum", numbers([])).await).await, (vec![0], None));
    assert_eq!(all(any.open("Pay", numbers([5])).await).await, (vec![1], None));

    let (items, error) = all(any.open("Each", numbers([100])).await).await;
    assert_eq!((items.len(), too_much(error)), (99, 100));
    let (items, error) = all(any.open("Each", numbers([1000])).await).await;
    assert_eq!((items.len(), too_much(error)), (0, 1000));
    assert_eq!(too_much(all(any.open("Pay", numbers([100])).await).await.1), 100);

    for (method, given, words) in
        [("Pay", vec![], "given none"), ("Pay", vec![1, 2], "given more"), ("Each", vec![], "given none")]
    {
        let (kind, text) = never(any.open(method, numbers(given)).await.map(|_| Bytes::new()));
        assert!(kind == ErrorKind::Undecodable && text.contains(method) && text.contains(words), "{text}");
    }
    let (kind, _) = never(any.open("Dable", numbers([])).await.map(|_| Bytes::new()));
    assert_eq!(kind, ErrorKind::UnknownMethod);

    // Both speak in turns.
    let (sender, requests) = Streaming::channel();
    let mut doubled = any.open("Double", requests).await?;
    for turn in 1..=100 {
        sender.send(number(turn)).await?;
        assert_eq!(doubled.next().await, Some(Ok(number(2 * turn))));
    }
    drop(sender);
    assert_eq!(doubled.next().await, None);
    Ok(())
}

/// Natively each kind of method is opened by its name.
#[tokio::test]
async fn methods_that_stream_are_opened() -> Result<(), Failure> {
    let (node, _export, _) = exporter().await?;
    open_all_kinds(&node.import_any_at(&node.local_endpoints()[0], "demo.v1.Till", "main").await?).await
}

/// Over gRPC too.
#[cfg(feature = "grpc")]
#[tokio::test]
async fn methods_that_stream_are_opened_over_grpc() -> Result<(), Failure> {
    let (node, _export, _) = exporter().await?;
    let interface = <TillClient as rpc_runtime::UserStub>::interface();
    open_all_kinds(&node.import_any_grpc(&node.local_endpoints()[0], interface).await?).await
}

/// Requests that fail or do not decode are told to the method; the replies end with that, and never as if they were complete.
#[tokio::test]
async fn bad_requests_reach_the_method() -> Result<(), Failure> {
    let (node, _export, _) = exporter().await?;
    let any = node.import_any_at(&node.local_endpoints()[0], "demo.v1.Till", "main").await?;
    let (sender, requests) = Streaming::channel();
    let mut doubled = any.open("Double", requests).await?;
    sender.send(number(1)).await?;
    assert_eq!(doubled.next().await, Some(Ok(number(2))));
    sender.end_with(CallError::failed("no more numbers")).await?;
    let Some(Err(AnyError::Call(error))) = doubled.next().await else { panic!("no error") };
    assert_eq!((error.executed(), doubled.next().await), (Executed::Completed, None));
    assert!(error.to_string().contains("no more numbers"), "{error}");

    for requests in [
        Streaming::from_iter([Bytes::from_static(&[0xff])]),
        Streaming::from_iter(std::iter::from_fn(|| -> Option<Bytes> { panic!("as asked") })),
    ] {
        let (items, error) = all(any.open("Sum", requests).await).await;
        assert!(items.is_empty() && matches!(error, Some(AnyError::Call(_))), "{error:?}");
    }
    Ok(())
}

/// Who drops the replies has the requests dropped, and cancels the method.
#[tokio::test]
async fn dropped_replies_cancel_the_call() -> Result<(), Failure> {
    let (node, _export, till) = exporter().await?;
    let any = node.import_any_at(&node.local_endpoints()[0], "demo.v1.Till", "main").await?;
    let (sender, requests) = Streaming::channel();
    let mut doubled = any.open("Double", requests).await?;
    sender.send(number(1)).await?;
    assert_eq!(doubled.next().await, Some(Ok(number(2))));
    assert_eq!(till.1.load(Ordering::SeqCst), 1);
    drop(doubled);
    sender.closed().await;
    while till.1.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Requests are asked for as they are consumed: 256 KiB ahead and no more.
#[tokio::test]
async fn requests_wait_for_room() -> Result<(), Failure> {
    const ITEM: usize = 16 * 1024;
    let (node, _export, _) = exporter().await?;
    let any = node.import_any_at(&node.local_endpoints()[0], "demo.v1.Till", "main").await?;
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let requests = Streaming::from_iter((0..100).map(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Bytes::from_static(&[0; ITEM])
    }));
    let _held = any.open("Hold", requests).await?;
    while asked.load(Ordering::SeqCst) < 16 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let ahead = asked.load(Ordering::SeqCst);
    assert!(ahead <= 17, "{ahead} items of 16 KiB were asked for");
    Ok(())
}

/// Connections are cut within frames and items are swallowed: each comes once, and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_a_stub_survives_its_connection() -> Result<(), Failure> {
    const ITEMS: u32 = 2000;
    let (node, _export, _) = exporter().await?;
    let proxy = Proxy::start(&node.local_endpoints()[0], 400, 1984).await?;
    let any = node.import_any_at(&proxy.address(), "demo.v1.Till", "main").wait(Duration::from_secs(10)).await?;
    let (items, error) = all(any.open("Double", numbers(0..ITEMS)).await).await;
    assert_eq!((items, error), ((0..ITEMS).map(|number| 2 * number).collect(), None));
    assert!(proxy.harm().connections.load(Ordering::Relaxed) > 10, "{:?}", proxy.harm());
    Ok(())
}
