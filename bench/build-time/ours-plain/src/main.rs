//! A node without an interface, and the methods of `ours-ten` called in place: what `ours-ten` is built beside.

mod library;

use library::{Book, Library, Shelf};
use rpc_runtime::Node;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().listen("127.0.0.1:0").start().await?;
    println!("{:?}", node.local_endpoints());

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
