//! What `idl::compile` says of files that are not right, and the traits that it writes.

use std::fs;
use std::path::PathBuf;

/// A folder with these files, and the words of compiling the first of them.
fn words(name: &str, files: &[(&str, &str)]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder for the test");
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file of the test");
    }
    let compiler = idl::Compiler::new().out_dir(&folder);
    let error = compiler.compile(&[folder.join(files[0].0)], &[&folder]).expect_err("it is not right");
    error.to_string().replace(&folder.display().to_string(), "FOLDER")
}

/// Mistakes are shown with file and line, and with what to do about files that are not found.
#[test]
fn mistakes_have_their_place() {
    let syntax = words("syntax", &[("a.proto", "syntax = \"proto3\";\nmessage A {\n  string name 1;\n}\n")]);
    assert_eq!(syntax, "a.proto:3:15: expected '=', but found '1'");
    let unknown = words("unknown", &[("a.proto", "syntax = \"proto3\";\nmessage A {\n  Missing name = 1;\n}\n")]);
    assert_eq!(unknown, "a.proto:3:3: name 'Missing' is not defined");
    let import = words("import", &[("a.proto", "syntax = \"proto3\";\n\nimport \"b/missing.proto\";\n")]);
    assert_eq!(
        import,
        "a.proto:3:1: import 'b/missing.proto' not found\n  searched in: FOLDER; a path in an `import` is relative to \
         one of them, so add the folder that it begins in"
    );
    let suffix = words(
        "suffix",
        &[
            ("a.proto", "syntax = \"proto3\";\nimport \"b.proto\";\nmessage Point { p.Point point = 1; }\n"),
            ("b.proto", "syntax = \"proto3\";\npackage p;\nmessage Point {}\n"),
        ],
    );
    assert!(suffix.starts_with("`Point` and `p.Point` cannot be compiled in one go"), "{suffix}");
}

/// Files that are not there, and calls that cannot be meant so.
#[test]
fn what_is_not_there_is_named() {
    let none: [&str; 0] = [];
    let error = idl::compile(&none, &["."]).expect_err("nothing to do");
    assert!(error.to_string().starts_with("no `.proto` file was given"), "{error}");
    let error = idl::compile(&["a.proto"], &["no/such/folder"]).expect_err("no folder");
    assert!(error.to_string().starts_with("no/such/folder is no folder"), "{error}");
    let error = idl::compile(&["tests/protos/missing.proto"], &["tests/protos"]).expect_err("no file");
    assert!(error.to_string().starts_with("tests/protos/missing.proto does not exist (relative to "), "{error}");
    let error = idl::compile(&["tests/protos/odd/v1/odd.proto"], &["tests/protos/etcd"]).expect_err("elsewhere");
    assert!(error.to_string().contains("add the one that the file is in"), "{error}");
    let error = idl::compile(&["tests/protos/odd/v1/odd.proto"], &["tests/protos"]).expect_err("no build script");
    assert!(error.to_string().starts_with("there is no OUT_DIR"), "{error}");
}

/// Code goes where it is told to, types that are in Rust already are used, and all descriptors are written.
#[test]
fn options() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("options");
    fs::create_dir_all(&folder).expect("a folder for the test");
    let a = "syntax = \"proto3\";\npackage a;\nimport \"b.proto\";\n// Finds.\nservice Map { rpc Find(b.Point) returns (Place); }\n\
             message Place { b.Point at = 1; }\n";
    fs::write(folder.join("a.proto"), a).expect("a file of the test");
    let b = "syntax = \"proto3\";\npackage b;\nmessage Point {}\n";
    fs::write(folder.join("b.proto"), b).expect("a file of the test");
    let compiler =
        idl::Compiler::new().out_dir(&folder).extern_path(".b", "::places::b").descriptor_set(folder.join("set.binpb"));
    compiler.compile(&[folder.join("a.proto")], &[&folder]).expect("it is right");
    let code = fs::read_to_string(folder.join("a.rs")).expect("the code");
    for words in [
        "async fn find(&self, request: ::rpc_runtime::Prost<::places::b::Point>) -> ::core::result::Result<Place, ",
        "pub at: ::core::option::Option<::places::b::Point>",
        "pub static FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(\"a.bin\");",
        "#[rpc(prost, descriptors = \"FILE_DESCRIPTOR_SET\")]",
    ] {
        assert!(code.contains(words), "no `{words}` in\n{code}");
    }
    assert!(!folder.join("b.rs").exists());
    let modules = fs::read_to_string(folder.join("protos.rs")).expect("the modules");
    assert!(modules.contains("pub mod a {\n    include!(\"a.rs\");\n}"), "{modules}");
    let set = fs::read(folder.join("set.binpb")).expect("the descriptors");
    let set = idl::descriptor::FileDescriptorSet::from_bytes(&set).expect("a set");
    let interfaces = set.interfaces();
    assert_eq!((interfaces[0].name(), interfaces[0].docs()), ("a.Map".to_owned(), "Finds."));
}

/// The trait, as a person reads it.
#[test]
fn the_trait_to_read() {
    let trait_ = idl::traits(&["tests/protos/grpc/example/helloworld.proto"], &["tests/protos"]).expect("it is right");
    let expected = "\
use rpc_runtime::{CallError, interface};

/// The greeting service definition.
#[interface(package = \"helloworld\")]
pub trait Greeter {
    /// Sends a greeting
    #[rpc(message)]
    async fn say_hello(&self, request: HelloRequest) -> Result<HelloReply, CallError>;
}
";
    assert_eq!(trait_, expected);
}
