//! Interfaces as applications write them, called through the stub and through the implementation by the same code.

mod library;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use library::{Library, Lists};
use rpc_runtime::{CallError, Message, MethodKind, RemoteError, ServerStub, UserStub, in_memory, interface};

/// Tags of a foreign `.proto`.
#[derive(Debug, Clone, PartialEq, Message)]
struct Stamp {
    #[rpc(tag = 5, as = "int64")]
    at: i64,
    #[rpc(as = "fixed32", name = "flagBits")]
    flags: Option<u32>,
    #[rpc(tag = 1)]
    first: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
#[rpc(transparent)]
struct CustomerId(pub u64);

#[derive(Debug, Clone, PartialEq, Message)]
struct Loan {
    title: String,
    copy: u32,
    customer: CustomerId,
    length: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Message)]
enum State {
    #[default]
    Idle,
    Busy,
    #[rpc(other)]
    Unknown,
}

/// One of each form that a variant can have.
#[derive(Debug, Clone, PartialEq, Message)]
enum Shape {
    Nothing,
    Label(String),
    Count(#[rpc(as = "int64")] i64),
    Circle { radius: f64, at: Point },
    Line(Point, Point),
    Many(Vec<Shape>),
    Missing(Option<Box<Shape>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Message)]
struct Point(pub i32, pub i32);

#[derive(Debug, Clone, PartialEq, Message)]
struct Drawing {
    shapes: Vec<Shape>,
    notes: Option<Vec<String>>,
    marks: HashMap<String, Point>,
    layers: BTreeMap<u32, Vec<Shape>>,
    state: State,
    stamp: Option<Stamp>,
    parent: Option<Arc<Drawing>>,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct Page<T> {
    items: Vec<T>,
    next: Option<u32>,
}

#[derive(Debug, PartialEq, thiserror::Error, RemoteError)]
enum StoreError {
    #[error("no such title: {title}")]
    NoSuchTitle { title: String },
    #[error("all {0} copies are lent")]
    AllLent(u32),
    #[error("closed")]
    Closed,
    #[error(transparent)]
    Shelf(#[from] Refusal),
    #[rpc(text)]
    #[error(transparent)]
    Io(#[from] Disk),
    #[error(transparent)]
    Call(#[from] CallError),
}

/// An error enum of another interface, inside this one's.
#[derive(Debug, PartialEq, thiserror::Error, RemoteError)]
enum Refusal {
    #[error("late by {0:?}")]
    Late(Duration),
    #[rpc(call)]
    #[error("not asked")]
    Inner {
        #[from]
        source: Failure,
    },
}

/// What the runtime's error is called here.
type Failure = CallError;

/// Cannot travel, but its text can.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the disk is full")]
struct Disk;

/// The everyday alias.
type Answer<T> = Result<T, StoreError>;

/// Lends books.
#[interface(package = "library.v1", dyn)]
trait Store {
    /// Lends one copy of `title`.
    async fn check_out(&self, customer: CustomerId, title: &str) -> Result<Loan, StoreError>;
    #[rpc(idempotent, timeout = "5s")]
    async fn titles(&self) -> Answer<Vec<String>>;
    async fn redraw(&self, drawing: Drawing, scale: u8) -> Answer<Drawing>;
    /// Everything that can be lent.
    async fn digest(
        &self,
        text: &str,
        bytes: &[u8],
        points: &[Point],
        drawing: &Drawing,
        #[rpc(tag = 9, as = "sfixed64", name = "saltBits")] salt: i64,
        _unused: (u8, String),
    ) -> Answer<u64>;
    #[rpc(oneway, name = "hear")]
    async fn tell(&self, what: String) -> Result<(), CallError>;
    async fn heard(&self) -> Result<u32, CallError>;
    async fn fail(&self, how: u32) -> Answer<()>;
    /// Has a body, so an implementation may leave it out.
    async fn longest(&self) -> Answer<Option<String>> {
        let titles = self.titles().await?;
        Ok(titles.into_iter().max_by_key(String::len))
    }
    /// Names that generated code uses too.
    async fn names(&self, call: u32, r: u32, tag: u32, out: u32, outgoing: u32, r#type: u32) -> Answer<u32>;
}

/// A queue of anything that travels.
#[interface(dyn)]
trait Queue<T: Message + Clone, U: Message = u32> {
    async fn push(&self, item: T, priority: &U) -> Result<Page<T>, CallError>;
    async fn all(&self) -> Result<Vec<T>, CallError>;
}

/// Interfaces and messages can come out of a `macro_rules!`.
macro_rules! shelf {
    ($shelf:ident, $book:ident, $item:ty) => {
        #[derive(Debug, Clone, PartialEq, Message)]
        struct $book {
            r: $item,
            #[rpc(as = "int64")]
            tag: i64,
        }

        #[interface(dyn)]
        trait $shelf {
            async fn swap(&self, out: $book, r: &$item) -> Result<$book, CallError>;
            async fn twice(&self, book: $book) -> Result<$book, CallError> {
                let book = self.swap(book.clone(), &book.r).await?;
                self.swap(book.clone(), &book.r).await
            }
        }
    };
}

shelf!(TextShelf, TextBook, Option<Vec<String>>);

struct Swapping;

impl TextShelf for Swapping {
    async fn swap(&self, out: TextBook, r: &Option<Vec<String>>) -> Result<TextBook, CallError> {
        assert_eq!(out.r, *r);
        Ok(TextBook { r: out.r, tag: -out.tag })
    }
}

/// One text for everything that this caller sees of the store, whatever is behind it.
async fn exercise(store: &impl Store) -> Vec<String> {
    let mut seen = Vec::new();
    let loan = store.check_out(CustomerId(7), "dune").await;
    seen.push(format!("{loan:?}"));
    seen.push(format!("{:?}", store.check_out(CustomerId(7), "missing").await));
    seen.push(format!("{:?}", store.titles().await));
    seen.push(format!("{:?}", store.longest().await));
    let drawing = library::drawing();
    let redrawn = store.redraw(drawing.clone(), 2).await;
    seen.push(format!("{:?}", redrawn.map(|redrawn| redrawn == drawing)));
    let unused = (1, "unused".to_owned());
    let points = [Point(1, -2), Point(0, 0)];
    seen.push(format!("{:?}", store.digest("", &[], &[], &drawing, 0, unused.clone()).await));
    seen.push(format!("{:?}", store.digest("text", b"bytes", &points, &drawing, -9, unused).await));
    for how in 0..5 {
        seen.push(format!("{:?}", store.fail(how).await));
    }
    seen.push(format!("{:?}", store.names(1, 2, 3, 4, 5, 6).await));
    seen
}

/// The stub gives what the implementation gives: values, application errors, defaults, everything.
#[tokio::test]
async fn the_stub_is_the_implementation() {
    let direct = exercise(&Library::default()).await;
    assert_eq!(direct.len(), 13);
    assert_eq!(direct[0], r#"Ok(Loan { title: "dune", copy: 3, customer: CustomerId(7), length: 1209600s })"#);
    assert_eq!(direct[4], "Ok(true)");
    assert_eq!(direct[7], "Err(AllLent(0))");
    let stub = in_memory(StoreServer::new(Library::default()));
    assert_eq!(exercise(&stub).await, direct);
    assert_eq!(exercise(&stub.clone()).await, direct);
    // An `Arc` is exported like what it points to.
    let shared = Arc::new(Library::default());
    assert_eq!(exercise(&in_memory(StoreServer::new(Arc::clone(&shared)))).await, direct);
    // A stub is an implementation, so it can be exported again.
    assert_eq!(exercise(&in_memory(StoreServer::new(stub))).await, direct);
}

/// `DynStore` holds stubs and implementations alike, in one `Vec`, across tasks, and exported again.
#[tokio::test]
async fn any_implementation_is_one_type() {
    let direct = exercise(&Library::default()).await;
    let stores: Vec<DynStore> = vec![
        DynStore::new(Library::default()),
        DynStore::new(in_memory(StoreServer::new(Library::default()))),
        DynStore::new(DynStore::new(Library::default())),
    ];
    for store in &stores {
        let store = store.clone();
        let seen = tokio::spawn(async move { exercise(&store).await });
        assert_eq!(seen.await.expect("the task ends"), direct);
    }
    let again = in_memory(StoreServer::new(stores[1].clone()));
    assert_eq!(exercise(&again).await, direct);
}

/// An error that cannot travel arrives as its text; one inside another arrives in it.
#[tokio::test]
async fn errors_arrive_as_what_they_are() {
    let store = in_memory(StoreServer::new(Library::default()));
    assert_eq!(store.fail(1).await, Err(StoreError::Closed));
    assert_eq!(store.fail(2).await, Err(StoreError::Shelf(Refusal::Late(Duration::from_millis(1500)))));
    let text = match store.fail(5).await {
        Err(StoreError::Call(error)) => error.to_string(),
        other => panic!("the variant that cannot travel arrived as {other:?}"),
    };
    assert!(text.contains("the disk is full"), "{text}");
    match store.fail(6).await {
        Err(StoreError::Shelf(Refusal::Inner { source })) => {
            assert!(source.to_string().contains("no shelf"), "{source}");
        }
        other => panic!("an error inside an error arrived as {other:?}"),
    }
}

/// A one-way call's future ends when the call is handed over; it arrives all the same.
#[tokio::test]
async fn oneway_calls_arrive() {
    let library = Arc::new(Library::default());
    let store = in_memory(StoreServer::new(Arc::clone(&library)));
    store.tell("one".into()).await.expect("handed over");
    store.tell("two".into()).await.expect("handed over");
    let arrived = async {
        while library.heard.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), arrived).await.expect("both arrive");
    assert_eq!(store.heard().await, Ok(2));
}

/// An interface with type parameters works for any type that travels.
#[tokio::test]
async fn interfaces_can_be_generic() {
    async fn fill<T: Message + Clone + PartialEq + fmt::Debug>(queue: &impl Queue<T, u32>, items: [T; 2]) {
        let [first, second] = items;
        let page = queue.push(first.clone(), &1).await.expect("pushed");
        assert_eq!(page, Page { items: vec![first.clone()], next: Some(1) });
        queue.push(second.clone(), &2).await.expect("pushed");
        assert_eq!(queue.all().await, Ok(vec![first, second]));
    }
    let points = [Point(1, 2), Point(3, 4)];
    fill(&Lists::default(), points).await;
    fill(&in_memory(QueueServer::new(Lists::default())), points).await;
    let texts = ["a".to_owned(), "b".to_owned()];
    fill(&DynQueue::new(in_memory(QueueServer::new(Lists::default()))), texts).await;
}

/// What a `macro_rules!` wrote is like what was written by hand.
#[tokio::test]
async fn interfaces_can_come_out_of_a_macro() {
    let book = TextBook { r: Some(vec!["page".into()]), tag: 7 };
    let shelf = DynTextShelf::new(in_memory(TextShelfServer::new(Swapping)));
    let turned = TextBook { tag: -7, ..book.clone() };
    assert_eq!(shelf.swap(book.clone(), &book.r).await, Ok(turned));
    assert_eq!(shelf.twice(book.clone()).await, Ok(book));
}

/// A variant that a newer peer sends is read as the one that stands for it; absence is another matter.
#[test]
fn unknown_variants_have_a_stand_in() {
    #[derive(Debug, PartialEq, Message)]
    enum Newer {
        Empty,
        Label(String),
        Number(#[rpc(as = "fixed64")] u64),
        Blank,
    }
    #[derive(Debug, PartialEq, Default, Message)]
    enum Older {
        #[default]
        Empty,
        Label(String),
        #[rpc(tag = 9, other)]
        Unknown,
    }
    let read = |newer: &Newer| -> Older {
        let bytes = idl::to_vec(newer).expect("not deep");
        idl::from_slice(&bytes).expect("decodes")
    };
    assert_eq!(read(&Newer::Empty), Older::Empty);
    assert_eq!(read(&Newer::Label("a".into())), Older::Label("a".into()));
    assert_eq!(read(&Newer::Number(0)), Older::Unknown);
    assert_eq!(read(&Newer::Blank), Older::Unknown);
    assert_eq!(idl::from_slice::<Older>(&[]).expect("absence is a value"), Older::Empty);
    assert!(idl::from_slice::<Newer>(&[]).is_err());

    #[derive(Debug, PartialEq, Message)]
    enum Colour {
        Red,
        #[rpc(tag = 5, name = "Azure")]
        Blue,
        #[rpc(other)]
        Unknown,
    }
    let colour = |number: u8| idl::from_slice::<Option<Colour>>(&[8, number]).expect("decodes");
    assert_eq!((colour(1), colour(5)), (Some(Colour::Red), Some(Colour::Blue)));
    assert_eq!((colour(2), colour(0)), (Some(Colour::Unknown), Some(Colour::Unknown)));
}

/// Many calls on one stub, from many tasks, each with its own reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_run_side_by_side() {
    let store = in_memory(StoreServer::new(Library::default()));
    let tasks = (0..16u64).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for customer in 0..50 {
                let customer = CustomerId(task * 1000 + customer);
                let loan = store.check_out(customer, "dune").await.expect("lent");
                assert_eq!(loan.customer, customer);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no caller sees another's reply");
    }
}

/// What the attributes say of a method is what the runtime is told.
#[test]
fn methods_are_declared_as_written() {
    type Server = StoreServer<Library>;
    // FNV-1a of the names on the wire.
    let titles = Server::method(3_564_059_182).expect("titles");
    assert_eq!((titles.name, titles.timeout), ("Titles", Some(Duration::from_secs(5))));
    assert!(titles.kind == MethodKind::Idempotent);
    let tell = Server::method(2_828_475_173).expect("tell, called hear on the wire");
    assert_eq!((tell.name, tell.timeout), ("Hear", None));
    assert!(tell.kind == MethodKind::Oneway);
    let check_out = Server::method(3_841_988_537).expect("check_out");
    assert_eq!(check_out.name, "CheckOut");
    assert!(check_out.kind == MethodKind::Plain);
    assert!(Server::method(1).is_none());
}

/// The description has the names, the package and the parameters.
#[test]
fn interfaces_describe_themselves() {
    let store = StoreClient::interface();
    assert_eq!(store.name(), "library.v1.Store");
    assert!(store.problems().is_empty(), "{:?}", store.problems());
    let points = QueueClient::<Point>::interface();
    assert!(points.name().starts_with("QueuePoint"), "{}", points.name());
    assert_ne!(points.fingerprint(), QueueClient::<String>::interface().fingerprint());
}

/// Both futures may move between threads, also where arguments are borrowed.
#[test]
fn futures_are_send() {
    fn is_send<F: Future + Send>(_: F) {}
    fn all<S: Store>(store: &S) {
        is_send(store.check_out(CustomerId(1), "title"));
        is_send(store.longest());
    }
    all(&Library::default());
}
