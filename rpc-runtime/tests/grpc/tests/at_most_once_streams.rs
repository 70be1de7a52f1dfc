//! Calls with streams over gRPC that run at most once (R33): each row of the table in `docs/GRPC.md`, by a caller that speaks bare
//! HTTP/2, so that it can lose what it likes.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/desk.rs"]
mod desk;
#[path = "../../support/proxy.rs"]
#[allow(dead_code, reason = "one test uses a part")]
mod proxy;

use std::sync::atomic::Ordering;

use bare::{Answer, Connection, Lost};
use desk::{ABORTED, DATA_LOSS, ENDLESS, FAILS, Served, TOO_MANY, path, served, served_by, verdict};
use proxy::Proxy;
use rpc_runtime::{Context, Limits, Node};

/// What takes a stream runs once, and is answered from the record as a unary call is, whatever is sent again as its items.
#[tokio::test]
async fn a_call_that_takes_a_stream_runs_once() {
    let served = served(Limits::default(), 100).await;
    for items in [&[1u64, 2, 3][..], &[], &[100]] {
        let mut call = served.open("Add", "0/1").await;
        items.iter().for_each(|number| call.send(&(*number,)));
        call.end();
        let answer = call.answer().await;
        assert_eq!((answer.code, answer.field::<u64>(), answer.trailer("taken")), (0, 6, "by the clerk"));
    }
    // It needs no end either, and may be larger than a window.
    for _ in 0..3 {
        let mut call = served.open("Add", "0/1").await;
        call.send_bytes(vec![0; 1 << 20]);
        assert_eq!(call.answer().await.field::<u64>(), 6);
    }
    assert_eq!((served.runs(), served.clerk.taken.load(Ordering::SeqCst)), (1, 3));
    // The next one on the slot is another call.
    let mut call = served.open("Add", "0/2").await;
    call.send(&(7u64,));
    call.end();
    assert_eq!((call.answer().await.field::<u64>(), served.runs()), (7, 2));
}

/// A call in progress is joined by its newest stream. Items come from the first one alone: where that had not said that they are
/// complete, the method is told.
#[tokio::test]
async fn a_running_call_is_joined() {
    let served = served(Limits::default(), 0).await;
    for (number, ends) in [(1, true), (2, false)] {
        let name = format!("0/{number}");
        let mut older = served.open("Add", &name).await;
        older.send(&(5u64,));
        if ends {
            older.end();
        }
        served.begun().await;
        let busy = served.count("0/9", 1).await.answer().await;
        assert_eq!(verdict(&busy), ABORTED, "another call has to wait for this one's verdict");
        let mut newer = served.open_on(&served.dial().await, "Add", &name).await;
        newer.send(&(100u64,));
        newer.end();
        assert_eq!(verdict(&older.answer().await), ABORTED);
        served.clerk.gate.add_permits(1);
        let answer = newer.answer().await;
        match ends {
            true => assert_eq!((answer.code, answer.field::<u64>()), (0, 5)),
            false => assert_eq!(
                (verdict(&answer), &*answer.text),
                ((2, "completed"), "it was 5 when the rest was lost"),
                "{answer:?}"
            ),
        }
        assert_eq!(served.runs(), number);
    }
}

/// A stream that is lost before its end is no complete one: the method is told, and what it makes of that is the call's outcome.
#[tokio::test]
async fn a_stream_that_is_lost_ends_with_an_error() {
    let served = served(Limits::default(), 100).await;
    for (number, is_cut) in [(1, false), (2, true)] {
        let name = format!("0/{number}");
        let connection = served.dial().await;
        let mut call = served.open_on(&connection, "Add", &name).await;
        call.send(&(5u64,));
        served.begun().await;
        match is_cut {
            true => connection.cut(),
            false => call.reset(),
        }
        served.lost().await;
        for _ in 0..2 {
            let mut again = served.open("Add", &name).await;
            again.send(&(5u64,));
            again.end();
            let answer = again.answer().await;
            assert_eq!(verdict(&answer), (2, "completed"), "{answer:?}");
            assert_eq!(answer.text, "it was 5 when the rest was lost");
        }
        assert_eq!(served.runs(), number);
    }
    // It was no cancel.
    assert!(served.clerk.contexts.lock().expect("whole").iter().all(|context| !context.is_cancelled()));
}

