//! The binary against nodes that run: what they export, their `.proto`, and calls.

mod bank;

use bank::{BankClient, BankServer, Failure, Till, bank, idl, json};
use nameserver::Options;
use rpc_runtime::{Node, UserStub};

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
