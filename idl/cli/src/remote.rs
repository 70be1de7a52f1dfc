//! Exports that run somewhere: what there is, and a binding to one of them.

use crate::close::advice;
use crate::input;
use crate::reach::{Reach, Target, entries, node};
use crate::reflection::Reflection;
use idl::Interface;
use rpc_runtime::{AnyBinding, CallError, ErrorKind, Message, Node, interface};
use std::path::Path;

/// What `rpc.v1.Sessions` of a node says beside sessions.
#[interface(package = "rpc.v1")]
trait Sessions {
    #[rpc(idempotent)]
    async fn list(&self) -> Result<Vec<Exported>, CallError>;
}

const WITHOUT_GRPC: &str = "is a node without gRPC (rpc-runtime's feature `grpc`), which is what lists and describes";

/// One export.
#[derive(Debug, Clone, PartialEq, Message)]
pub(crate) struct Exported {
    pub(crate) interface: String,
    pub(crate) instance: String,
}

/// How calls travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Road {
    Native,
    Grpc,
}

/// A binding to one export, and how its calls travel.
pub(crate) struct Bound {
    pub(crate) any: AnyBinding,
    pub(crate) road: Road,
}

/// What a user has named, and whom it was told to.
pub(crate) struct Remote<'a> {
    node: Node,
    target: Target,
    reach: &'a Reach,
}