/// What had come before the connection was lost is the method's, with the end: the reply is there when the call is sent again.
#[tokio::test]
async fn a_stream_that_has_come_outlives_its_connection() {
    const COUNT: u64 = 20_000;
    let served = served(Limits::default(), 1).await;
    let connection = served.dial().await;
    // A call without a session, which is given up with the connection.
    let mut ordinary = connection.whole(&path("Count"), &[], &(ENDLESS,)).await.opened().await;
    assert_eq!(ordinary.next().await, Some(0u64));
    served.begun().await;
    let mut call = served.open_on(&connection, "Add", "0/1").await;
    (0..COUNT).for_each(|number| call.send(&(number,)));
    call.end();
    served.begun().await;
    // Another call of the connection comes behind all of it.
    assert_eq!(connection.whole(&path("Plain"), &[], &()).await.answer().await.field::<u32>(), 2);
    connection.cut();
    served.lost().await;
    let again = served.open("Add", "0/1").await;
    served.clerk.gate.add_permits(1);
    assert_eq!(again.answer().await.field::<u64>(), (0..COUNT).sum());
    assert_eq!((served.runs(), served.clerk.taken.load(Ordering::SeqCst)), (2, COUNT));
}

/// Who takes slowly gives no more room than without a session.
#[tokio::test]
async fn a_slow_method_holds_its_caller_up() {
    let served = served(Limits::default(), 0).await;
    const MESSAGE: [u8; 7] = [0, 0, 0, 0, 2, 8, 1];
    const WINDOW: usize = 256 * 1024 / MESSAGE.len() * MESSAGE.len();
    let mut call = served.open("Add", "0/1").await;
    served.begun().await;
    assert_eq!(call.room(1 << 20) / MESSAGE.len() * MESSAGE.len(), WINDOW);
    call.send_bytes(MESSAGE.repeat(WINDOW / MESSAGE.len()));
    for _ in 0..3 {
        assert_eq!(served.plain().await, 1);
        assert!(call.room(1 << 20) < MESSAGE.len());
    }
    served.clerk.gate.add_permits(1);
    while call.room(1 << 20) < MESSAGE.len() {
        assert_eq!(served.plain().await, 1);
    }
    call.send_bytes(MESSAGE.into());
    call.end();
    assert_eq!(call.answer().await.field::<u64>(), (WINDOW / MESSAGE.len()) as u64 + 1);
}

/// What gives a stream gives it once: sent again, it says that it ran and that its items are gone.
#[tokio::test]
async fn a_call_that_gives_a_stream_runs_once() {
    let served = served(Limits::default(), 100).await;
    let answer = served.count("0/1", 1000).await.answer().await;
    assert_eq!((answer.code, answer.items.len()), (0, 1000));
    assert_eq!((answer.header("opened"), answer.trailer("behind")), ("yes", "them"));
    for _ in 0..2 {
        let answer = served.count("0/1", 1000).await.answer().await;
        assert_eq!((verdict(&answer), answer.items.len()), (DATA_LOSS, 0));
        assert!(answer.text.contains("make a new call"), "{answer:?}");
    }
    let mut call = served.open("Double", "0/2").await;
    call.send(&(4u64,));
    let mut both = call.opened().await;
    assert_eq!(both.next().await, Some(8u64));
    both.call.send(&(5u64,));
    assert_eq!(both.next().await, Some(10u64));
    both.call.end();
    assert_eq!(verdict(&both.rest().await), (0, ""));
    let again = served.open("Double", "0/2").await;
    assert_eq!(verdict(&again.answer().await), DATA_LOSS);
    assert_eq!(served.runs(), 2);
}

