//! Calls over real sockets and in memory, as a user makes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_runtime::{
    Binding, CallError, Context, ErrorKind, Executed, LinkState, Node, RemoteError, in_memory, interface,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

#[interface]
trait Counter {
    async fn add(&self, amount: u64) -> Result<u64, CounterError>;
    #[rpc(idempotent)]
    async fn read(&self) -> Result<u64, CounterError>;
    /// Waits until the caller cancels or is gone.
    async fn hang(&self) -> Result<(), CallError>;
    async fn panic(&self) -> Result<(), CallError>;
    async fn echo(&self, bytes: Vec<u8>) -> Result<Vec<u8>, CallError>;
    #[rpc(oneway)]
    async fn hint(&self, amount: u64) -> Result<(), CallError>;
}

#[derive(Debug, PartialEq, thiserror::Error, RemoteError)]
enum CounterError {
    #[error("{amount} is too much at once")]
    TooMuch { amount: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
struct MyCounter {
    value: AtomicU64,
    cancelled: AtomicU64,
}

impl Counter for MyCounter {
    async fn add(&self, amount: u64) -> Result<u64, CounterError> {
        if amount > 1000 {
            return Err(CounterError::TooMuch { amount });
        }
        Ok(self.value.fetch_add(amount, Ordering::SeqCst) + amount)
    }
    async fn read(&self) -> Result<u64, CounterError> {
        Ok(self.value.load(Ordering::SeqCst))
    }
    async fn hang(&self) -> Result<(), CallError> {
        let context = Context::current().expect("within a call");
        context.cancelled().await;
        self.cancelled.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn panic(&self) -> Result<(), CallError> {
        panic!("as asked")
    }
    async fn echo(&self, bytes: Vec<u8>) -> Result<Vec<u8>, CallError> {
        Ok(bytes)
    }
    async fn hint(&self, amount: u64) -> Result<(), CallError> {
        self.value.fetch_add(amount, Ordering::SeqCst);
        Ok(())
    }
}

type Failure = Box<dyn std::error::Error>;

async fn exporter(address: &str) -> Result<(Node, rpc_runtime::Export, Arc<MyCounter>), Failure> {
    let counter = Arc::new(MyCounter::default());
    let node = Node::builder().listen(address).start().await?;
    let export = node.export("main", CounterServer::new(Arc::clone(&counter))).await?;
    Ok((node, export, counter))
}

async fn importer(node: &Node) -> Result<CounterClient, Failure> {
    let callers = Node::builder().start().await?;
    Ok(callers.import_at(&node.local_endpoints()[0], "main").await?)
}

/// The same calls give the same results over every transport.
#[tokio::test]
async fn calls_over_every_transport() -> Result<(), Failure> {
    let directory = std::env::temp_dir().join(format!("calls-{}.sock", std::process::id()));
    let unix = format!("unix:{}", directory.display());
    for address in ["127.0.0.1:0", "memory://calls", unix.as_str()] {
        let (node, _export, counter) = exporter(address).await?;
        let stub = importer(&node).await?;
        assert_eq!(stub.add(5).await?, 5);
        assert_eq!(stub.read().await?, 5);
        assert_eq!(stub.add(1001).await, Err(CounterError::TooMuch { amount: 1001 }));
        let big = vec![7; 3 << 20];
        assert!(stub.echo(big.clone()).await? == big);
        stub.hint(3).await?;
        while counter.value.load(Ordering::SeqCst) != 8 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(Binding::of(&stub).link(), LinkState::Up(callee) if callee == node.incarnation()));
    }
    Ok(())
}

/// A service is tested through its stub in one line, with no network.
#[tokio::test]
async fn in_memory_in_one_line() -> Result<(), Failure> {
    let stub = in_memory(CounterServer::new(MyCounter::default()));
    assert_eq!(stub.add(2).await?, 2);
    Ok(())
}

/// A panic is a reply: the call has ended, and the exporter lives.
#[tokio::test]
async fn a_panic_is_a_reply() -> Result<(), Failure> {
    let stub = in_memory(CounterServer::new(MyCounter::default()));
    let error = stub.panic().await.expect_err("panics");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Aborted, Executed::Completed));
    assert_eq!(stub.add(1).await?, 1);
    Ok(())
}

