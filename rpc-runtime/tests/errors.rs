//! What a caller is told when a call fails: each cause has a kind of its own, a verdict, and words that say what
//! to do about it.

#[path = "support/gate.rs"]
mod gate;
#[path = "support/raw.rs"]
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gate::Gate;
use idl::{DecodeError, Reader, Registry, Shape, Wire, Writer};
use raw::{Raw, hello};
use rpc_runtime::directory::MemoryDirectory;
use rpc_runtime::protocol::control::{Reject, Rejection};
use rpc_runtime::protocol::frame::{Frame, MAGIC};
use rpc_runtime::{
    Binding, CallError, Context, ErrorKind, Executed, Export, Limits, LinkState, Message, Node, RemoteError, Selector,
    idl, in_memory, interface, within,
};
use tokio::net::TcpListener;
use tokio::sync::Notify;

const MAY_STILL_RUN: Executed = Executed::Unknown { may_still_run: true };
/// Long enough for anything on one machine, short enough to be waited for.
const SHORT: Duration = Duration::from_millis(150);

#[interface(package = "shop.v1")]
trait Shop {
    /// Runs until the test lets it end, or its caller is gone.
    async fn order(&self, number: u64) -> Result<u64, CallError>;
    async fn echo(&self, bytes: Vec<u8>) -> Result<Vec<u8>, CallError>;
    #[rpc(idempotent)]
    async fn count(&self) -> Result<u64, CallError>;
    async fn ask(&self, question: Garbled) -> Result<Garbled, CallError>;
    async fn nest(&self, node: Nest) -> Result<u32, CallError>;
    async fn fail(&self, how: u32) -> Result<(), ShopError>;
}