/// On threads of connections the same holds.
#[tokio::test]
async fn threads_of_connections_serve_streams_of_sessions() {
    let served = served_by(Node::builder().io_threads(1), 0).await;
    let mut adding = served.open("Add", "0/1").await;
    adding.send(&(5u64,));
    let counting = served.count("1/2", ENDLESS).await;
    served.begun().await;
    served.begun().await;
    served.clerk.gate.add_permits(2);
    let mut counted = counting.opened().await;
    assert_eq!(counted.next().await, Some(0u64));
    adding.send(&(6u64,));
    adding.end();
    assert_eq!(adding.answer().await.field::<u64>(), 11);
    assert_eq!(verdict(&served.count("1/2", ENDLESS).await.answer().await), DATA_LOSS);
    assert_eq!(verdict(&counted.rest().await), ABORTED);
    served.lost().await;
    assert_eq!(served.open("Add", "0/1").await.answer().await.field::<u64>(), 11);
    assert_eq!(served.runs(), 2);
}

/// Errors are recorded, before the stream is open and behind its items.
#[tokio::test]
async fn errors_of_streams_are_repeated() {
    let served = served(Limits::default(), 100).await;
    for (name, to, items, text) in
        [("0/1", TOO_MANY, 0, "nothing beyond 0"), ("0/2", FAILS, FAILS as usize, "nothing beyond 500")]
    {
        for items in [items, 0, 0] {
            let answer = served.count(name, to).await.answer().await;
            assert_eq!((verdict(&answer), &*answer.text), ((9, "completed"), text));
            assert_eq!((answer.items.len(), answer.trailer("behind")), (items, "them"));
            assert!(!answer.trailer("grpc-status-details-bin").is_empty());
        }
    }
    assert_eq!(served.runs(), 2);
}

/// A stream that its caller has lost is given up, since nobody can take it up again; it has run.
#[tokio::test]
async fn a_lost_stream_is_given_up() {
    let served = served(Limits::default(), 100).await;
    for (number, is_cut) in [(1, false), (2, true)] {
        let name = format!("0/{number}");
        let connection = served.dial().await;
        let mut opened = served.count_on(&connection, &name, ENDLESS).await.opened().await;
        assert_eq!(opened.next().await, Some(0u64));
        match is_cut {
            true => connection.cut(),
            false => opened.call.reset(),
        }
        served.lost().await;
        let answer = served.count(&name, ENDLESS).await.answer().await;
        assert_eq!((verdict(&answer), served.runs()), (DATA_LOSS, number));
    }
    assert!(served.clerk.contexts.lock().expect("whole").iter().all(Context::is_cancelled));
}

/// Who sends a call again has lost its stream, whatever the node knows: that is given up, and the verdict is there at once.
#[tokio::test]
async fn a_running_stream_is_superseded() {
    let served = served(Limits::default(), 100).await;
    let mut older = served.count("0/1", ENDLESS).await.opened().await;
    assert_eq!(older.next().await, Some(0u64));
    let newer = served.count_on(&served.dial().await, "0/1", ENDLESS).await;
    assert_eq!(verdict(&newer.answer().await), DATA_LOSS);
    assert_eq!(verdict(&older.rest().await), ABORTED);
    served.lost().await;
    // The slot is free.
    assert_eq!(served.count("0/2", 3).await.answer().await.items.len(), 3);
    assert_eq!(served.runs(), 2);
}

/// Until the method has opened its stream nothing is lost: the newest stream of the call gets all of it.
#[tokio::test]
async fn what_is_not_open_yet_goes_to_the_newest() {
    let served = served(Limits::default(), 0).await;
    let older = served.count("0/1", 5).await;
    served.begun().await;
    let newer = served.count_on(&served.dial().await, "0/1", 5).await;
    assert_eq!(verdict(&older.answer().await), ABORTED);
    served.clerk.gate.add_permits(1);
    let answer = newer.answer().await;
    assert_eq!((answer.code, answer.items.len(), answer.header("opened")), (0, 5, "yes"));

    // A stream that is lost before was no cancel; what opens for nobody is dropped.
    let mut lost = served.count("0/2", ENDLESS).await;
    served.begun().await;
    lost.reset();
    assert_eq!(served.plain().await, 2);
    assert!(served.clerk.contexts.lock().expect("whole").iter().all(|context| !context.is_cancelled()));
    served.clerk.gate.add_permits(1);
    served.lost().await;
    served.lost().await;
    assert_eq!(verdict(&served.count("0/2", ENDLESS).await.answer().await), DATA_LOSS);
    assert_eq!(served.runs(), 2);
}