/// Past its deadline a call is a deadline error that may have run; its receipt learns the verdict.
#[tokio::test]
async fn a_deadline_leaves_a_receipt() -> Result<(), Failure> {
    let counter = Arc::new(MyCounter::default());
    let stub = in_memory(CounterServer::new(Arc::clone(&counter)));
    let error = rpc_runtime::within(Duration::from_millis(50), stub.hang()).await.expect_err("hangs");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.executed(), Executed::Unknown { may_still_run: true });
    let receipt = error.receipt().expect("a receipt");
    // The cancel reached the handler, whose end is the verdict.
    assert_eq!(receipt.settled().await, Executed::Completed);
    assert_eq!(counter.cancelled.load(Ordering::SeqCst), 1);
    Ok(())
}

/// Dropping a call's future cancels it.
#[tokio::test]
async fn dropping_a_call_cancels_it() -> Result<(), Failure> {
    let counter = Arc::new(MyCounter::default());
    let stub = in_memory(CounterServer::new(Arc::clone(&counter)));
    assert!(tokio::time::timeout(Duration::from_millis(50), stub.hang()).await.is_err());
    while counter.cancelled.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Many callers over one binding: more than it has slots.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_a_binding() -> Result<(), Failure> {
    let (node, _export, counter) = exporter("127.0.0.1:0").await?;
    let stub = importer(&node).await?;
    let calls = (0..5_000).map(|_| {
        let stub = stub.clone();
        tokio::spawn(async move { stub.add(1).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    assert_eq!(counter.value.load(Ordering::SeqCst), 5_000);
    Ok(())
}

/// Nothing is left of a service whose stub or node is gone.
#[tokio::test]
async fn what_ended_is_dropped() -> Result<(), Failure> {
    let in_process = Arc::new(MyCounter::default());
    let stub = in_memory(CounterServer::new(Arc::clone(&in_process)));
    stub.add(1).await?;
    drop(stub);
    let (node, export, exported) = exporter("127.0.0.1:0").await?;
    let stub = importer(&node).await?;
    stub.add(1).await?;
    assert!(node.shutdown(Duration::from_secs(5)).await);
    drop((stub, export, node));
    let is_left = || Arc::strong_count(&in_process) > 1 || Arc::strong_count(&exported) > 1;
    let gone = async {
        while is_left() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await?;
    Ok(())
}

/// A graceful shutdown lets calls end, and refuses new ones as `Never`.
#[tokio::test]
async fn shutdown_drains() -> Result<(), Failure> {
    let (node, _export, _counter) = exporter("127.0.0.1:0").await?;
    let stub = importer(&node).await?;
    let hanging = tokio::spawn({
        let stub = stub.clone();
        async move { stub.hang().await }
    });
    while node.stats().calls_executed == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!node.shutdown(Duration::from_millis(50)).await);
    // What would not end was dropped, which is its end.
    let error = hanging.await?.expect_err("cut off");
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Aborted, Executed::Completed), "{error}");
    let error = rpc_runtime::within(Duration::from_millis(50), stub.add(1)).await.expect_err("nobody is there");
    let CounterError::Call(error) = error else { panic!("{error}") };
    assert_eq!((error.kind(), error.executed()), (ErrorKind::DeadlineExceeded, Executed::Never), "{error}");
    Ok(())
}

/// A deadline holds while the exporter reads nothing: a connection that cannot write keeps its timers.
#[tokio::test]
async fn a_deadline_holds_while_nothing_can_be_written() -> Result<(), Failure> {
    let (node, _export, _counter) = exporter("127.0.0.1:0").await?;
    let upstream = node.local_endpoints()[0].trim_start_matches("tcp://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let stand_still = Arc::new(Notify::new());
    let stands = tokio::spawn({
        let stand_still = Arc::clone(&stand_still);
        async move {
            let (mut caller, _) = listener.accept().await?;
            let mut exporter = TcpStream::connect(upstream).await?;
            tokio::select! {
                ended = copy_bidirectional(&mut caller, &mut exporter) => drop(ended?),
                () = stand_still.notified() => {}
            }
            // Open, and read no more.
            Ok::<_, std::io::Error>((caller, exporter))
        }
    });
    let callers = Node::builder().start().await?;
    let stub: CounterClient = callers.import_at(&address, "main").await?;
    assert_eq!(stub.add(1).await?, 1);
    stand_still.notify_one();
    let _sockets = stands.await??;
    // More than the sockets' buffers hold, with a deadline far away.
    let stuck: Vec<_> = (0..3)
        .map(|_| {
            let stub = stub.clone();
            tokio::spawn(async move { stub.echo(vec![7; 15 << 20]).await })
        })
        .collect();
    while Binding::of(&stub).stats().calls < 4 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let call = rpc_runtime::within(Duration::from_millis(100), stub.add(1));
    let error = tokio::time::timeout(Duration::from_secs(3), call).await?.expect_err("nothing is read");
    let CounterError::Call(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}
