//! The binary against nodes that run: what they export, their `.proto`, and calls.

use nameserver::Options;
use rpc_runtime::{
    CallError, Context, Export, Message, Node, NodeBuilder, RemoteError, Streaming, UserStub, interface,
};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

type Failure = Box<dyn std::error::Error>;

/// Pays, and remembers.
#[interface(package = "bank.v1")]
trait Bank {
    /// Pays out `amount`.
    async fn pay(&self, amount: u64, note: Option<String>) -> Result<Receipt, BankError>;
    /// How often it has paid.
    #[rpc(idempotent)]
    async fn paid(&self) -> Result<u32, CallError>;
    /// Who asks.
    async fn who(&self) -> Result<String, CallError>;
    /// Never ends.
    async fn wait(&self) -> Result<(), CallError>;
    /// What it has paid: so many receipts, and an error behind more than 3.
    async fn watch(&self, receipts: u32) -> Result<Streaming<Receipt, BankError>, BankError>;
    /// Pays all together.
    async fn gather(&self, amounts: Streaming<Line>) -> Result<u64, BankError>;
    /// Pays each as it comes.
    async fn chat(&self, lines: Streaming<Line>) -> Result<Streaming<u64>, CallError>;
    /// For ever.
    async fn tick(&self) -> Result<Streaming<u32>, CallError>;
    /// Takes lines together.
    async fn note(&self, lines: Vec<Line>) -> Result<(), CallError>;
    /// How many streams there are.
    async fn open(&self) -> Result<u32, CallError>;
}

#[derive(Debug, Clone, Message)]
struct Receipt {
    number: u32,
    amount: u64,
    kind: Kind,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Message)]
struct Line {
    text: String,
    stamp: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Message)]
enum Kind {
    Cash,
    Cheque,
}

/// Counts streams that are not dropped.
struct Live<S>(S, Arc<AtomicU32>);

impl<S> Live<S> {
    fn new(stream: S, count: &Arc<AtomicU32>) -> Live<S> {
        count.fetch_add(1, Ordering::SeqCst);
        Live(stream, Arc::clone(count))
    }
}

impl<S> Drop for Live<S> {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug, thiserror::Error, RemoteError)]
enum BankError {
    #[error("{amount} is too much")]
    TooMuch { amount: u64 },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Default)]
struct Till(AtomicU32, Arc<AtomicU32>);

impl Bank for Till {
    async fn pay(&self, amount: u64, note: Option<String>) -> Result<Receipt, BankError> {
        let lines = note.into_iter().map(|text| Line { text, stamp: vec![1, 2, 3] }).collect();
        match amount {
            0 => Err(CallError::failed("nothing to pay").into()),
            1..=1000 => {
                Ok(Receipt { number: self.0.fetch_add(1, Ordering::SeqCst) + 1, amount, kind: Kind::Cash, lines })
            }
            _ => Err(BankError::TooMuch { amount }),
        }
    }

    async fn paid(&self) -> Result<u32, CallError> {
        Ok(self.0.load(Ordering::SeqCst))
    }

    async fn who(&self) -> Result<String, CallError> {
        let context = Context::current();
        let name = context.as_ref().and_then(|context| context.metadata().get_text("name"));
        Ok(name.unwrap_or("nobody").to_owned())
    }

    async fn wait(&self) -> Result<(), CallError> {
        std::future::pending().await
    }

    async fn watch(&self, receipts: u32) -> Result<Streaming<Receipt, BankError>, BankError> {
        let (sender, stream) = Streaming::channel();
        if receipts > 10 {
            return Err(BankError::TooMuch { amount: receipts.into() });
        }
        tokio::spawn(async move {
            for number in 1..=receipts.min(3) {
                let receipt = Receipt { number, amount: 5, kind: Kind::Cheque, lines: Vec::new() };
                sender.send(receipt).await?;
            }
            match receipts {
                ..=3 => Ok(()),
                4 => sender.end_with(BankError::TooMuch { amount: 4 }).await,
                _ => sender.end_with(CallError::failed("no more of them").into()).await,
            }
        });
        Ok(stream)
    }

    async fn gather(&self, mut amounts: Streaming<Line>) -> Result<u64, BankError> {
        let (mut sum, _live) = (0, Live::new((), &self.1));
        while let Some(line) = amounts.next().await {
            sum += line?.text.parse::<u64>().map_err(|error| CallError::failed(error.to_string()))?;
        }
        Ok(sum)
    }

