//! A server with a service of ten methods, each of which is called.

mod library;

use library::Shelf;
use library::pb::library_client::LibraryClient;
use library::pb::library_server::LibraryServer;
use library::pb::{Book, LendRequest, LoansRequest, OverdueRequest, RenewRequest, SearchRequest, Title};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = format!("http://{}", incoming.local_addr()?);
    let service = LibraryServer::new(Shelf::default());
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));

    let channel = Endpoint::from_shared(address)?.connect().await?;
    println!("{channel:?}");
    let mut library = LibraryClient::new(channel);
    let title = || Title { title: "dune".into() };
    let book = Book { title: "dune".into(), author: "Herbert".into(), copies: 2, tags: vec!["desert".into()] };
    println!("{:?}", library.add(book).await?);
    println!("{:?}", library.find(title()).await?);
    println!("{:?}", library.search(SearchRequest { text: "du".into(), limit: 10 }).await?);
    let loan = library.lend(LendRequest { member: 7, title: "dune".into() }).await?.into_inner();
    println!("{:?}", library.renew(RenewRequest { loan: loan.id, days: 14 }).await?);
    println!("{:?}", library.reserve(LendRequest { member: 8, title: "dune".into() }).await?);
    println!("{:?}", library.loans(LoansRequest { member: 7 }).await?);
    println!("{:?}", library.overdue(OverdueRequest { days: 20 }).await?);
    library.give_back(loan).await?;
    println!("{:?}", library.remove(title()).await?);
    println!("{}", library.remove(Title { title: "dine".into() }).await.unwrap_err());
    Ok(())
}
