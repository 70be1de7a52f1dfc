//! Calls over gRPC that run at most once (R33): the caller opens a session, and names each call by two metadata entries.

#[path = "support/tonic_client.rs"]
mod tonic_client;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_runtime::{Bytes, CallError, Context, Export, Limits, Message, Node, RemoteError, interface};
use tokio::sync::Semaphore;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_client::{call, channel, decoded, executed, request, unary};

#[interface(package = "bank.v1")]
trait Bank {
    /// Pays, and gives how often it has.
    async fn pay(&self, amount: u64) -> Result<u32, BankError>;
    /// The same, when the gate opens.
    async fn pay_later(&self, amount: u64) -> Result<u32, CallError>;
    async fn statement(&self, bytes: u32) -> Result<Bytes, CallError>;
}

#[derive(Debug, thiserror::Error, RemoteError)]
enum BankError {
    #[error("{amount} is too much")]
    TooMuch { amount: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

struct Till {
    paid: AtomicU32,
    begun: Semaphore,
    gate: Semaphore,
}

impl Bank for Till {
    async fn pay(&self, amount: u64) -> Result<u32, BankError> {
        let paid = self.paid.fetch_add(1, Ordering::SeqCst) + 1;
        Context::current().expect("a call").add_trailer("receipt", paid.to_string()).expect("metadata");
        if amount > 100 { Err(BankError::TooMuch { amount }) } else { Ok(paid) }
    }

    async fn pay_later(&self, _amount: u64) -> Result<u32, CallError> {
        let paid = self.paid.fetch_add(1, Ordering::SeqCst) + 1;
        self.begun.add_permits(1);
        self.gate.acquire().await.expect("open").forget();
        assert!(!Context::current().expect("a call").is_cancelled());
        Ok(paid)
    }

    async fn statement(&self, bytes: u32) -> Result<Bytes, CallError> {
        self.paid.fetch_add(1, Ordering::SeqCst);
        Ok(vec![7; bytes as usize].into())
    }
}

#[derive(Debug, Message)]
struct Session {
    entry: String,
    incarnation: String,
    session: u64,
    token: String,
    slots: u32,
    lease: Duration,
    instance: String,
}

struct Served {
    till: Arc<Till>,
    node: Node,
    export: Option<Export>,
    channel: Channel,
    session: Session,
}

async fn served(limits: Limits) -> Served {
    let node = Node::builder().listen("127.0.0.1:0").limits(limits).start().await.expect("it starts");
    let till = Arc::new(Till { paid: AtomicU32::new(0), begun: Semaphore::new(0), gate: Semaphore::new(0) });
    let export = node.export("till", BankServer::new(Arc::clone(&till))).await.expect("exported");
    let channel = channel(&node.local_endpoints()[0]).await;
    let session = call(&channel, "/rpc.v1.Sessions/Open", &("bank.v1.Bank".to_owned(),)).await.expect("opened");
    Served { till, node, export: Some(export), channel, session }
}

impl Served {
    async fn send(&self, path: &'static str, name: &str, argument: u64) -> Result<Response<Bytes>, Status> {
        self.send_on(&self.channel, path, name, argument).await
    }

    async fn send_on(
        &self,
        channel: &Channel,
        path: &'static str,
        name: &str,
        argument: u64,
    ) -> Result<Response<Bytes>, Status> {
        let metadata = [("rpc-session", &*self.session.entry), ("rpc-call", name)];
        unary(channel, path, request(&(argument,), &metadata)).await
    }

    fn paid(&self) -> u32 {
        self.till.paid.load(Ordering::SeqCst)
    }
}

const PAY: &str = "/bank.v1.Bank/Pay";
const PAY_LATER: &str = "/bank.v1.Bank/PayLater";

/// A session says what its caller needs to know.
#[tokio::test]
async fn one_call_opens_a_session() {
    let served = served(Limits::default()).await;
    let Session { entry, incarnation, session, token, slots, lease, instance } = &served.session;
    assert_eq!(*entry, format!("{incarnation}/{session}/{token}"));
    assert_eq!(*incarnation, served.node.incarnation().as_uuid().to_string());
    assert_eq!((*slots, *lease, &**instance), (16, Duration::from_secs(60), "till"));
    assert_eq!(served.node.stats().sessions_opened, 1);
    let missing = call::<Session>(&served.channel, "/rpc.v1.Sessions/Open", &("bank.v1.Bonk".to_owned(),)).await;
    assert_eq!(missing.expect_err("no such interface").code(), Code::Unimplemented);
}

/// A reply that is lost with its stream is there when the call is sent again; it has run once.
#[tokio::test]
async fn a_lost_reply_is_answered_from_the_record() {
    let served = served(Limits::default()).await;
    // The stream is reset while the call runs: that is no cancel.
    tokio::select! {
        _ = served.send(PAY_LATER, "0/1", 5) => panic!("it waits"),
        begun = served.till.begun.acquire() => begun.expect("open").forget(),
    }
    served.till.gate.add_permits(1);
    // On another connection, as after a break.
    let again = channel(&served.node.local_endpoints()[0]).await;
    let reply = served.send_on(&again, PAY_LATER, "0/1", 5).await.expect("its reply");
    assert_eq!((decoded::<u32>(reply.get_ref()), served.paid()), (1, 1));
    // And again, as often as it is sent.
    for _ in 0..3 {
        let reply = served.send(PAY_LATER, "0/1", 5).await.expect("its reply");
        assert_eq!((decoded::<u32>(reply.get_ref()), served.paid()), (1, 1));
    }
    // The next call is another one.
    assert_eq!(decoded::<u32>(served.send(PAY, "0/2", 5).await.expect("paid").get_ref()), 2);
    assert!(served.node.stats().duplicates_answered >= 3);
}

/// Errors, and what goes beside a reply, are recorded as values are.
#[tokio::test]
async fn errors_and_metadata_are_repeated() {
    let served = served(Limits::default()).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let status = served.send(PAY, "0/1", 500).await.expect_err("too much");
        assert_eq!(
            (status.code(), status.message(), executed(&status)),
            (Code::FailedPrecondition, "500 is too much", "completed")
        );
        assert_eq!(status.metadata().get("receipt").expect("a receipt"), "1");
        assert!(!status.details().is_empty());
        seen.push(status.details().to_vec());
    }
    assert_eq!((seen[0] == seen[1], served.paid()), (true, 1));
    for _ in 0..2 {
        let reply = served.send(PAY, "1/2", 5).await.expect("paid");
        assert_eq!(reply.metadata().get("receipt").expect("a receipt"), "2");
    }
    assert_eq!(served.paid(), 2);
}

/// A call in progress is joined by its newest stream; the older one is told.
#[tokio::test]
async fn a_call_in_progress_is_joined() {
    let served = Arc::new(served(Limits::default()).await);
    let send = || {
        let served = Arc::clone(&served);
        tokio::spawn(async move { served.send(PAY_LATER, "0/1", 5).await })
    };
    let older = send();
    served.till.begun.acquire().await.expect("open").forget();
    let newer = send();
    let status = older.await.expect("no panic").expect_err("superseded");
    assert_eq!((status.code(), executed(&status)), (Code::Aborted, "unknown"));
    // Another call on the slot has to wait for this one's verdict (row 8).
    let status = served.send(PAY, "0/2", 5).await.expect_err("busy");
    assert_eq!((status.code(), executed(&status)), (Code::Aborted, "unknown"));
    served.till.gate.add_permits(1);
    let reply = newer.await.expect("no panic").expect("its reply");
    assert_eq!((decoded::<u32>(reply.get_ref()), served.paid()), (1, 1));
    // An older number is stale (row 4), and what was not granted is refused.
    served.send(PAY, "0/3", 5).await.expect("paid");
    let status = served.send(PAY_LATER, "0/1", 5).await.expect_err("stale");
    assert_eq!((status.code(), executed(&status)), (Code::Aborted, "unknown"));
    for name in ["16/4", "0/0"] {
        let status = served.send(PAY, name, 5).await.expect_err("not granted");
        assert_eq!((status.code(), executed(&status)), (Code::InvalidArgument, "never"));
    }
    assert_eq!(served.paid(), 2);
}

/// Rows 1–3: what belongs to no session that the caller may use is refused, and says that it may have run.
#[tokio::test]
async fn strangers_and_the_past_are_refused() {
    let mut served = served(Limits::default()).await;
    let other = self::served(Limits::default()).await;
    let good = served.session.entry.clone();
    let Session { incarnation, session, token, .. } = &served.session;
    let entries = [
        (other.session.entry.clone(), Code::FailedPrecondition),
        (format!("{incarnation}/{}/{token}", session + 1), Code::FailedPrecondition),
        (format!("{incarnation}/{session}/{incarnation}"), Code::PermissionDenied),
    ];
    for (entry, code) in entries {
        served.session.entry = entry;
        let status = served.send(PAY, "0/1", 5).await.expect_err("refused");
        assert_eq!((status.code(), executed(&status)), (code, "unknown"), "{status:?}");
    }
    served.session.entry = "none".to_owned();
    let status = served.send(PAY, "0/1", 5).await.expect_err("malformed");
    assert_eq!((status.code(), executed(&status)), (Code::InvalidArgument, "never"));
    let alone = unary(&served.channel, PAY, request(&(5u64,), &[("rpc-session", &good)])).await.expect_err("one alone");
    assert_eq!((alone.code(), executed(&alone)), (Code::InvalidArgument, "never"));
    assert_eq!(served.paid(), 0);

    served.session.entry = good.clone();
    served.send(PAY, "0/1", 5).await.expect("paid");
    let with_session = |path| unary(&served.channel, path, request(&(), &[("rpc-session", &good)]));
    let lease: Duration = decoded(with_session("/rpc.v1.Sessions/Renew").await.expect("renewed").get_ref());
    assert_eq!(lease, Duration::from_secs(60));
    with_session("/rpc.v1.Sessions/Close").await.expect("closed");
    assert!(with_session("/rpc.v1.Sessions/Renew").await.is_err());
    let status = served.send(PAY, "0/1", 5).await.expect_err("the session has ended");
    assert_eq!((status.code(), executed(&status)), (Code::FailedPrecondition, "unknown"));
    assert_eq!(served.paid(), 1);
}

/// R6, R10: a repeated call is answered though its export is gone; a new one is refused, and so are its copies.
#[tokio::test]
async fn a_record_outlives_its_export() {
    let mut served = served(Limits::default()).await;
    served.send(PAY, "0/1", 5).await.expect("paid");
    served.export = None;
    let reply = served.send(PAY, "0/1", 5).await.expect("its reply");
    assert_eq!(decoded::<u32>(reply.get_ref()), 1);
    for _ in 0..2 {
        let status = served.send(PAY, "0/2", 5).await.expect_err("withdrawn");
        assert_eq!((status.code(), executed(&status)), (Code::Unavailable, "never"));
    }
    assert_eq!(served.paid(), 1);
}

/// A reply that is too large to be kept is sent once: later its caller learns that the call has completed.
#[tokio::test]
async fn a_reply_that_was_not_kept_is_lost() {
    let served = served(Limits::default()).await;
    let statement = || served.send("/bank.v1.Bank/Statement", "0/1", 2 << 20);
    assert_eq!(decoded::<Bytes>(statement().await.expect("sent once").get_ref()).len(), 2 << 20);
    let status = statement().await.expect_err("lost");
    assert_eq!((status.code(), executed(&status)), (Code::DataLoss, "completed"));
    assert_eq!(served.paid(), 1);
    let kept = || served.send("/bank.v1.Bank/Statement", "0/2", 100_000);
    for _ in 0..20 {
        assert_eq!(decoded::<Bytes>(kept().await.expect("kept").get_ref()).len(), 100_000);
    }
    assert_eq!(served.paid(), 2);
}

/// A session ends with its lease, which calls renew: afterwards nothing is run for it.
#[tokio::test(start_paused = true)]
async fn a_session_ends_with_its_lease() {
    let mut limits = Limits::default();
    limits.session_lease = Duration::from_secs(3);
    let served = served(limits).await;
    for number in 1..4 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        served.send(PAY, &format!("0/{number}"), 5).await.expect("paid");
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let status = served.send(PAY, "0/4", 5).await.expect_err("the session has ended");
    assert_eq!((status.code(), executed(&status)), (Code::FailedPrecondition, "unknown"));
    assert_eq!(served.paid(), 3);
}

/// A stream that waits keeps its session alive, however long its call takes.
#[tokio::test(start_paused = true)]
async fn a_long_call_keeps_its_session() {
    let mut limits = Limits::default();
    limits.session_lease = Duration::from_secs(3);
    let served = served(limits).await;
    let open = async {
        tokio::time::sleep(Duration::from_secs(25)).await;
        served.till.gate.add_permits(1);
    };
    let (reply, ()) = tokio::join!(served.send(PAY_LATER, "0/1", 5), open);
    assert_eq!(decoded::<u32>(reply.expect("its reply").get_ref()), 1);
}

/// Calls that wait for a handler are recorded too, and keep what travels beside them.
#[tokio::test]
async fn queued_calls_are_recorded() {
    let mut limits = Limits::default();
    limits.handlers_max = 1;
    let served = Arc::new(served(limits).await);
    let blocking = tokio::spawn({
        let served = Arc::clone(&served);
        async move { served.send(PAY_LATER, "0/1", 5).await }
    });
    served.till.begun.acquire().await.expect("open").forget();
    let queued = |channel: Channel| {
        let served = Arc::clone(&served);
        tokio::spawn(async move { served.send_on(&channel, PAY, "1/2", 5).await })
    };
    let older = queued(served.channel.clone());
    let newer = loop {
        // Whichever comes later is answered.
        let newer = queued(channel(&served.node.local_endpoints()[0]).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        if older.is_finished() {
            break newer;
        }
    };
    assert_eq!(older.await.expect("no panic").expect_err("superseded").code(), Code::Aborted);
    served.till.gate.add_permits(1);
    blocking.await.expect("no panic").expect("paid");
    let reply = newer.await.expect("no panic").expect("paid");
    assert_eq!(reply.metadata().get("receipt").expect("a receipt"), "2");
    assert_eq!(served.paid(), 2);
}