    async fn chat(&self, mut lines: Streaming<Line>) -> Result<Streaming<u64>, CallError> {
        let (sender, stream) = Streaming::channel();
        let live = Live::new((), &self.1);
        tokio::spawn(async move {
            let _live = live;
            while let Some(line) = lines.next().await {
                match line {
                    Ok(line) => sender.send(line.text.len() as u64).await?,
                    Err(error) => return sender.end_with(error).await,
                }
            }
            Ok(())
        });
        Ok(stream)
    }

    async fn tick(&self) -> Result<Streaming<u32>, CallError> {
        let live = Live::new(0.., &self.1);
        Ok(Streaming::from_iter(std::iter::repeat_with(move || (&live.0, 7).1)))
    }

    async fn note(&self, _lines: Vec<Line>) -> Result<(), CallError> {
        Ok(())
    }

    async fn open(&self) -> Result<u32, CallError> {
        Ok(self.1.load(Ordering::SeqCst))
    }
}

/// A node with one bank, and its address.
async fn bank(builder: NodeBuilder) -> Result<(Node, Export, String), Failure> {
    let node = builder.listen("127.0.0.1:0").start().await?;
    let export = node.export("main", BankServer::new(Till::default())).await?;
    let address = node.local_endpoints()[0].trim_start_matches("tcp://").to_owned();
    Ok((node, export, address))
}

struct Said {
    out: String,
    err: String,
    status: i32,
}

