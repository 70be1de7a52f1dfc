//! Whom the commands talk to that go over a network: the arguments, and what they mean.

use clap::Args;
use rpc_runtime::directory::nameserver::{
    Interest, NAMESERVER_ADDRESS, NAMESERVER_INSTANCE, Nameserver, NameserverClient,
};
use rpc_runtime::directory::{Entry, Replica};
use rpc_runtime::{CallError, Node, Selector};
use std::sync::Arc;
use std::time::Duration;

/// How a command finds what it is to talk to.
#[derive(Args)]
pub(crate) struct Reach {
    /// Address of the nameserver that knows the name
    #[arg(long, value_name = "ADDR", env = "NAMESERVER", default_value = NAMESERVER_ADDRESS)]
    pub(crate) nameserver: String,
    /// Which instance; not needed where there is one
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,
    /// Over gRPC, also where the native protocol would do
    #[arg(long)]
    pub(crate) grpc: bool,
    /// How long a call may take: 15s, 500ms, 2m. A stream may take longer, once it is open
    #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    /// Metadata that is sent along, over gRPC; may be given several times
    #[arg(long = "metadata", short = 'm', value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) metadata: Vec<(String, String)>,
}

impl Reach {
    /// Whether only gRPC will do: metadata does not travel natively.
    pub(crate) fn is_by_grpc(&self) -> bool {
        self.grpc || !self.metadata.is_empty()
    }
}

/// What a user names: where to go, or whom to ask the nameserver for.
pub(crate) enum Target {
    Address(String),
    Name(String),
}

impl Target {
    pub(crate) fn of(text: &str) -> Target {
        let has_scheme = ["tcp://", "http://", "https://", "unix:"].iter().any(|scheme| text.starts_with(scheme));
        let has_port = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        match has_scheme || has_port {
            true => Target::Address(text.to_owned()),
            false => Target::Name(text.to_owned()),
        }
    }
}

/// A node that imports and does nothing else; by name too, if there is a `nameserver`.
pub(crate) async fn node(nameserver: Option<&str>) -> Result<Node, String> {
    let builder = nameserver.into_iter().fold(Node::builder(), |builder, address| builder.nameserver(address));
    builder.start().await.map_err(|error| error.to_string())
}

/// Everything that the nameserver knows.
pub(crate) async fn entries(node: &Node, reach: &Reach) -> Result<Vec<Arc<Entry>>, String> {
    let unreachable =
        |error: &dyn std::fmt::Display| format!("the nameserver at {} cannot be asked: {error}", reach.nameserver);
    let imported = node.import_at(&reach.nameserver, NAMESERVER_INSTANCE).timeout(reach.timeout).await;
    let nameserver: NameserverClient = imported.map_err(|error: CallError| {
        format!("{}\n  name another one with --nameserver, or in the environment as NAMESERVER", unreachable(&error))
    })?;
    let interest = Interest { interface: None, selector: Selector::Any };
    let mut replica = Replica::new();
    while !replica.ready() {
        let watched = nameserver.ns_watch(interest.clone(), replica.cursor(), Duration::ZERO).await;
        replica.apply(watched.map_err(|error| unreachable(&error))?);
    }
    Ok(replica.entries().cloned().collect())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE, authorization=me")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has a port or a scheme is an address.
    #[test]
    fn addresses_are_told_from_names() {
        for address in ["127.0.0.1:5000", "tcp://host:1", "unix:/run/x", "http://host:80", "[::1]:80", "localhost:80"] {
            assert!(matches!(Target::of(address), Target::Address(_)), "{address}");
        }
        for name in ["a-m", "main", "library.v1.Store", "a:b"] {
            assert!(matches!(Target::of(name), Target::Name(_)), "{name}");
        }
    }
}
