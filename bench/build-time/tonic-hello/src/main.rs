//! Hello, world, with tonic: a service, its server, and a call.

use hello::greeter_client::GreeterClient;
use hello::greeter_server::{Greeter, GreeterServer};
use hello::{HelloReply, HelloRequest};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

mod hello {
    tonic::include_proto!("hello");
}

struct English;

#[tonic::async_trait]
impl Greeter for English {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(HelloReply { message: format!("Hello, {}!", request.into_inner().name) }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = format!("http://{}", incoming.local_addr()?);
    tokio::spawn(Server::builder().add_service(GreeterServer::new(English)).serve_with_incoming(incoming));

    let mut greeter = GreeterClient::connect(address).await?;
    let reply = greeter.say_hello(HelloRequest { name: "world".into() }).await?;
    println!("{}", reply.into_inner().message);
    Ok(())
}