/// Runs the binary, while the nodes of this process go on.
async fn idl(arguments: &[&str]) -> Said {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_idl")).args(arguments).env_remove("NAMESERVER").output();
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(run).await.expect("it runs").expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { out: text(stdout), err: text(stderr), status: status.code().expect("it was not killed") }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An endpoint lists its interfaces and instances.
#[tokio::test]
async fn an_endpoint_is_listed() -> Result<(), Failure> {
    let (node, _export, address) = bank(Node::builder()).await?;
    let _second = node.export("second", BankServer::new(Till::default())).await?;
    let said = idl(&["list", &address]).await;
    assert_eq!(
        (said.out.as_str(), said.err.as_str(), said.status),
        ("bank.v1.Bank     main\nbank.v1.Bank     second\nrpc.v1.Sessions\n", "", 0)
    );
    for more in [&[][..], &["--grpc"]] {
        let said = idl(&[&["list", address.as_str(), "Bank", "--instance", "main"], more].concat()).await;
        let pay = "bank.v1.Bank/Pay     (bank.v1.PayRequest) returns (bank.v1.PayResponse)\n";
        assert!(said.out.starts_with(pay), "{}{}", said.out, said.err);
        let gather = "bank.v1.Bank/Gather  (stream bank.v1.Line) returns (bank.v1.GatherResponse)\n";
        assert!(said.out.contains(gather) && said.status == 0, "{}{}", said.out, said.err);
    }
    let said = idl(&["list", &address, "Bonk"]).await;
    assert!(said.status == 2 && said.err.contains("did you mean `bank.v1.Bank`"), "{}", said.err);
    Ok(())
}

/// Natively and by reflection an endpoint's `.proto` is that of the interface.
#[tokio::test]
async fn the_proto_of_an_endpoint_is_written() -> Result<(), Failure> {
    let (_node, _export, address) = bank(Node::builder()).await?;
    let files = idl::files(&[BankClient::interface()]).files;
    let bank = files.iter().find(|file| file.package == "bank.v1").expect("its file").to_proto();
    assert!(bank.contains("// Pays out `amount`."), "{bank}");
    let said = idl(&["proto", &address]).await;
    assert_eq!((said.out.as_str(), said.status), (bank.as_str(), 0), "{}", said.err);
    let said = idl(&["proto", &address, "--interface", "bank.v1.Bank"]).await;
    assert_eq!((said.out.as_str(), said.status), (bank.as_str(), 0), "{}", said.err);

    let folder = tempfile::tempdir()?;
    let said = idl(&["proto", &address, "--out", folder.path().to_str().expect("UTF-8")]).await;
    let path = folder.path().join("bank/v1/bank.proto");
    assert_eq!((said.out, said.status), (format!("wrote {}\n", path.display()), 0));
    assert_eq!(std::fs::read_to_string(&path)?, bank);

    // A server without reflection is called by such a file.
    let (path, include) = (path.to_str().expect("UTF-8"), folder.path().to_str().expect("UTF-8"));
    let said = idl(&["call", &address, "Bank/Pay", r#"{"amount": 5}"#, "--proto", path, "-I", include]).await;
    assert_eq!((json(&said.out)["value"]["amount"].as_str(), said.status), (Some("5"), 0), "{}", said.err);
    Ok(())
}

/// Both protocols give the same reply; which one it was, the verdict and the time are told beside it.
#[tokio::test]
async fn a_method_is_called() -> Result<(), Failure> {
    let (_node, _export, address) = bank(Node::builder()).await?;
    let grpc_address = format!("http://{address}");
    let roads: [(&str, &[&str], &str); 3] =
        [(&address, &[], "natively"), (&address, &["--grpc"], "over gRPC"), (&grpc_address, &[], "over gRPC")];
    for (number, (address, more, road)) in roads.into_iter().enumerate() {
        let request = r#"{"amount": "7", "note": "rent"}"#;
        for method in ["bank.v1.Bank/Pay", "Bank/pay"] {
            let said = idl(&[&["call", address, method, request], more].concat()).await;
            assert_eq!(said.status, 0, "{}", said.err);
            let value = &json(&said.out)["value"];
            let (amount, lines) = (&value["amount"], &value["lines"]);
            assert_eq!((amount, lines), (&json(r#""7""#), &json(r#"[{"text": "rent", "stamp": "AQID"}]"#)));
            assert!(value["number"].as_u64() > Some(2 * number as u64) && value["kind"] == "KIND_CASH", "{value}");
            assert!(said.err.starts_with("Completed in ") && said.err.contains(&format!("ms, {road}")), "{}", said.err);
        }
    }
    let said = idl(&["call", &address, "Bank/Paid"]).await;
    assert_eq!(json(&said.out), json(r#"{"value": 6}"#));
    let said = idl(&["call", &address, "Bank/Who", "--metadata", "name=me"]).await;
    assert_eq!(json(&said.out), json(r#"{"value": "me"}"#));
    Ok(())
}

/// A call that fails says whether it ran, and has the status 1.
#[tokio::test]
async fn failures_say_whether_the_call_ran() -> Result<(), Failure> {
    let (_node, _export, address) = bank(Node::builder()).await?;
    for more in [&[][..], &["--grpc"]] {
        let call = |arguments: &[&'static str]| {
            let all = [&["call", address.as_str()], arguments, more].concat();
            async move { idl(&all).await }
        };
        let said = call(&["Bank/Pay", r#"{"amount": 5000}"#]).await;
        assert_eq!((said.out.as_str(), said.status), ("", 1));
        let (told, error) = said.err.split_once('\n').expect("two lines");
        assert!(told.starts_with("Completed in ") && told.ends_with("its error bank.v1.BankError"), "{told}");
        assert_eq!(json(error), json(r#"{"tooMuch": {"amount": "5000"}}"#));

        let said = call(&["Bank/Pay", "{}"]).await;
        assert_eq!((said.out.as_str(), said.status), ("", 1));
        assert!(said.err.starts_with("Completed in ") && said.err.contains(": Failed: "), "{}", said.err);
        assert!(said.err.contains("nothing to pay"), "{}", said.err);

        let said = call(&["Bank/Wait", "--timeout", "100ms"]).await;
        assert_eq!((said.out.as_str(), said.status), ("", 1));
        assert!(said.err.starts_with("Unknown in ") && said.err.contains(": DeadlineExceeded: "), "{}", said.err);
    }
    Ok(())
}

/// What cannot be called is told before anything is sent, with what would do, and has the status 2.
#[tokio::test]
async fn mistakes_say_what_to_do() -> Result<(), Failure> {
    let (node, _export, address) = bank(Node::builder()).await?;
    for (method, request, words) in [
        ("Bank/Pai", "{}", &["bank.v1.Bank has no method `Pai`; did you mean `Pay`"][..]),
        ("Bonk/Pay", "{}", &["there is no interface `Bonk`; did you mean `bank.v1.Bank`"]),
        ("bank.v2.Bank/Pay", "{}", &["there is no interface `bank.v2.Bank`; did you mean `bank.v1.Bank`"]),
        ("Pay", "{}", &["`Pay` is no Interface/Method"]),
        (
            "Bank/Pay",
            "",
            &["Pay takes one request, a bank.v1.PayRequest, and was given none", "it has amount (uint64)"],
        ),
        ("Bank/Pay", " ", &["given none: write {} for an empty one"]),
        ("Bank/Watch", r#"{} {"receipts": 1}"#, &["Watch takes one request", r#"behind it comes {"receipts": 1}"#]),
        ("Bank/Pay", "@/no/such/file", &["/no/such/file cannot be read", "No such file"]),
        ("Bank/Gather", "{} {\"txt\": 1}", &["item 2: the JSON is no bank.v1.Line: ", "'txt'", "it has text (string)"]),
        ("Bank/Gather", r#"{"text": "1"} {"text": 2}"#, &["item 2: the JSON is no bank.v1.Line: `text`: invalid type"]),
        ("Bank/Note", r#"{"lines": [{}, {"txt": 1}]}"#, &["`lines[1]`", "'txt'", "\n  bank.v1.Line has text (string)"]),
        ("Bank/Note", r#"{"lines": [{}, {"text": 1}]}"#, &["`lines[1].text`", "\n  bank.v1.Line has text (string)"]),
        ("Bank/Gather", "{} {} {", &["item 3: the JSON is no bank.v1.Line", "EOF"]),
        ("Bank/Pay", "{", &["the JSON is no bank.v1.PayRequest", "EOF"]),
        ("Bank/Pay", r#"{"amont": 5}"#, &["'amont'", "it has amount (uint64), note (string)"]),
        ("Bank/Pay", r#"{"amount": "five"}"#, &["`amount`: invalid"]),
        ("Bank/Pay", r#"{"amount": -1}"#, &["`amount`: "]),
        ("Bank/Pay", r#"{} {}"#, &["Pay takes one request", "and was given more: behind it comes {}"]),
        ("Bank/Pay", r#"{}}"#, &["and was given more: behind it comes }"]),
    ] {
        let said = idl(&["call", &address, method, request]).await;
        assert_eq!((said.out.as_str(), said.status), ("", 2), "{method} {request}: {}", said.err);
        for words in words {
            assert!(said.err.contains(words), "{method} {request}: {}", said.err);
        }
    }
    let said = idl(&["call", &address, "Bank/Gather"]).await;
    let words = "Gather takes a stream of bank.v1.Line, and was given none";
    assert!(said.status == 2 && said.err.contains(words) && said.err.contains("it has text (string)"), "{}", said.err);

    let _second = node.export("second", BankServer::new(Till::default())).await?;
    for more in [&[][..], &["--grpc"]] {
        let said = idl(&[&["call", &address, "Bank/Pay", r#"{"amount": 1}"#], more].concat()).await;
        assert!(said.status != 0 && said.err.contains("`main`, `second`"), "{}", said.err);
        let named = ["call", &address, "Bank/Pay", r#"{"amount": 1}"#, "--instance", "second"];
        let said = idl(&[&named, more].concat()).await;
        assert_eq!(said.status, 0, "{}", said.err);
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    for arguments in [&["call", &closed, "Bank/Pay"][..], &["list", &closed], &["proto", &closed]] {
        let said = idl(arguments).await;
        assert_eq!((said.out.as_str(), said.status), ("", 2), "{}", said.err);
        assert!(said.err.contains(&closed) && said.err.contains("nothing listens"), "{}", said.err);
    }
    Ok(())
}

/// Each kind of method that streams, on both roads: items are lines, and are counted beside them.
#[tokio::test]
async fn methods_that_stream_are_called() -> Result<(), Failure> {
    let (_node, _export, address) = bank(Node::builder()).await?;
    for (more, road) in [(&[][..], "natively"), (&["--grpc"], "over gRPC")] {
        let call = |arguments: &[&str]| {
            let arguments = [&["call", address.as_str()], arguments, more].concat();
            let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
            async move { idl(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await }
        };
        let receipt =
            |number: u32| format!("{{\"number\":{number},\"amount\":\"5\",\"kind\":\"KIND_CHEQUE\",\"lines\":[]}}\n");
        let said = call(&["Bank/Watch", r#"{"receipts": 2}"#]).await;
        assert_eq!((said.out, said.status), (receipt(1) + &receipt(2), 0), "{}", said.err);
        assert!(said.err.starts_with("Completed in "), "{}", said.err);
        assert!(said.err.ends_with(&format!("ms, {road}, after 2 items received\n")), "{}", said.err);
        let said = call(&["Bank/Watch"]).await;
        assert_eq!((said.out.as_str(), said.status), ("", 0), "{}", said.err);
        assert!(said.err.ends_with("after 0 items received\n"), "{}", said.err);

        let said = call(&["Bank/Watch", r#"{"receipts": 4}"#]).await;
        assert_eq!((said.out.lines().count(), said.status), (3, 1), "{}", said.err);
        let (told, error) = said.err.split_once('\n').expect("two lines");
        let words = "after 3 items received: the method returned its error bank.v1.BankError";
        assert!(told.starts_with("Completed in ") && told.ends_with(words), "{told}");
        assert_eq!(json(error), json(r#"{"tooMuch": {"amount": "4"}}"#));
        let said = call(&["Bank/Watch", r#"{"receipts": 5}"#]).await;
        assert_eq!((said.out.lines().count(), said.status), (3, 1), "{}", said.err);
        assert!(
            said.err.contains("after 3 items received: Failed: ") && said.err.contains("no more of them"),
            "{}",
            said.err
        );
        let said = call(&["Bank/Watch", r#"{"receipts": 11}"#]).await;
        assert!(said.status == 1 && said.err.contains("after 0 items received: the method returned"), "{}", said.err);

        let said = call(&["Bank/Gather", r#"{"text": "1"}{"text": "2"} {"text": "3"}"#]).await;
        assert_eq!((said.out.as_str(), said.status), ("{\n  \"value\": \"6\"\n}\n", 0), "{}", said.err);
        assert!(said.err.ends_with("after 3 items sent\n"), "{}", said.err);
        let said = call(&["Bank/Gather", ""]).await;
        assert_eq!((json(&said.out), said.status), (json(r#"{"value": "0"}"#), 0), "{}", said.err);
        let said = call(&["Bank/Gather", r#"{"text": "x"}"#]).await;
        assert!(said.status == 1 && said.err.contains("after 1 item sent: Failed: "), "{}", said.err);

        let said = call(&["Bank/Chat", r#"{"text": "ab"} {"text": "c"}"#]).await;
        assert_eq!((said.out.as_str(), said.status), ("{\"value\":\"2\"}\n{\"value\":\"1\"}\n", 0), "{}", said.err);
        assert!(said.err.ends_with("after 2 items sent and 2 received\n"), "{}", said.err);
    }
    Ok(())
}

/// A child that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idl"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(command.spawn().expect("the binary runs"))
}

/// Its last words and its status.
fn end(mut child: Running) -> (String, Option<i32>) {
    let mut err = String::new();
    std::io::Read::read_to_string(&mut child.0.stderr.take().expect("piped"), &mut err).expect("text");
    (err, child.0.wait().expect("it ends").code())
}

/// Requests go out as they are written, and replies come as they are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialogue_is_held() -> Result<(), Failure> {
    let (_node, _export, address) = bank(Node::builder()).await?;
    for more in [&[][..], &["--grpc"]] {
        for (last, words, status) in [
            ("", "after 3 items sent and 3 received\n", 0),
            ("{\"text\": \"abcd\"}", "after 4 items sent and 4 received\n", 0),
            ("{\"text\":\n4}\n", "item 4: the JSON is no bank.v1.Line: `text`: invalid type", 1),
            ("{\"text\":", "item 4: the JSON is no bank.v1.Line: `text`: EOF", 1),
        ] {
            let mut child = start(&[&["call", address.as_str(), "Bank/Chat", "-"], more].concat());
            let mut input = child.0.stdin.take().expect("piped");
            let mut output = BufReader::new(child.0.stdout.take().expect("piped"));
            for (text, reply) in
                [("{\"text\": \"a\"}\n", 1), ("{\n\"text\":\n\"ab\"}\n", 2), ("{\"text\": \"abc\"} \n", 3)]
            {
                input.write_all(text.as_bytes())?;
                let mut line = String::new();
                output.read_line(&mut line)?;
                assert_eq!(line, format!("{{\"value\":\"{reply}\"}}\n"));
            }
            input.write_all(last.as_bytes())?;
            drop(input);
            let (err, ended) = end(child);
            assert!(err.contains(words) && ended == Some(status), "{last}: {err}");
            assert!(status == 0 || err.contains("after 3 items sent and 3 received: cancelled"), "{err}");
        }
    }
    Ok(())
}

/// Ctrl-C cancels the call: its streams are dropped on the other side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_cancels_the_call() -> Result<(), Failure> {
    let (node, _export, address) = bank(Node::builder()).await?;
    let bank: BankClient = node.import_at(&address, "main").await?;
    let roads = [&[][..], &["--grpc"]];
    let calls = [("Bank/Tick", "{}"), ("Bank/Chat", "-"), ("Bank/Gather", "-")];
    for (more, (method, request)) in roads.iter().flat_map(|more| calls.map(|call| (*more, call))) {
        let mut child = start(&[&["call", address.as_str(), method, request], more].concat());
        // It stays open.
        let mut input = child.0.stdin.take().expect("piped");
        input.write_all(b"{\"text\": \"1\"}\n")?;
        let mut output = BufReader::new(child.0.stdout.take().expect("piped"));
        if method != "Bank/Gather" {
            output.read_line(&mut String::new())?;
        }
        while bank.open().await? == 0 {
            tokio::task::yield_now().await;
        }
        Command::new("kill").args(["-INT", &child.0.id().to_string()]).status()?;
        std::io::copy(&mut output, &mut std::io::sink())?;
        let (err, status) = end(child);
        assert!(err.starts_with("Unknown in ") && err.ends_with(": cancelled\n"), "{err}");
        assert_eq!(status, Some(130));
        while bank.open().await? > 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Who has read enough ends the call, and nothing is wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_may_stop() -> Result<(), Failure> {
    let (_node, _export, address) = bank(Node::builder()).await?;
    for more in [&[][..], &["--grpc"]] {
        let mut child = start(&[&["call", address.as_str(), "Bank/Tick"], more].concat());
        let mut output = BufReader::new(child.0.stdout.take().expect("piped"));
        output.read_line(&mut String::new())?;
        drop(output);
        assert_eq!(end(child), (String::new(), Some(0)));
    }
    Ok(())
}

/// The nameserver knows where to call.
#[tokio::test]
async fn names_are_found() -> Result<(), Failure> {
    let data = tempfile::tempdir()?;
    let options = Options { listen: "127.0.0.1:0".into(), data: data.path().into() };
    let nameserver = nameserver::start(options).await?;
    let at = nameserver.endpoints()[0].clone();
    let (node, _export, _) = bank(Node::builder().nameserver(at.as_str())).await?;
    let at = ["--nameserver", at.as_str()];

    let said = idl(&[&["list"][..], &at].concat()).await;
    let line = format!("bank.v1.Bank  main  {}\n", node.local_endpoints()[0]);
    assert_eq!((said.out, said.status), (line, 0), "{}", said.err);
    let said = idl(&[&["proto", "main"][..], &at].concat()).await;
    assert!(said.status == 0 && said.out.contains("service Bank {"), "{} {}", said.out, said.err);
    for (more, road) in [(&[][..], "natively"), (&["--grpc"], "over gRPC")] {
        let said = idl(&[&["call", "main", "Bank/Pay", r#"{"amount": 5}"#][..], &at, more].concat()).await;
        assert!(said.status == 0 && said.err.contains(road), "{}", said.err);
        let said = idl(&[&["call", "main", "Bank/Chat", r#"{"text": "ab"}"#][..], &at, more].concat()).await;
        assert_eq!((said.out.as_str(), said.status), ("{\"value\":\"2\"}\n", 0), "{}", said.err);
    }
    for (arguments, words) in [
        (&["call", "mian", "Bank/Pay"][..], "nothing is registered as `mian`"),
        (&["call", "main", "Bonk/Pay"], "did you mean `bank.v1.Bank`"),
        (&["proto", "mian"], "and there is no file mian"),
    ] {
        let said = idl(&[arguments, &at].concat()).await;
        assert!(said.status == 2 && said.err.contains(words), "{}", said.err);
    }
    Ok(())
}
