//! From a path to a method of an exported implementation.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::metadata::INSTANCE;
use super::status::Status;
use crate::error::Code;
use crate::exported::Exported;
use crate::interface::{Method, method_id};
use crate::limits::NAMED_INSTANCES_MAX;

/// The exported implementations, by the full names of their interfaces.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_interface: RwLock<HashMap<String, Vec<Arc<Exported>>>>,
}

/// A method of one implementation.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) export: Arc<Exported>,
    pub(super) method: &'static Method,
}

impl Routes {
    pub(super) fn add(&self, export: &Arc<Exported>) {
        let mut routes = self.by_interface.write().unwrap_or_else(PoisonError::into_inner);
        routes.entry(export.interface().name()).or_default().push(Arc::clone(export));
    }

    pub(super) fn remove(&self, export: &Arc<Exported>) {
        let mut routes = self.by_interface.write().unwrap_or_else(PoisonError::into_inner);
        let name = export.interface().name();
        if let Some(exports) = routes.get_mut(&name) {
            exports.retain(|other| !Arc::ptr_eq(other, export));
            if exports.is_empty() {
                routes.remove(&name);
            }
        }
    }

    /// The full names of the interfaces that are exported, in their order.
    pub(super) fn interfaces(&self) -> Vec<String> {
        let routes = self.by_interface.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = routes.keys().cloned().collect();
        names.sort();
        names
    }

    /// What is exported: interfaces' full names and instances' names, in their order, `max` at most.
    pub(super) fn names(&self, max: usize) -> Vec<(String, String)> {
        let routes = self.by_interface.read().unwrap_or_else(PoisonError::into_inner);
        let exports = routes.iter().flat_map(|(interface, exports)| {
            exports.iter().map(|export| (interface.clone(), export.instance().to_owned()))
        });
        let mut names: Vec<_> = exports.collect();
        drop(routes);
        names.sort();
        names.truncate(max);
        names
    }

    /// One implementation of each interface.
    pub(super) fn exports(&self) -> Vec<Arc<Exported>> {
        let routes = self.by_interface.read().unwrap_or_else(PoisonError::into_inner);
        routes.values().filter_map(|exports| exports.first().cloned()).collect()
    }

    /// Whether the interface is exported.
    pub(super) fn has(&self, interface: &str) -> bool {
        self.by_interface.read().unwrap_or_else(PoisonError::into_inner).contains_key(interface)
    }

    /// The implementation of `interface` that is exported as `instance`, or the only one.
    pub(super) fn find(&self, interface: &str, instance: Option<&str>) -> Result<Arc<Exported>, Status> {
        let routes = self.by_interface.read().unwrap_or_else(PoisonError::into_inner);
        let Some(exports) = routes.get(interface) else {
            return Err(Status::never(Code::Unimplemented, format!("this node exports no interface `{interface}`")));
        };
        match (instance, &exports[..]) {
            (None, [only]) => Ok(Arc::clone(only)),
            (None, several) => Err(Status::never(
                Code::FailedPrecondition,
                format!(
                    "`{interface}` has several instances: name one in the metadata entry `{INSTANCE}`: {}",
                    names(several)
                ),
            )),
            (Some(instance), several) => {
                several.iter().find(|export| export.instance() == instance).cloned().ok_or_else(|| {
                    let text = format!("`{interface}` has no instance `{instance}`; there are: {}", names(several));
                    Status::never(Code::NotFound, text)
                })
            }
        }
    }
}

impl Route {
    /// The method of this name.
    pub(super) fn of(export: Arc<Exported>, name: &str) -> Result<Route, Status> {
        match export.method(method_id(name)).filter(|method| method.name == name) {
            Some(method) => Ok(Route { export, method }),
            None => {
                let text = format!("`{}` has no method `{name}`", export.interface().name());
                Err(Status::never(Code::Unimplemented, text))
            }
        }
    }

    /// The full name of the message of the method's error; `None` if it has none.
    pub(super) fn error_name(&self) -> Option<String> {
        error_name(self.export.interface(), self.method.name)
    }
}

/// The full name of the message of a method's error.
pub(super) fn error_name(interface: &idl::Interface, method: &str) -> Option<String> {
    let methods = &interface.file().service.first()?.method;
    let options = methods.iter().find(|described| described.name == method)?.options.as_ref()?;
    let name = options.rpc.error.trim_start_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

fn names(exports: &[Arc<Exported>]) -> String {
    let named = exports.iter().take(NAMED_INSTANCES_MAX).map(|export| format!("`{}`", export.instance()));
    let mut names = named.collect::<Vec<_>>().join(", ");
    if exports.len() > NAMED_INSTANCES_MAX {
        names += &format!(" and {} more", exports.len() - NAMED_INSTANCES_MAX);
    }
    names
}
