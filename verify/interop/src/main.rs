//! gRPC's test service on a node of ours, and gRPC's interoperability cases by stubs of ours: what `verify/interop/run` puts together
//! with the same in other languages.

mod cases;
mod service;

use std::process::ExitCode;

use rpc_runtime::Node;
use tokio::io::{AsyncReadExt, stdin};

use crate::grpc::testing::TestServiceServer;
use crate::service::Tester;

rpc_runtime::include_protos!();

const USAGE: &str = "\
verify-interop serve            gRPC's test service on a free port of 127.0.0.1, which is printed, until standard input ends
verify-interop call HOST:PORT   gRPC's interoperability cases against a server";

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stderr, reason = "how to call it")]
async fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => serve().await.map(|()| ExitCode::SUCCESS),
        ["call", address] => cases::run(address).await,
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}

#[expect(clippy::print_stdout, reason = "the port is what its caller waits for")]
async fn serve() -> Result<(), Failure> {
    let node = Node::builder().listen("127.0.0.1:0").start().await?;
    let _export = node.export("tester", TestServiceServer::new(Tester)).await?;
    let endpoints = node.local_endpoints();
    println!("{}", endpoints[0].rsplit(':').next().unwrap_or_default());
    stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}
