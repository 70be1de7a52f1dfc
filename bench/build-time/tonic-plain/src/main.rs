//! A server without a service, a channel, and the methods of `tonic-ten` called in place: what `tonic-ten` is built beside.

mod library;

use library::{Book, Library, Shelf};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = format!("http://{}", incoming.local_addr()?);
    tokio::spawn(Server::builder().add_routes(Routes::default()).serve_with_incoming(incoming));

    let channel = Endpoint::from_shared(address)?.connect().await?;
    println!("{channel:?}");
    let library = Shelf::default();
    let book = Book { title: "dune".into(), author: "Herbert".into(), copies: 2, tags: vec!["desert".into()] };
    println!("{}", library.add(book).await?);
    println!("{:?}", library.find("dune".into()).await?);
    println!("{:?}", library.search("du".into(), 10).await?);
    let loan = library.lend(7, "dune".into()).await?;
    println!("{:?}", library.renew(loan.id, 14).await?);
    println!("{}", library.reserve(8, "dune".into()).await?);
    println!("{:?}", library.loans(7).await?);
    println!("{:?}", library.overdue(20).await?);
    library.give_back(loan).await?;
    println!("{}", library.remove("dune".into()).await?);
    println!("{}", library.remove("dine".into()).await.unwrap_err());
    Ok(())
}