/// Names that are no names are refused, and make no ordinary call; so are those of no session.
#[tokio::test]
async fn names_are_asked_for() {
    let served = served(Limits::default(), 100).await;
    let good = ("rpc-session", &*served.entry);
    let wrong = [
        (vec![good], (3, "never")),
        (vec![("rpc-call", "0/1")], (3, "never")),
        (vec![good, ("rpc-call", "none")], (3, "never")),
        (vec![good, ("rpc-call", "0/0")], (3, "never")),
        (vec![("rpc-session", "none"), ("rpc-call", "0/1")], (3, "never")),
        (
            vec![
                ("rpc-session", "d9b2d63d-a233-4123-847a-7a9e8b0f0a39/1/d9b2d63d-a233-4123-847a-7a9e8b0f0a39"),
                ("rpc-call", "0/1"),
            ],
            (9, "unknown"),
        ),
    ];
    for (names, expected) in wrong {
        for method in ["Add", "Double", "Count"] {
            let mut call = served.connection.open(&path(method), &names).await;
            call.send(&(1u64,));
            call.end();
            assert_eq!(verdict(&call.answer().await), expected, "{names:?}");
        }
    }
    assert_eq!(served.runs(), 0);
}

/// One attempt of a call of some kind, which takes and gives the numbers below `to`.
async fn attempt(served: &Served, connection: &Connection, method: &str, name: &str, to: u64) -> Result<Answer, Lost> {
    let names = [("rpc-session", &*served.entry), ("rpc-call", name)];
    let mut call = connection.try_open(&path(method), &names).await?;
    match method {
        "Count" => call.send(&(to,)),
        _ => (0..to).for_each(|number| call.send(&(number,))),
    }
    call.end();
    call.try_answer().await
}

/// Whatever is cut, swallowed, or comes late: no call runs twice, each gets its verdict, and a reply is the call's own.
#[tokio::test]
async fn nothing_runs_twice_through_a_bad_line() {
    const CALLS: u64 = 200;
    let served = served(Limits::default(), 10_000).await;
    let proxy = Proxy::start(&served.node.local_endpoints()[0], 1200, 7).await.expect("it starts");
    let mut connection = Connection::dial(&proxy.address()).await;
    let (mut replies, mut lost, mut failed) = (0, 0, 0);
    for number in 1..=CALLS {
        let (method, name, to) = (["Add", "Count", "Double"][number as usize % 3], format!("0/{number}"), number % 90);
        let answer = loop {
            match attempt(&served, &connection, method, &name, to).await {
                Ok(answer) if answer.executed != "unknown" => break answer,
                // Superseded by what came late, or by nobody: it is sent again.
                Ok(_) => {}
                Err(_) => {
                    connection = loop {
                        if let Ok(connection) = Connection::try_dial(&proxy.address()).await {
                            break connection;
                        }
                    }
                }
            }
        };
        let given = || answer.items.iter().map(|item| rpc_runtime::idl::from_slice::<(u64,)>(item).expect("decodes").0);
        match (verdict(&answer), method) {
            ((0, ""), "Add") => assert_eq!(answer.field::<u64>(), (0..to).sum()),
            ((0, ""), "Count") => assert!(given().eq(0..to)),
            ((0, ""), _) => assert!(given().eq((0..to).map(|number| 2 * number))),
            (DATA_LOSS, "Count" | "Double") => lost += 1,
            ((2, "completed"), "Add") => failed += 1,
            other => panic!("{other:?}: {answer:?}"),
        }
        replies += u32::from(answer.code == 0);
        let runs_of = served.clerk.runs_of.lock().expect("whole").get(&name).copied();
        assert_eq!(runs_of, Some(1), "{name} of {method}");
    }
    let late = proxy.harm().late.load(Ordering::Relaxed);
    assert!(
        replies > 0 && lost > 0 && failed > 0 && late > 0,
        "{replies} replies, {lost} lost, {failed} failed, {late} late"
    );
    // What comes late now is stale.
    assert_eq!(served.clerk.runs_of.lock().expect("whole").values().max(), Some(&1));
}
