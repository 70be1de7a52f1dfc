//! `#[rpc(message)]`: methods whose one argument is the request, and whose result is the response.

use rpc_runtime::{CallError, Message, Node, RemoteError, ServerStub, UserStub, in_memory, interface};

#[derive(Debug, Clone, PartialEq, Message)]
struct FindRequest {
    name: String,
    at: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct FindResponse {
    value: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, RemoteError)]
enum FindError {
    #[error("nothing is called {name}")]
    Nothing { name: String },
    #[error(transparent)]
    Call(#[from] CallError),
}

#[interface(package = "maps.v1", dyn)]
trait Map {
    #[rpc(message)]
    async fn find(&self, request: FindRequest) -> Result<FindResponse, FindError>;
    #[rpc(message, name = "findLent")]
    async fn find_lent(&self, request: &FindRequest) -> Result<FindResponse, FindError>;
    #[rpc(message)]
    async fn clear(&self) -> Result<(), FindError>;
}

/// The same on the wire, with arguments as fields.
mod fields {
    use super::{FindError, interface};

    #[interface(package = "maps.v1")]
    pub(super) trait Map {
        async fn find(&self, name: String, at: Option<u64>) -> Result<Vec<u32>, FindError>;
        async fn clear(&self) -> Result<(), FindError>;
    }
}

struct Atlas;

impl Map for Atlas {
    async fn find(&self, request: FindRequest) -> Result<FindResponse, FindError> {
        match request.at {
            Some(at) => Ok(FindResponse { value: vec![at as u32, request.name.len() as u32] }),
            None => Err(FindError::Nothing { name: request.name }),
        }
    }

    async fn find_lent(&self, request: &FindRequest) -> Result<FindResponse, FindError> {
        self.find(request.clone()).await
    }

    async fn clear(&self) -> Result<(), FindError> {
        Ok(())
    }
}

/// Requests and responses come back as they are, and typed errors too; also through the struct that holds any.
#[tokio::test]
async fn messages_travel_whole() {
    let map = DynMap::new(in_memory(MapServer::new(DynMap::new(Atlas))));
    let request = FindRequest { name: "ithaca".into(), at: Some(7) };
    assert_eq!(map.find_lent(&request).await.unwrap().value, [7, 6]);
    assert_eq!(map.find(request).await.unwrap().value, [7, 6]);
    let nothing = map.find(FindRequest { name: "ithaca".into(), at: None }).await.unwrap_err();
    assert_eq!(nothing, FindError::Nothing { name: "ithaca".into() });
    map.clear().await.unwrap();
}

/// The description has the user's messages as request and response, and the name on the wire exactly as it was given.
#[test]
fn descriptions_name_the_messages() {
    let interface = MapClient::interface();
    let methods = interface.file().service[0].method.iter();
    let lines: Vec<_> = methods.map(|m| format!("{}({}) -> {}", m.name, m.input_type, m.output_type)).collect();
    let expected = [
        "Find(.maps.v1.FindRequest) -> .maps.v1.FindResponse",
        "findLent(.maps.v1.FindRequest) -> .maps.v1.FindResponse",
        "Clear(.google.protobuf.Empty) -> .google.protobuf.Empty",
    ];
    assert_eq!(lines, expected);
    assert!(<MapServer<Atlas> as ServerStub>::method(0).is_none());
}

/// A whole message is what arguments as fields make: callers with either form reach the same exporter.
#[tokio::test]
async fn arguments_as_fields_are_the_same_on_the_wire() {
    use fields::Map as _;
    let node = Node::builder().listen("127.0.0.1:0").start().await.unwrap();
    let _export = node.export("atlas", MapServer::new(Atlas)).await.unwrap();
    let callers = Node::builder().start().await.unwrap();
    let map: fields::MapClient = callers.import_at(&node.local_endpoints()[0], "atlas").await.unwrap();
    assert_eq!(map.find("ithaca".into(), Some(7)).await.unwrap(), [7, 6]);
    map.clear().await.unwrap();
}
