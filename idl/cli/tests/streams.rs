//! The binary's calls of methods that stream, of nodes that run.

mod bank;

use bank::{Bank, BankClient, Failure, bank, idl, json};
use rpc_runtime::Node;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

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
