//! Hello, world, with this framework, whose port speaks gRPC too: an interface, its exporter, and a call.

use rpc_runtime::{CallError, Node, interface};

#[interface]
trait Greeter {
    async fn say_hello(&self, name: String) -> Result<String, CallError>;
}

struct English;

impl Greeter for English {
    async fn say_hello(&self, name: String) -> Result<String, CallError> {
        Ok(format!("Hello, {name}!"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().listen("127.0.0.1:0").start().await?;
    let _export = node.export("english", GreeterServer::new(English)).await?;

    let greeter: GreeterClient = node.import_at(&node.local_endpoints()[0], "english").await?;
    println!("{}", greeter.say_hello("world".into()).await?);
    Ok(())
}