#[derive(Debug, PartialEq, thiserror::Error, RemoteError)]
enum ShopError {
    #[error("sold out: {0}")]
    SoldOut(u32),
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Claims to be text, and travels as what is no text where it says so.
#[derive(Debug, Clone, PartialEq)]
struct Garbled(String);

impl Message for Garbled {
    const WIRE: Wire = String::WIRE;
    fn encode(&self, tag: u32, out: &mut Writer) {
        if self.0 == "garbled" { out.bytes(tag, &[0xff, 0xfe]) } else { self.0.encode(tag, out) }
    }
    fn decode_value(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        String::decode_value(before.map(|before| before.0), r).map(Garbled)
    }
    fn absent() -> Option<Self> {
        String::absent().map(Garbled)
    }
    fn describe(registry: &mut Registry) -> Shape {
        String::describe(registry)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Message)]
struct Nest {
    inner: Option<Box<Nest>>,
}

#[derive(Default)]
struct Counter {
    started: AtomicU64,
    begun: Notify,
    let_end: Notify,
}

impl Shop for Counter {
    async fn order(&self, number: u64) -> Result<u64, CallError> {
        self.started.fetch_add(1, Ordering::SeqCst);
        self.begun.notify_one();
        let context = Context::current().expect("within a call");
        tokio::select! {
            () = self.let_end.notified() => Ok(number),
            () = context.cancelled() => Err(CallError::failed("nobody waits")),
        }
    }
    async fn echo(&self, bytes: Vec<u8>) -> Result<Vec<u8>, CallError> {
        Ok(bytes)
    }
    async fn count(&self) -> Result<u64, CallError> {
        Ok(self.started.load(Ordering::SeqCst))
    }
    async fn ask(&self, question: Garbled) -> Result<Garbled, CallError> {
        Ok(Garbled(if question.0 == "be garbled" { "garbled".into() } else { question.0 }))
    }
    async fn nest(&self, node: Nest) -> Result<u32, CallError> {
        Ok(std::iter::successors(Some(&node), |node| node.inner.as_deref()).count() as u32)
    }
    async fn fail(&self, how: u32) -> Result<(), ShopError> {
        match how {
            0 => Err(ShopError::SoldOut(7)),
            1 => Err(CallError::failed("the till is locked").into()),
            2 => {
                let inner = in_memory(ShopServer::new(Counter::default()));
                Ok(within(Duration::ZERO, inner.order(1)).await.map(|_| ())?)
            }
            _ => panic!("as asked"),
        }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a test expects of an error: kind, verdict and words.
#[track_caller]
fn expect(error: &CallError, kind: ErrorKind, executed: Executed, words: &[&str]) {
    let text = error.to_string();
    assert_eq!((error.kind(), error.executed()), (kind, executed), "{text}");
    for part in words {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    // The verdict is in the words as well, for whoever reads a log.
    assert!(text.ends_with(&format!("(the call {executed})")), "{text}");
}

async fn exporter(limits: Limits) -> Result<(Node, Export, Arc<Counter>), Failure> {
    let counter = Arc::new(Counter::default());
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await?;
    let export = node.export("main", ShopServer::new(Arc::clone(&counter))).await?;
    Ok((node, export, counter))
}

async fn import(address: &str) -> Result<ShopClient, CallError> {
    let node = Node::builder().start().await.expect("a node that does not listen");
    node.import_at(address, "main").await
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// An error on the way up costs little.
#[test]
fn an_error_is_small() {
    assert!(size_of::<CallError>() <= 128);
}

/// An address, a host, a port, and a silent listener: each mistake says which it is, and what to look at.
#[tokio::test]
async fn addresses_that_lead_nowhere() -> Result<(), Failure> {
    for (address, words) in [("nowhere", "the port is missing"), ("udp://a:1", "scheme"), ("a:99999", "no port")] {
        let error = import(address).await.err().ok_or(address)?;
        expect(&error, ErrorKind::InvalidAddress, Executed::Never, &[address, words, "write `host:port`"]);
        assert!(error.safe_to_retry());
    }
    let error = import("no-such-host.invalid:4100").await.err().ok_or("a host")?;
    expect(&error, ErrorKind::HostNotFound, Executed::Never, &["no-such-host.invalid", "check its spelling"]);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("tcp://{}", listener.local_addr()?);
    let silent = limits(|limits| limits.dial_timeout = SHORT);
    let node = Node::builder().limits(silent).start().await?;
    let error = node.import_at::<ShopClient>(&address, "main").await.err().ok_or("silence")?;
    expect(&error, ErrorKind::Unreachable, Executed::Never, &[&address, "did not answer within"]);

    drop(listener);
    let error = import(&address).await.err().ok_or("a closed port")?;
    let words = [&address[..], "nothing listens at", "is the exporter running"];
    expect(&error, ErrorKind::ConnectionRefused, Executed::Never, &words);
    assert!(error.safe_to_retry());
    Ok(())
}

/// A name that nobody has: at the node of an address, in a directory, and without any directory.
#[tokio::test]
async fn names_that_nobody_has() -> Result<(), Failure> {
    let (node, _export, _counter) = exporter(Limits::default()).await?;
    let address = &node.local_endpoints()[0];
    let callers = Node::builder().start().await?;
    let error = callers.import_at::<ShopClient>(address, "mian").await.err().ok_or("a name")?;
    let words = [address.as_str(), "does not export", "`mian`", "check the name"];
    expect(&error, ErrorKind::NameNotFound, Executed::Never, &words);

    let error = callers.import::<ShopClient>("main").await.err().ok_or("no directory")?;
    expect(&error, ErrorKind::DirectoryUnavailable, Executed::Never, &["no nameserver", "`import_at`"]);

    let callers = Node::builder().directory(Arc::new(MemoryDirectory::new())).start().await?;
    for (selector, words) in [(Selector::from("main"), "instance `main`"), (Selector::Any, "any instance")] {
        let error = callers.import::<ShopClient>(selector).await.err().ok_or("a name")?;
        expect(&error, ErrorKind::NameNotFound, Executed::Never, &["`shop.v1.Shop`", words, "is it running"]);
    }
    Ok(())
}

/// A nameserver that does not answer is not a name that is not there.
#[tokio::test]
async fn a_nameserver_that_is_not_there() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    drop(listener);
    let callers = Node::builder().nameserver(&address).start().await?;
    let error = callers.import::<ShopClient>("main").await.err().ok_or("no nameserver")?;
    expect(&error, ErrorKind::DirectoryUnavailable, Executed::Never, &[&address, "is the nameserver running"]);
    Ok(())
}

/// Versions of one interface: what an older and a newer side make of each other.
mod versions {
    use super::*;

    pub(super) mod old {
        use super::*;

        #[interface(package = "depot.v1", name = "Depot")]
        pub(crate) trait OldDepot {
            async fn store(&self, item: Item) -> Result<Item, CallError>;
        }
        #[derive(Debug, Clone, PartialEq, Message)]
        pub(crate) struct Item {
            pub(crate) title: String,
        }
        pub(crate) struct Echo;
        impl OldDepot for Echo {
            async fn store(&self, item: Item) -> Result<Item, CallError> {
                Ok(item)
            }
        }
    }

    pub(super) mod new {
        use super::*;

        #[interface(package = "depot.v1", name = "Depot")]
        pub(crate) trait NewDepot {
            async fn fetch(&self, title: String) -> Result<Item, CallError>;
            async fn store(&self, item: Item) -> Result<Item, CallError>;
        }
        #[derive(Debug, Clone, PartialEq, Message)]
        pub(crate) struct Item {
            pub(crate) title: String,
            pub(crate) note: Option<String>,
            pub(crate) shelves: Vec<u32>,
        }
        pub(crate) struct Echo;
        impl NewDepot for Echo {
            async fn fetch(&self, title: String) -> Result<Item, CallError> {
                Ok(Item { title, note: None, shelves: Vec::new() })
            }
            async fn store(&self, item: Item) -> Result<Item, CallError> {
                Ok(Item { note: item.note.or(Some("none".into())), shelves: vec![1, 2], ..item })
            }
        }
    }

    /// The same name for something else.
    pub(super) mod other {
        use super::*;

        #[interface(package = "depot.v1", name = "Depot")]
        pub(crate) trait OtherDepot {
            async fn store(&self, weight: f64, place: u32) -> Result<u64, CallError>;
        }
        #[interface(package = "depot.v1", name = "Depot")]
        pub(crate) trait Stranger {
            async fn sink(&self) -> Result<(), CallError>;
        }
        /// As the old one, but callers think that they may repeat it.
        #[interface(package = "depot.v1", name = "Depot")]
        pub(crate) trait Careless {
            #[rpc(idempotent)]
            async fn store(&self, item: super::old::Item) -> Result<super::old::Item, CallError>;
        }
    }

    async fn address<S: rpc_runtime::ServerStub>(stub: S) -> Result<(Node, Export, String), Failure> {
        let node = Node::builder().listen("127.0.0.1:0").start().await?;
        let export = node.export("depot", stub).await?;
        let address = node.local_endpoints()[0].clone();
        Ok((node, export, address))
    }

    use new::NewDepot;
    use old::OldDepot;

    /// Fields that one side does not know are skipped, and empty on the other; a method that an older exporter does
    /// not have is refused by itself, as `Never`.
    #[tokio::test]
    async fn older_and_newer_understand_each_other() -> Result<(), Failure> {
        let callers = Node::builder().start().await?;
        let (_node, _export, at) = address(old::OldDepotServer::new(old::Echo)).await?;
        let newer: new::NewDepotClient = callers.import_at(&at, "depot").await?;
        let item = new::Item { title: "drum".into(), note: Some("blue".into()), shelves: vec![7] };
        let stored = newer.store(item).await?;
        assert_eq!(stored, new::Item { title: "drum".into(), note: None, shelves: Vec::new() });
        let error = newer.fetch("drum".into()).await.err().ok_or("a new method")?;
        let words = ["Fetch: ", "`depot.v1.Depot` has no such method", "older than the caller"];
        expect(&error, ErrorKind::UnknownMethod, Executed::Never, &words);
        assert!(error.safe_to_retry());

        let (_node, _export, at) = address(new::NewDepotServer::new(new::Echo)).await?;
        let older: old::OldDepotClient = callers.import_at(&at, "depot").await?;
        let item = old::Item { title: "drum".into() };
        assert_eq!(older.store(item.clone()).await?, item);
        Ok(())
    }

    /// A difference that would be misread is refused at the import, which names it.
    #[tokio::test]
    async fn a_breaking_difference_is_named() -> Result<(), Failure> {
        let callers = Node::builder().start().await?;
        let (_node, _export, at) = address(old::OldDepotServer::new(old::Echo)).await?;
        let wrong = |error: Option<CallError>, words: &[&str]| {
            let error = error.expect("another interface");
            let words = [&["`depot.v1.Depot`"], words].concat();
            expect(&error, ErrorKind::WrongInterface, Executed::Never, &words);
        };
        let error = callers.import_at::<other::OtherDepotClient>(&at, "depot").await.err();
        wrong(error, &["Store: argument 1 was `weight`, is `item`", "build both from the same version"]);
        let error = callers.import_at::<other::StrangerClient>(&at, "depot").await.err();
        wrong(error, &["none of the methods"]);
        let error = callers.import_at::<other::CarelessClient>(&at, "depot").await.err();
        wrong(error, &["Store is not idempotent any more", "may run it twice"]);
        Ok(())
    }
}

/// Arguments and replies beyond the frame limit are refused before they are sent, on each side in its own way; the
/// words name the sizes, the limit, and who can raise it. Up to the limit, to the byte, all is well.
#[tokio::test]
async fn too_large_says_what_to_raise() -> Result<(), Failure> {
    const SMALL: usize = 4096;
    let small = || limits(|limits| limits.frame_bytes_max = SMALL);
    let (node, _export, _counter) = exporter(small()).await?;
    let stub = import(&node.local_endpoints()[0]).await?;
    // Beside the bytes: 3 of key and length, and 24 of the call.
    assert_eq!(stub.echo(vec![1; SMALL - 27]).await?.len(), SMALL - 27);
    let error = stub.echo(vec![1; SMALL - 26]).await.expect_err("a byte too many");
    let words = ["Echo: ", "4096", "`frame_bytes_max` in the exporter's limits"];
    expect(&error, ErrorKind::TooLarge, Executed::Never, &words);

    let (node, _export, _counter) = exporter(Limits::default()).await?;
    let callers = Node::builder().limits(small()).start().await?;
    let stub: ShopClient = callers.import_at(&node.local_endpoints()[0], "main").await?;
    // Beside the bytes: 3 of key and length, and 22 of the answer.
    for bytes in SMALL - 32..=SMALL - 25 {
        assert_eq!(stub.echo(vec![1; bytes]).await?.len(), bytes);
    }
    for bytes in SMALL - 24..SMALL + 8 {
        let error = stub.echo(vec![1; bytes]).await.expect_err("a byte too many");
        // It ran: only its reply cannot travel.
        let words = ["Echo: the reply of", "4096", "`frame_bytes_max` in the caller's limits"];
        expect(&error, ErrorKind::TooLarge, Executed::Completed, &words);
        assert!(!error.safe_to_retry());
    }
    assert_eq!(Binding::of(&stub).stats().connects, 1, "no frame was too large for the connection");
    Ok(())
}

/// Arguments that nest too deep are never sent; those that do not decode are refused, and a reply that does not was
/// produced all the same.
#[tokio::test]
async fn what_cannot_be_marshalled() -> Result<(), Failure> {
    let (node, _export, counter) = exporter(Limits::default()).await?;
    let stub = import(&node.local_endpoints()[0]).await?;
    let nest = |depth| (0..depth).fold(Nest::default(), |inner, _| Nest { inner: Some(Box::new(inner)) });
    assert_eq!(stub.nest(nest(40)).await?, 41);
    let error = stub.nest(nest(400)).await.expect_err("too deep");
    expect(&error, ErrorKind::TooDeep, Executed::Never, &["Nest: ", "more than 64 deep"]);

    let error = stub.ask(Garbled("garbled".into())).await.expect_err("no text");
    expect(
        &error,
        ErrorKind::Undecodable,
        Executed::Never,
        &["Ask: ", "cannot decode the arguments", "question", "UTF-8"],
    );
    assert!(error.safe_to_retry());
    let error = stub.ask(Garbled("be garbled".into())).await.expect_err("no text");
    let words = ["Ask: ", "the reply cannot be decoded", "UTF-8", "compare the versions"];
    expect(&error, ErrorKind::ReplyUndecodable, Executed::Completed, &words);
    assert!(!error.safe_to_retry());
    assert_eq!(stub.ask(Garbled("well".into())).await?, Garbled("well".into()));
    assert_eq!(counter.started.load(Ordering::SeqCst), 0);
    Ok(())
}

/// Past its deadline, a call that was sent may have run, and its receipt learns the verdict; one that could not be
/// sent never ran, and says what kept it.
#[tokio::test]
async fn a_deadline_tells_sent_from_unsent() -> Result<(), Failure> {
    let (node, _export, counter) = exporter(Limits::default()).await?;
    let gate = Gate::open(&node.local_endpoints()[0]).await?;
    let stub = import(&gate.address()).await?;
    let error = within(SHORT, stub.order(1)).await.expect_err("it hangs");
    expect(&error, ErrorKind::DeadlineExceeded, MAY_STILL_RUN, &["Order: no reply came before the deadline of"]);
    assert!(!error.safe_to_retry());
    // The cancel reached it, and its end is the verdict.
    assert_eq!(error.receipt().expect("a receipt").settled().await, Executed::Completed);

    gate.shut();
    let binding = Binding::of(&stub);
    binding.link_changed(&LinkState::Up(node.incarnation())).await;
    let error = within(SHORT, stub.order(2)).await.expect_err("no way through");
    let words = ["it could not be sent before the deadline of", &gate.address(), "closed the connection"];
    expect(&error, ErrorKind::DeadlineExceeded, Executed::Never, &words);
    assert!(error.safe_to_retry());
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(counter.started.load(Ordering::SeqCst), 1);

    // An idempotent call may have run, and is safe to repeat all the same.
    gate.reopen();
    stub.count().await?;
    gate.lose_replies();
    let error = within(SHORT, stub.count()).await.expect_err("no reply");
    expect(&error, ErrorKind::DeadlineExceeded, MAY_STILL_RUN, &["Count: no reply came"]);
    assert!(error.safe_to_retry());
    Ok(())
}

/// A queued call whose deadline passes is not started: the receipt says `Never`.
#[tokio::test]
async fn a_late_call_is_not_started() -> Result<(), Failure> {
    let (node, _export, counter) = exporter(limits(|limits| limits.handlers_max = 1)).await?;
    let stub = import(&node.local_endpoints()[0]).await?;
    let first = tokio::spawn({
        let stub = stub.clone();
        async move { stub.order(1).await }
    });
    counter.begun.notified().await;
    let error = within(SHORT, stub.order(2)).await.expect_err("queued behind the first");
    expect(&error, ErrorKind::DeadlineExceeded, MAY_STILL_RUN, &["Order: "]);
    assert_eq!(error.receipt().expect("a receipt").settled().await, Executed::Never);
    counter.let_end.notify_one();
    assert_eq!(first.await??, 1);
    assert_eq!(counter.started.load(Ordering::SeqCst), 1);
    Ok(())
}

/// Another life of the exporter answers: what was in flight may have run, and the stub goes on with the new life.
#[tokio::test]
async fn a_restarted_peer() -> Result<(), Failure> {
    let (old, _old_export, counter) = exporter(Limits::default()).await?;
    let (new, _new_export, _) = exporter(Limits::default()).await?;
    let gate = Gate::open(&old.local_endpoints()[0]).await?;
    let stub = import(&gate.address()).await?;
    let in_flight = tokio::spawn({
        let stub = stub.clone();
        async move { stub.order(1).await }
    });
    counter.begun.notified().await;
    gate.lead_to(&new.local_endpoints()[0]);
    let error = in_flight.await?.expect_err("the old life is out of reach");
    expect(&error, ErrorKind::PeerRestarted, MAY_STILL_RUN, &["Order: ", "the exporter restarted"]);
    assert!(!error.safe_to_retry());
    assert_eq!(stub.count().await?, 0, "the new life");
    Ok(())
}

/// Nobody answers for as long as the session lives: what was in flight may have run.
#[tokio::test]
async fn a_lost_session() -> Result<(), Failure> {
    let (node, _export, counter) = exporter(limits(|limits| limits.session_lease = 2 * SHORT)).await?;
    let gate = Gate::open(&node.local_endpoints()[0]).await?;
    let stub = import(&gate.address()).await?;
    let in_flight = tokio::spawn({
        let stub = stub.clone();
        async move { stub.order(1).await }
    });
    counter.begun.notified().await;
    gate.shut();
    let error = in_flight.await?.expect_err("the session is lost");
    expect(&error, ErrorKind::SessionLost, MAY_STILL_RUN, &["Order: ", "could not be reached", "whole lease"]);
    Ok(())
}

/// A call whose reply was too large to be kept, and was lost on its way: it ran.
#[tokio::test]
async fn a_lost_reply() -> Result<(), Failure> {
    let keep_little = limits(|limits| limits.session_reply_bytes_max = 64 * 1024);
    let (node, _export, _counter) = exporter(keep_little).await?;
    let gate = Gate::open(&node.local_endpoints()[0]).await?;
    let stub = import(&gate.address()).await?;
    gate.lose_replies();
    let large = tokio::spawn({
        let stub = stub.clone();
        async move { stub.echo(vec![1; 100_000]).await }
    });
    gate.lost_reply(100_000).await;
    gate.reopen();
    let error = large.await?.expect_err("not kept");
    expect(&error, ErrorKind::ReplyLost, Executed::Completed, &["Echo: ", "its reply was not kept"]);
    assert!(!error.safe_to_retry());
    // A small one is kept, and asked for again.
    gate.lose_replies();
    let small = tokio::spawn(async move { stub.echo(vec![1; 100]).await });
    gate.lost_reply(100).await;
    gate.reopen();
    assert_eq!(small.await??.len(), 100);
    Ok(())
}

/// At its bounds a node refuses and says which bound it was: sessions, queued calls, calls that wait.
#[tokio::test]
async fn overload_names_the_bound() -> Result<(), Failure> {
    let (node, _export, _counter) = exporter(limits(|limits| limits.record_bytes_max = 1000)).await?;
    let error = import(&node.local_endpoints()[0]).await.err().ok_or("no room")?;
    expect(&error, ErrorKind::Overload, Executed::Never, &["no room for another session", "`record_bytes_max`"]);

    let full = limits(|limits| {
        limits.handlers_max = 1;
        limits.queued_bytes_max = 0;
    });
    let (node, _export, counter) = exporter(full).await?;
    let callers = Node::builder().limits(limits(|limits| limits.waiting_max = 3)).start().await?;
    let gate = Gate::open(&node.local_endpoints()[0]).await?;
    let stub: ShopClient = callers.import_at(&gate.address(), "main").await?;
    let first = tokio::spawn({
        let stub = stub.clone();
        async move { stub.order(1).await }
    });
    counter.begun.notified().await;
    let error = stub.order(2).await.expect_err("one at a time");
    expect(&error, ErrorKind::Overload, Executed::Never, &["Order: ", "no room for another call", "try again later"]);
    assert!(error.safe_to_retry());
    counter.let_end.notify_one();
    assert_eq!(first.await??, 1);

    gate.shut();
    let binding = Binding::of(&stub);
    binding.link_changed(&LinkState::Up(node.incarnation())).await;
    let calls = binding.stats().calls;
    let waiting: Vec<_> = (0..3)
        .map(|number| {
            let stub = stub.clone();
            tokio::spawn(within(SHORT, async move { stub.order(number).await }))
        })
        .collect();
    while binding.stats().calls < calls + 3 {
        tokio::task::yield_now().await;
    }
    let error = stub.order(4).await.expect_err("too many wait");
    expect(&error, ErrorKind::Overload, Executed::Never, &["Order: 3 calls wait already (`waiting_max`)"]);
    for call in waiting {
        let error = call.await?.expect_err("nobody is there");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::DeadlineExceeded, Executed::Never), "{error}");
    }
    Ok(())
}

/// An exporter that shuts down refuses new sessions and calls, and lets those that run end; a call that it refuses
/// waits for another exporter until its deadline, and then says why.
#[tokio::test]
async fn a_draining_exporter() -> Result<(), Failure> {
    let (node, _export, counter) = exporter(Limits::default()).await?;
    let address = node.local_endpoints()[0].clone();
    let stub = import(&address).await?;
    let running = tokio::spawn({
        let stub = stub.clone();
        async move { stub.order(1).await }
    });
    counter.begun.notified().await;
    // Accepted before the node stops listening.
    let mut late = Raw::dial(&address).await?;
    while node.stats().connections_accepted < 2 {
        tokio::task::yield_now().await;
    }
    let shutdown = tokio::spawn(async move { node.shutdown(Duration::from_secs(10)).await });
    while Raw::dial(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    late.send_bytes(&MAGIC).await?;
    late.send(&hello("shop.v1.Shop", "main")).await?;
    let rejected = late.frame().await?;
    assert!(matches!(&rejected, Some(Frame::Reject(Reject { why: Rejection::Draining, .. }))), "{rejected:?}");

    let error = within(SHORT, stub.order(2)).await.expect_err("it drains");
    let words = ["Order: it could not be sent before the deadline", "the exporter is shutting down"];
    expect(&error, ErrorKind::DeadlineExceeded, Executed::Never, &words);
    assert!(error.safe_to_retry());
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<CallError>());
    assert_eq!(source.map(CallError::kind), Some(ErrorKind::Draining));
    counter.let_end.notify_one();
    assert_eq!(running.await??, 1, "what ran before has ended well");
    assert!(shutdown.await?, "and with it the shutdown");
    assert_eq!(counter.started.load(Ordering::SeqCst), 1);
    Ok(())
}

/// An export that was withdrawn refuses calls as `Never`, and an import says that it is not there.
#[tokio::test]
async fn a_withdrawn_export() -> Result<(), Failure> {
    let (node, export, counter) = exporter(Limits::default()).await?;
    let address = node.local_endpoints()[0].clone();
    let stub = import(&address).await?;
    export.withdraw().await;
    let error = stub.order(1).await.expect_err("withdrawn");
    expect(&error, ErrorKind::Withdrawn, Executed::Never, &["Order: ", "withdrew the interface", "import it again"]);
    assert!(error.safe_to_retry());
    let error = import(&address).await.err().ok_or("withdrawn")?;
    expect(&error, ErrorKind::NameNotFound, Executed::Never, &["does not export"]);
    assert_eq!(counter.started.load(Ordering::SeqCst), 0);
    Ok(())
}

/// What the implementation itself brings about: an error of its own, words, the failure of a call that it made, and a
/// panic. Each has ended, and none is taken for the runtime's own.
#[tokio::test]
async fn failures_of_the_implementation() -> Result<(), Failure> {
    let (node, _export, _counter) = exporter(Limits::default()).await?;
    let stub = import(&node.local_endpoints()[0]).await?;
    assert_eq!(stub.fail(0).await, Err(ShopError::SoldOut(7)));
    let failure = async |how| match stub.fail(how).await {
        Err(ShopError::Call(error)) => error,
        other => panic!("{other:?}"),
    };
    let error = failure(1).await;
    expect(&error, ErrorKind::Failed, Executed::Completed, &["Fail: the till is locked"]);
    let error = failure(2).await;
    expect(&error, ErrorKind::Nested, Executed::Completed, &["Fail: a call that the implementation made failed: "]);
    assert!(!error.safe_to_retry());
    let nested = error.nested().expect("the inner verdict");
    assert_ne!(nested.executed, Executed::Completed, "{nested:?}");
    let error = failure(3).await;
    expect(&error, ErrorKind::Aborted, Executed::Completed, &["Fail: the implementation panicked"]);
    assert!(!error.safe_to_retry());
    Ok(())
}

/// A node that has shut down makes no calls any more.
#[tokio::test]
async fn a_caller_that_has_shut_down() -> Result<(), Failure> {
    let (node, _export, counter) = exporter(Limits::default()).await?;
    let callers = Node::builder().start().await?;
    let stub: ShopClient = callers.import_at(&node.local_endpoints()[0], "main").await?;
    let in_flight = tokio::spawn({
        let stub = stub.clone();
        async move { stub.order(1).await }
    });
    counter.begun.notified().await;
    callers.shutdown(Duration::ZERO).await;
    let error = in_flight.await?.expect_err("closed");
    expect(&error, ErrorKind::Shutdown, MAY_STILL_RUN, &["Order: this node has shut down"]);
    let error = stub.order(2).await.expect_err("closed");
    expect(&error, ErrorKind::Shutdown, Executed::Never, &["Order: this node has shut down"]);
    Ok(())
}
