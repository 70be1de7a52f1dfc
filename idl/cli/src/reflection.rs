//! Asking a gRPC server what it serves: reflection, v1 or v1alpha, one question to a stream.
//!
//! The method streams both ways. With one question and one answer its bytes are those of a method that does not.

use crate::reach::Reach;
use idl::descriptor::{FileDescriptor, FileDescriptorSet};
use rpc_runtime::{Bytes, CallError, Code, Message, Node, UserStub, interface};
use std::collections::BTreeMap;

/// So many files are asked for.
const FILES_MAX: usize = 1000;

/// A `ServerReflectionRequest`.
#[derive(Debug, Clone, Default, Message)]
pub(crate) struct Asked {
    host: String,
    #[rpc(tag = 3)]
    file_by_filename: Option<String>,
    #[rpc(tag = 4)]
    file_containing_symbol: Option<String>,
    #[rpc(tag = 7)]
    list_services: Option<String>,
}

/// A `ServerReflectionResponse`.
#[derive(Debug, Default, Message)]
pub(crate) struct Answer {
    #[rpc(tag = 4)]
    file_descriptor_response: Option<Files>,
    #[rpc(tag = 6)]
    list_services_response: Option<Services>,
    #[rpc(tag = 7)]
    error_response: Option<NotFound>,
}

#[derive(Debug, Default, Message)]
pub(crate) struct Files {
    file_descriptor_proto: Vec<Bytes>,
}

#[derive(Debug, Default, Message)]
pub(crate) struct Services {
    service: Vec<Service>,
}

#[derive(Debug, Default, Message)]
pub(crate) struct Service {
    name: String,
}

#[derive(Debug, Default, Message)]
pub(crate) struct NotFound {
    #[rpc(as = "int32")]
    error_code: i32,
    error_message: String,
}

mod v1 {
    use super::{Answer, Asked, CallError, interface};

    #[interface(package = "grpc.reflection.v1")]
    pub(crate) trait ServerReflection {
        #[rpc(message)]
        async fn server_reflection_info(&self, asked: Asked) -> Result<Answer, CallError>;
    }
}

mod v1alpha {
    use super::{Answer, Asked, CallError, interface};

    #[interface(package = "grpc.reflection.v1alpha")]
    pub(crate) trait ServerReflection {
        #[rpc(message)]
        async fn server_reflection_info(&self, asked: Asked) -> Result<Answer, CallError>;
    }
}

/// Asks one server.
pub(crate) struct Reflection<'a> {
    pub(crate) node: &'a Node,
    pub(crate) reach: &'a Reach,
    pub(crate) address: &'a str,
}

impl Reflection<'_> {
    /// The full names of what is served.
    pub(crate) async fn services(&self) -> Result<Vec<String>, String> {
        let asked = Asked { list_services: Some(String::new()), ..Asked::default() };
        let services = self.ask(asked).await?.list_services_response.unwrap_or_default().service;
        Ok(services.into_iter().map(|service| service.name).collect())
    }

    /// The files that describe these, with all that they import.
    pub(crate) async fn files(&self, symbols: &[String]) -> Result<FileDescriptorSet, String> {
        let mut files: BTreeMap<String, Bytes> = BTreeMap::new();
        let mut wanted = Vec::new();
        for symbol in symbols {
            let asked = Asked { file_containing_symbol: Some(symbol.clone()), ..Asked::default() };
            take(self.ask(asked).await?, &mut files, &mut wanted)?;
        }
        while let Some(name) = wanted.pop() {
            // Everybody has Google's.
            if files.contains_key(&name) || name.starts_with("google/protobuf/") {
                continue;
            }
            if files.len() >= FILES_MAX {
                return Err(format!("{} describes itself in more than {FILES_MAX} files", self.address));
            }
            let asked = Asked { file_by_filename: Some(name), ..Asked::default() };
            take(self.ask(asked).await?, &mut files, &mut wanted)?;
        }
        let set = Files { file_descriptor_proto: files.into_values().collect() };
        let set = idl::to_vec(&set).map_err(|error| error.to_string())?;
        FileDescriptorSet::from_bytes(&set).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> String {
        format!("what {} says of itself cannot be read: {error}", self.address)
    }

    async fn ask(&self, asked: Asked) -> Result<Answer, String> {
        use v1::ServerReflection as _;
        use v1alpha::ServerReflection as _;
        let answer = match self.stub::<v1::ServerReflectionClient>().await {
            Ok(stub) => stub.server_reflection_info(asked.clone()).await,
            Err(error) => Err(error),
        };
        let answer = match answer {
            Err(error) if error.code() == Some(Code::Unimplemented) => {
                match self.stub::<v1alpha::ServerReflectionClient>().await {
                    Ok(stub) => stub.server_reflection_info(asked).await,
                    Err(error) => Err(error),
                }
            }
            answer => answer,
        };
        let answer = answer.map_err(|error| match error.code() {
            Some(Code::Unimplemented) => {
                format!("{} has no gRPC reflection; give its description with --proto FILE", self.address)
            }
            _ => format!("{} does not answer over gRPC: {error}", self.address),
        })?;
        match answer.error_response {
            Some(error) => Err(format!("{} answers: {}", self.address, error.error_message)),
            None => Ok(answer),
        }
    }

    pub(crate) async fn stub<C: UserStub>(&self) -> Result<C, CallError> {
        let mut importing = self.node.import_grpc(self.address).timeout(self.reach.timeout);
        for (name, value) in &self.reach.metadata {
            importing = importing.metadata(name, value.clone());
        }
        importing.await
    }
}

fn take(answer: Answer, files: &mut BTreeMap<String, Bytes>, wanted: &mut Vec<String>) -> Result<(), String> {
    for bytes in answer.file_descriptor_response.unwrap_or_default().file_descriptor_proto {
        let file: FileDescriptor =
            idl::from_slice(&bytes).map_err(|error| format!("a description cannot be read: {error}"))?;
        wanted.extend(file.dependency);
        files.insert(file.name, bytes);
    }
    Ok(())
}
