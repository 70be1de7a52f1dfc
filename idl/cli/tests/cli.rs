//! The binary as a user runs it: what it prints, and its exit status.

use std::path::Path;
use std::process::Command;

const PROTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/protos");

/// What it prints, with errors after it, and its exit status.
fn idl(arguments: &[&str]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_idl")).args(arguments).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code().expect("it was not killed"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

const OLD: &str = "\
syntax = \"proto3\";
package library.v1;
service Store {
  rpc Find(FindRequest) returns (FindResponse);
  rpc Close(FindRequest) returns (FindResponse);
}
message FindRequest {
  string title = 1;
}
message FindResponse {
  repeated uint32 shelves = 1;
}
";

/// An added field and an added method break nobody; a removed method and a changed type do, and the status says so.
#[test]
fn check_tells_what_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, contents: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path
    };
    let old = file("old.proto", OLD);
    assert_eq!(idl(&["check", text(&old), text(&old)]), ("nothing has changed that callers can see\n".into(), 0));

    let more = OLD
        .replace("string title = 1;", "string title = 1;\n  optional bool all = 2;")
        .replace("  rpc Close", "  rpc Open(FindRequest) returns (FindResponse);\n  rpc Close");
    let more = file("more.proto", &more);
    let (words, status) = idl(&["check", text(&old), text(&more)]);
    let expected = "\
library.v1.Store
  fine: Open is new
  fine: FindRequest: field 2 (`all`) is new: of old callers it is empty
2 changes, and none breaks callers
";
    assert_eq!((words.as_str(), status), (expected, 0));

    let less = OLD
        .replace("string title = 1", "uint64 title = 1")
        .replace("  rpc Close(FindRequest) returns (FindResponse);\n", "");
    let less = file("less.proto", &less);
    let (words, status) = idl(&["check", text(&old), text(&less)]);
    let expected = "\
library.v1.Store
  breaking: Close is gone
  breaking: FindRequest: field 1 (`title`) was string, is uint64
2 changes, 2 of them breaking
";
    assert_eq!((words.as_str(), status), (expected, 1));
}

/// Descriptors become files again, which say the same; names that lead elsewhere are refused.
#[test]
fn proto_writes_files() {
    let folder = tempfile::tempdir().unwrap();
    let odd = format!("{PROTOS}/odd/v1/odd.proto");
    let (words, status) = idl(&["proto", "-I", PROTOS, "--out", text(folder.path()), &odd]);
    assert_eq!(status, 0, "{words}");
    let written = folder.path().join("odd/v1/odd.proto");
    assert_eq!(words, format!("wrote {}\n", written.display()));
    // Two versions of one name, in folders of their own.
    let new = text(folder.path());
    let (words, status) = idl(&["check", "-I", PROTOS, "-I", new, &odd, text(&written)]);
    assert_eq!((words.as_str(), status), ("nothing has changed that callers can see\n", 0));
    for arguments in [vec!["check", &odd, text(&written)], vec!["check", "-I", PROTOS, text(&written), &odd]] {
        let (words, status) = idl(&arguments);
        assert_eq!((words.as_str(), status), ("nothing has changed that callers can see\n", 0));
    }
    let (printed, _) = idl(&["proto", text(&written)]);
    assert_eq!(printed, std::fs::read_to_string(&written).unwrap());

    let file = idl::descriptor::FileDescriptor { name: "../../out.proto".into(), ..Default::default() };
    let set = idl::descriptor::FileDescriptorSet { file: vec![file] };
    let descriptors = folder.path().join("set.binpb");
    std::fs::write(&descriptors, idl::to_vec(&set).unwrap()).unwrap();
    let (words, status) = idl(&["proto", text(&descriptors), "--out", text(folder.path())]);
    assert_eq!(status, 2);
    assert!(words.contains("leads out of the folder"), "{words}");
}

/// What an exporter says of itself is read too.
#[test]
fn descriptions_of_exporters_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("description");
    let interface = idl::Interface::build("library.v1", "Store", "Lends books.")
        .method("Titles", "", idl::MethodKind::Idempotent, |m| m.returns::<Vec<String>>())
        .finish();
    std::fs::write(&path, interface.to_bytes()).unwrap();
    let (words, status) = idl(&["proto", text(&path)]);
    assert_eq!(status, 0, "{words}");
    assert_eq!(words, interface.file().to_proto());
}

/// The trait of a `.proto`.
#[test]
fn trait_is_readable() {
    let (words, status) = idl(&["trait", "-I", PROTOS, &format!("{PROTOS}/grpc/example/helloworld.proto")]);
    assert_eq!(status, 0, "{words}");
    assert!(words.contains("pub trait Greeter {"), "{words}");
    assert!(
        words.contains("async fn say_hello(&self, request: HelloRequest) -> Result<HelloReply, CallError>;"),
        "{words}"
    );
    assert!(words.starts_with("use rpc_runtime::{CallError, interface};\n") && !words.contains("::core"), "{words}");
}

/// Mistakes are told with what to do, and have the status 2.
#[test]
fn mistakes_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let text_file = folder.path().join("notes.txt");
    std::fs::write(&text_file, "no descriptors").unwrap();
    let lonely = folder.path().join("lonely.proto");
    std::fs::write(&lonely, "syntax = \"proto3\";\nmessage A {}\n").unwrap();
    let (lonely, text_file) = (text(&lonely), text(&text_file));
    let test = format!("{PROTOS}/grpc/testing/test.proto");
    for (arguments, words) in [
        (vec!["check", "missing.binpb", "missing.binpb"], "error: missing.binpb cannot be read: "),
        (vec!["proto", text_file], "is neither a .proto nor descriptors: `buf build -o "),
        (vec!["check", lonely, lonely], "has no service in it"),
        (vec!["trait", lonely], "there is no service in it, so there is no trait"),
        (vec!["trait", text_file], "is no .proto: the trait is made of the text"),
        (vec!["proto", &test], "so add the folder that it begins in\n  it is in "),
        (vec!["chekc"], "a similar subcommand exists: 'check'"),
    ] {
        let (found, status) = idl(&arguments);
        assert_eq!(status, 2, "{arguments:?}: {found}");
        assert!(found.contains(words), "{arguments:?}: {found}");
    }
}

/// Shells are served, and `--help` has examples.
#[test]
fn help_and_completions() {
    let (help, status) = idl(&["--help"]);
    assert_eq!(status, 0);
    assert!(help.contains("idl check released.binpb current.binpb"), "{help}");
    for command in ["proto", "list", "call", "trait", "check", "completions"] {
        let (help, _) = idl(&[command, "--help"]);
        assert!(help.contains("Example") && help.contains(&format!("\n  idl {command} ")), "{help}");
    }
    let (script, status) = idl(&["completions", "bash"]);
    assert_eq!(status, 0);
    assert!(script.contains("complete -F _idl"), "{script}");
}
