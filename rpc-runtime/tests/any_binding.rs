//! Calls without a stub: what a program needs that learns at run time what it calls.

#[path = "support/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

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
    async fn each(&self) -> Result<Streaming<u32, CallError>, CallError>;
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
struct Counting(AtomicU32);

impl Till for Counting {
    async fn pay(&self, amount: u32) -> Result<u32, TillError> {
        match amount {
            0..100 => Ok(self.0.fetch_add(1, Ordering::SeqCst) + 1),
            _ => Err(TillError::TooMuch { amount }),
        }
    }

    async fn each(&self) -> Result<Streaming<u32, CallError>, CallError> {
        Err(CallError::failed("none"))
    }

    async fn fail(&self) -> Result<(), CallError> {
        Err(CallError::failed("no money"))
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
    assert!(kind == ErrorKind::UnknownMethod && text.contains("Each streams"), "{text}");
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
    let error = node.import_any_at(&address, "demo.v1.Tills", "main").await.expect_err("no such interface");
    assert!(!error.to_string().contains("it exports it"), "{error}");
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
