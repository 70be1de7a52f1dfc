//! `grpc.reflection`, v1 and v1alpha: what this node exports, for tools that were not built with it.
//!
//! Everything comes from the descriptions of the interfaces; the two versions of the service have the same messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use idl::descriptor::{FileDescriptor, MessageDescriptor};

use super::message::{Messages, NoMessage};
use super::respond::Respond;
use super::sessions;
use super::status::Status;
use super::stream::no_message;
use crate::Message;
use crate::context::BesideReply;
use crate::error::Code;
use crate::server::Server;

/// The service's full name.
pub(super) const V1: &str = "grpc.reflection.v1.ServerReflection";
/// Its name before it had its final one.
pub(super) const V1_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

/// A `ServerReflectionRequest`.
#[derive(Debug, Clone, Message)]
#[rpc(crate = "crate")]
struct Asked {
    host: String,
    #[rpc(tag = 3)]
    file_by_filename: Option<String>,
    file_containing_symbol: Option<String>,
    file_containing_extension: Option<ExtensionRequest>,
    all_extension_numbers_of_type: Option<String>,
    list_services: Option<String>,
}

#[derive(Debug, Clone, Message)]
#[rpc(crate = "crate")]
struct ExtensionRequest {
    containing_type: String,
    #[rpc(as = "int32")]
    extension_number: i32,
}

/// A `ServerReflectionResponse`.
#[derive(Debug, Default, Message)]
#[rpc(crate = "crate")]
struct Answer {
    valid_host: String,
    original_request: Option<Asked>,
    #[rpc(tag = 4)]
    file_descriptor_response: Option<FileDescriptors>,
    #[rpc(tag = 5)]
    all_extension_numbers_response: Option<ExtensionNumbers>,
    #[rpc(tag = 6)]
    list_services_response: Option<Services>,
    #[rpc(tag = 7)]
    error_response: Option<NotFound>,
}

#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct FileDescriptors {
    file_descriptor_proto: Vec<Bytes>,
}

#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct ExtensionNumbers {
    base_type_name: String,
    #[rpc(as = "int32")]
    extension_number: Vec<i32>,
}

#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct Services {
    service: Vec<Service>,
}

#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct Service {
    name: String,
}

#[derive(Debug, Message)]
#[rpc(crate = "crate")]
struct NotFound {
    #[rpc(as = "int32")]
    error_code: i32,
    error_message: String,
}

/// Answers questions until the caller has no more.
pub(super) async fn serve(
    server: &Arc<Server>,
    name: &str,
    method: &str,
    mut messages: Messages,
    mut respond: Respond,
) {
    if method != "ServerReflectionInfo" {
        return respond.fail(&Status::never(Code::Unimplemented, format!("`{name}` has no method `{method}`")));
    }
    let Some(mut sending) = respond.stream() else { return };
    let limit = server.limits.call_timeout;
    loop {
        let asked = match tokio::time::timeout(limit, messages.next()).await {
            Ok(Ok(Some(asked))) => asked,
            Ok(Ok(None)) => return sending.succeed(&BesideReply::default()),
            Ok(Err(NoMessage::Gone(_))) => return,
            Ok(Err(error)) => return sending.fail(&no_message(&error)),
            Err(_elapsed) => return sending.fail(&Status::never(Code::DeadlineExceeded, "nothing was asked for long")),
        };
        let asked = match idl::from_slice::<Asked>(&asked) {
            Ok(asked) => asked,
            Err(error) => return sending.fail(&Status::never(Code::InvalidArgument, error.to_string())),
        };
        let answer = idl::to_vec(&answer(server, asked)).unwrap_or_default();
        if !sending.send_message(&answer).await {
            return;
        }
    }
}

fn answer(server: &Arc<Server>, asked: Asked) -> Answer {
    let mut answer = Answer { valid_host: asked.host.clone(), ..Answer::default() };
    if asked.list_services.is_some() {
        let names = server.grpc.routes.interfaces().into_iter().chain([sessions::NAME.to_owned()]);
        answer.list_services_response = Some(Services { service: names.map(|name| Service { name }).collect() });
    } else if let Some(base_type_name) = &asked.all_extension_numbers_of_type {
        let base_type_name = base_type_name.clone();
        answer.all_extension_numbers_response = Some(ExtensionNumbers { base_type_name, extension_number: Vec::new() });
    } else {
        let files = files(server);
        let found = match (&asked.file_by_filename, &asked.file_containing_symbol) {
            (Some(name), _) => files.get(name).cloned(),
            (_, Some(symbol)) => files.values().find(|file| defines(file, symbol)).cloned(),
            _ => None,
        };
        match found {
            Some(file) => {
                let all = with_dependencies(file, &files);
                let file_descriptor_proto =
                    all.iter().map(|file| idl::to_vec(file).unwrap_or_default().into()).collect();
                answer.file_descriptor_response = Some(FileDescriptors { file_descriptor_proto });
            }
            None => {
                let error_message = "this node knows no such file, symbol or extension".to_owned();
                answer.error_response = Some(NotFound { error_code: Code::NotFound.number() as i32, error_message });
            }
        }
    }
    answer.original_request = Some(asked);
    answer
}

/// Every file, by its name.
fn files(server: &Arc<Server>) -> BTreeMap<String, FileDescriptor> {
    let mut exports = server.grpc.routes.exports();
    exports.push(sessions::export(server));
    exports.sort_by_key(|export| export.interface().name());
    let interfaces: Vec<_> = exports.iter().map(|export| export.interface().clone()).collect();
    let files = idl::files(&interfaces).files.into_iter();
    files.map(|file| (file.name.clone(), file.with_comments())).collect()
}

/// Whether a file defines the symbol: a service, a method, or a type.
fn defines(file: &FileDescriptor, symbol: &str) -> bool {
    let symbol = symbol.trim_start_matches('.');
    let local = match file.package.as_str() {
        "" => Some(symbol),
        package => symbol.strip_prefix(package).and_then(|rest| rest.strip_prefix('.')),
    };
    let Some(local) = local else { return false };
    let (first, rest) = local.split_once('.').map_or((local, None), |(first, rest)| (first, Some(rest)));
    let is_service = |service: &idl::descriptor::ServiceDescriptor| {
        service.name == first
            && rest.is_none_or(|method| service.method.iter().any(|described| described.name == method))
    };
    file.service.iter().any(is_service)
        || file.message_type.iter().any(|message| message.name == first && rest.is_none_or(|rest| nests(message, rest)))
        || file.enum_type.iter().any(|described| described.name == local)
}

fn nests(message: &MessageDescriptor, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    message.nested_type.iter().any(|nested| nested.name == first && rest.is_none_or(|rest| nests(nested, rest)))
        || rest.is_none() && message.enum_type.iter().any(|described| described.name == first)
        || rest.is_none() && message.field.iter().any(|field| field.name == first)
}

/// The file, and those that it needs.
fn with_dependencies(file: FileDescriptor, files: &BTreeMap<String, FileDescriptor>) -> Vec<FileDescriptor> {
    let mut all = vec![file];
    let mut next = 0;
    while next < all.len() {
        for name in all[next].dependency.clone() {
            if let Some(dependency) = files.get(&name).filter(|_| all.iter().all(|file| file.name != name)) {
                all.push(dependency.clone());
            }
        }
        next += 1;
    }
    all
}