impl<'a> Remote<'a> {
    pub(crate) async fn new(target: &str, reach: &'a Reach) -> Result<Remote<'a>, String> {
        let target = Target::of(target);
        let nameserver = matches!(target, Target::Name(_)).then_some(reach.nameserver.as_str());
        Ok(Remote { node: node(nameserver).await?, target, reach })
    }

    fn reflection<'r>(&'r self, address: &'r str) -> Reflection<'r> {
        Reflection { node: &self.node, reach: self.reach, address }
    }

    /// What there is under the name, or at the address. A server that is no node has no instances: they are empty.
    pub(crate) async fn exports(&self) -> Result<Vec<Exported>, String> {
        let address = match &self.target {
            Target::Name(name) => {
                let entries = entries(&self.node, self.reach).await?;
                let named = entries.iter().filter(|entry| entry.instance == *name);
                let exported = |interface: &str| Exported { interface: interface.into(), instance: name.clone() };
                let found: Vec<_> = named.map(|entry| exported(&entry.interface)).collect();
                if found.is_empty() {
                    let names: Vec<_> = entries.iter().map(|entry| entry.instance.as_str()).collect();
                    let advice = advice(name, &names);
                    return Err(format!("nothing is registered as `{name}` at {}{advice}", self.reach.nameserver));
                }
                return Ok(found);
            }
            Target::Address(address) => address,
        };
        let reflection = self.reflection(address);
        let services = match reflection.services().await {
            Ok(services) => services,
            Err(error) => return Err(self.without_grpc(address).await.unwrap_or(error)),
        };
        let sessions: Result<SessionsClient, CallError> = reflection.stub().await;
        let listed = match sessions {
            Ok(sessions) if services.iter().any(|name| name == "rpc.v1.Sessions") => sessions.list().await,
            _ => Ok(Vec::new()),
        };
        // A node of an earlier version does not tell.
        let listed = listed.unwrap_or_default();
        let mut exports = Vec::new();
        for service in services {
            let instances: Vec<_> = listed.iter().filter(|export| export.interface == service).cloned().collect();
            match instances.is_empty() {
                true => exports.push(Exported { interface: service, instance: String::new() }),
                false => exports.extend(instances),
            }
        }
        Ok(exports)
    }

    /// What there is to say of a node that speaks no gRPC; `None` of what is no such node.
    async fn without_grpc(&self, address: &str) -> Option<String> {
        let address = address.trim_start_matches("http://");
        let error = self.bind_native(address, "rpc.v1.Sessions").await.err()?;
        if error.kind() != ErrorKind::NameNotFound {
            return None;
        }
        let text = error.to_string();
        // Nodes say so, but for those of earlier versions.
        let exports = text.split_once("; it exports ").map_or("", |(_, exports)| exports);
        Some(match exports.trim_end_matches(" (the call never ran)") {
            "" => format!("{address} {WITHOUT_GRPC}"),
            exports => format!("{address} {WITHOUT_GRPC}; it exports {exports}"),
        })
    }

    /// The full name of an interface that a user has named, perhaps without its package.
    async fn full_name(&self, interface: &str) -> Result<String, String> {
        let exports = match self.exports().await {
            Ok(exports) => exports,
            // Nobody tells what there is: then it has to be right.
            Err(_) if matches!(self.target, Target::Address(_)) => return Ok(interface.to_owned()),
            Err(error) => return Err(error),
        };
        let mut names: Vec<&str> = exports.iter().map(|export| export.interface.as_str()).collect();
        names.dedup();
        if names.contains(&interface) {
            return Ok(interface.to_owned());
        }
        let suffix = format!(".{interface}");
        let with_suffix: Vec<&str> = names.iter().filter(|name| name.ends_with(&suffix)).copied().collect();
        match with_suffix[..] {
            [only] => Ok(only.to_owned()),
            [] => Err(format!("there is no interface `{interface}`{}", advice(interface, &names))),
            _ => Err(format!(
                "`{interface}` is in several packages: name one of them in full: {}",
                with_suffix.join(", ")
            )),
        }
    }

    /// Binds to an interface: natively, unless that is not spoken there or not wanted. `proto` describes it, if reflection does not.
    pub(crate) async fn bind(
        &self,
        interface: &str,
        proto: Option<(&Path, &[std::path::PathBuf])>,
    ) -> Result<Bound, String> {
        let described = match proto {
            Some((file, includes)) => Some(input::read(file, includes)?.interfaces()),
            None => None,
        };
        let is_by_grpc = self.reach.is_by_grpc() || described.is_some();
        let address = match &self.target {
            Target::Name(name) => {
                let interface = self.full_name(interface).await?;
                if !is_by_grpc {
                    let any = self.node.import_any(interface.as_str(), name.as_str()).timeout(self.reach.timeout);
                    return any.await.map(native).map_err(|error| error.to_string());
                }
                let entries = entries(&self.node, self.reach).await?;
                let entry = entries.iter().find(|entry| entry.interface == interface && entry.instance == *name);
                let address = entry.and_then(|entry| entry.endpoints.first());
                let address = address.ok_or_else(|| format!("`{name}` is registered without an address"))?;
                return self.bind_grpc(address, &interface, Some(name), described).await;
            }
            Target::Address(address) => address,
        };
        let instance = self.reach.instance.as_deref();
        if is_by_grpc || address.starts_with("http") {
            let interface = match &described {
                Some(_) => interface.to_owned(),
                None => self.full_name(interface).await?,
            };
            return self.bind_grpc(address, &interface, instance, described).await;
        }
        match self.bind_native(address, interface).await {
            Ok(any) => Ok(native(any)),
            Err(error) if error.kind() == ErrorKind::NameNotFound => {
                let full_name = self.full_name(interface).await?;
                if full_name == interface {
                    return Err(error.to_string());
                }
                self.bind_native(address, &full_name).await.map(native).map_err(|error| error.to_string())
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotThisProtocol | ErrorKind::Unreachable) => {
                let both =
                    |grpc: String| format!("{address} can be called neither natively ({error}) nor over gRPC ({grpc})");
                let interface = self.full_name(interface).await?;
                self.bind_grpc(address, &interface, instance, None).await.map_err(both)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn bind_native(&self, address: &str, interface: &str) -> Result<AnyBinding, CallError> {
        let instance = self.reach.instance.as_deref().unwrap_or_default();
        self.node.import_any_at(address, interface, instance).timeout(self.reach.timeout).await
    }

    async fn bind_grpc(
        &self,
        address: &str,
        interface: &str,
        instance: Option<&str>,
        described: Option<Vec<Interface>>,
    ) -> Result<Bound, String> {
        let described = match described {
            Some(described) => described,
            None => match self.reflection(address).files(&[interface.to_owned()]).await {
                Ok(files) => files.interfaces(),
                Err(error) => return Err(self.without_grpc(address).await.unwrap_or(error)),
            },
        };
        let names: Vec<String> = described.iter().map(Interface::name).collect();
        let suffix = format!(".{interface}");
        let wanted = described.into_iter().find(|known| known.name() == interface || known.name().ends_with(&suffix));
        let wanted = wanted.ok_or_else(|| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("there is no interface `{interface}`{}", advice(interface, &names))
        })?;
        let mut importing = self.node.import_any_grpc(address, wanted).timeout(self.reach.timeout);
        if let Some(instance) = instance {
            importing = importing.instance(instance);
        }
        for (name, value) in &self.reach.metadata {
            importing = importing.metadata(name, value.clone());
        }
        let any = importing.await.map_err(|error| error.to_string())?;
        Ok(Bound { any, road: Road::Grpc })
    }

    /// The descriptions of what there is: of one interface, or of all but those that belong to gRPC and to nodes.
    pub(crate) async fn interfaces(&self, interface: Option<&str>) -> Result<Vec<Interface>, String> {
        if let Some(interface) = interface {
            return Ok(vec![self.bind(interface, None).await?.any.interface().clone()]);
        }
        let mut names: Vec<String> = self.exports().await?.into_iter().map(|export| export.interface).collect();
        names.retain(|name| !name.starts_with("grpc.") && name != "rpc.v1.Sessions");
        names.dedup();
        let mut interfaces = Vec::new();
        match &self.target {
            Target::Address(address) => {
                let described = self.reflection(address).files(&names).await?.interfaces();
                interfaces.extend(described.into_iter().filter(|interface| names.contains(&interface.name())));
            }
            Target::Name(_) => {
                for name in names {
                    interfaces.push(self.bind(&name, None).await?.any.interface().clone());
                }
            }
        }
        Ok(interfaces)
    }

    /// Lets bindings that were dropped say so: their sessions end at once, and not with their leases.
    pub(crate) async fn close(self) {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
}

fn native(any: AnyBinding) -> Bound {
    Bound { any, road: Road::Native }
}
