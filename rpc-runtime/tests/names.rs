//! Exporters found by name, by label and by group, and what happens when a name is taken.

use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::directory::{DirectoryError, MemoryDirectory};
use rpc_runtime::{CallError, Export, ExportError, Node, RegisterMode, Selector, interface};

type Failure = Box<dyn std::error::Error>;

#[interface]
trait Who {
    /// The exporter's own number.
    async fn are_you(&self) -> Result<u32, CallError>;
}

struct Me(u32);

impl Who for Me {
    async fn are_you(&self) -> Result<u32, CallError> {
        Ok(self.0)
    }
}

/// Nodes that share a directory.
#[derive(Clone)]
struct World {
    directory: Arc<MemoryDirectory>,
}

impl World {
    fn new() -> World {
        World { directory: Arc::new(MemoryDirectory::new()) }
    }

    async fn node(&self) -> Result<Node, Failure> {
        let directory = Arc::clone(&self.directory);
        Ok(Node::builder().directory(directory).listen("127.0.0.1:0").start().await?)
    }

    async fn exporter(&self, instance: &str, number: u32, zone: &str) -> Result<(Node, Export), Failure> {
        let node = self.node().await?;
        let export = node.export(instance, WhoServer::new(Me(number))).label("zone", zone).group("all").await?;
        Ok((node, export))
    }
}

/// An importer names an instance, a label, a group, or nothing at all.
#[tokio::test]
async fn exporters_are_found_by_what_they_are() -> Result<(), Failure> {
    let world = World::new();
    let _one = world.exporter("one", 1, "a").await?;
    let _two = world.exporter("two", 2, "b").await?;
    let node = world.node().await?;
    let by_name: WhoClient = node.import("two").await?;
    assert_eq!(by_name.are_you().await?, 2);
    let by_label: WhoClient = node.import(Selector::Label { key: "zone".into(), value: "a".into() }).await?;
    assert_eq!(by_label.are_you().await?, 1);
    let nobody = node.import::<WhoClient>(Selector::Group("none".into())).await;
    assert!(nobody.is_err_and(|error| error.to_string().contains("group `none`")));
    Ok(())
}

/// Bindings to any member spread over the members: the less loaded of two is taken.
#[tokio::test]
async fn bindings_spread_over_a_group() -> Result<(), Failure> {
    let world = World::new();
    let _one = world.exporter("one", 1, "a").await?;
    let _two = world.exporter("two", 2, "b").await?;
    let node = world.node().await?;
    let mut stubs = Vec::new();
    let mut members = [0; 2];
    for _ in 0..10 {
        let stub: WhoClient = node.import(Selector::Group("all".into())).await?;
        members[stub.are_you().await? as usize - 1] += 1;
        stubs.push(stub);
    }
    assert_eq!(members, [5, 5]);
    Ok(())
}

/// A taken name is refused at once, and given to one who waits when its holder goes.
#[tokio::test]
async fn an_export_waits_for_its_name() -> Result<(), Failure> {
    let world = World::new();
    let (_node, first) = world.exporter("one", 1, "a").await?;
    let second = world.node().await?;
    let refused = second.export("one", WhoServer::new(Me(2))).await;
    let Err(ExportError::Directory { source: DirectoryError::NameTaken { .. }, .. }) = refused else {
        panic!("{refused:?}");
    };
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { second.export("one", WhoServer::new(Me(2))).wait(Duration::from_secs(30)).await }
    });
    tokio::task::yield_now().await;
    first.withdraw().await;
    let _export = waiting.await??;
    let stub: WhoClient = world.node().await?.import("one").await?;
    assert_eq!(stub.are_you().await?, 2);
    Ok(())
}

/// A takeover moves new calls to the new holder; the old one, once it knows, offers nothing any more (R32).
#[tokio::test]
async fn a_takeover_moves_the_name() -> Result<(), Failure> {
    let world = World::new();
    let (_node, old) = world.exporter("one", 1, "a").await?;
    let stub: WhoClient = world.node().await?.import("one").await?;
    assert_eq!(stub.are_you().await?, 1);
    let second = world.node().await?;
    let new = second.export("one", WhoServer::new(Me(2))).mode(RegisterMode::Takeover).await?;
    assert!(new.epoch() > old.epoch());
    while old.is_offered() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The same stub finds the new holder by itself.
    assert_eq!(stub.are_you().await?, 2);
    Ok(())
}

/// An auto-named export gets a name of its own, by which it is found.
#[tokio::test]
async fn the_directory_chooses_a_name() -> Result<(), Failure> {
    let world = World::new();
    let node = world.node().await?;
    let one = node.export("worker", WhoServer::new(Me(1))).mode(RegisterMode::AutoNamed).await?;
    let two = node.export("worker", WhoServer::new(Me(2))).mode(RegisterMode::AutoNamed).await?;
    assert_ne!(one.instance(), two.instance());
    let stub: WhoClient = world.node().await?.import(two.instance()).await?;
    assert_eq!(stub.are_you().await?, 2);
    Ok(())
}
