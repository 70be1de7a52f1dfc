//! From descriptions to files of Rust.

use super::read::Read;
use super::{CompileError, service};
use crate::describe::needed_files;
use crate::descriptor::{FileDescriptor, FileDescriptorSet, MessageDescriptor};
use prost_build::{Config, Module, Service, ServiceGenerator};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;

/// The name of the set in a package's module.
const SET: &str = "FILE_DESCRIPTOR_SET";

/// The files to be written: their names and contents.
pub(super) type Outputs = Vec<(String, Vec<u8>)>;

pub(super) fn generate(read: &Read, extern_paths: &[(String, String)], is_env: bool) -> Result<Outputs, CompileError> {
    let mut config = config(extern_paths);
    attributes(read, &mut config)?;
    let left_out = Rc::default();
    config.service_generator(Box::new(Traits {
        descriptors: Some(SET),
        left_out: Rc::clone(&left_out),
        alone: None,
        names: names(read),
    }));
    let mut outputs = Outputs::new();
    let mut tree = Tree::default();
    let mut modules: Vec<_> = modules(&mut config, read)?.into_iter().collect();
    modules.sort();
    for (module, mut code) in modules {
        let path: Vec<&str> = module.parts().collect();
        let name = if path.is_empty() { "_".to_owned() } else { path.join(".") };
        let place = |file: &str| match is_env {
            true => format!("concat!(env!(\"OUT_DIR\"), \"/{file}\")"),
            false => format!("\"{file}\""),
        };
        let set = set_of(&module, read);
        if code.contains(SET) && !set.file.is_empty() {
            let head = format!(
                "/// The descriptions of this package's `.proto` files, and of what they import: a `FileDescriptorSet`.\n\
                 pub static {SET}: &[u8] = include_bytes!({});\n",
                place(&format!("{name}.bin"))
            );
            code.insert_str(0, &head);
            let bytes = crate::to_vec(&set).map_err(|error| CompileError::new(format!("{name}: {error}")))?;
            outputs.push((format!("{name}.bin"), bytes));
        }
        tree.at(&path).file = Some(place(&format!("{name}.rs")));
        outputs.push((format!("{name}.rs"), code.into_bytes()));
    }
    let mut includes = String::new();
    tree.write(0, &mut includes);
    outputs.push(("protos.rs".into(), includes.into_bytes()));
    warn(&left_out.borrow());
    Ok(outputs)
}

/// The traits alone, for the files that were asked for.
pub(super) fn traits(read: &Read) -> Result<String, CompileError> {
    let mut config = config(&[]);
    let alone = Rc::default();
    let generator =
        Traits { descriptors: None, left_out: Rc::default(), alone: Some(Rc::clone(&alone)), names: names(read) };
    config.service_generator(Box::new(generator));
    modules(&mut config, read)?;
    Ok(readable(&alone.take()))
}

/// Code with names in place of their paths, and where those are from.
fn readable(code: &str) -> String {
    let mut code = code.replace("::core::result::Result<", "Result<");
    let mut used = Vec::new();
    for name in ["CallError", "Prost", "Streaming", "interface", "prost_types"] {
        let path = format!("::rpc_runtime::{name}");
        if code.contains(&path) {
            code = code.replace(&path, name);
            used.push(name);
        }
    }
    match used.is_empty() {
        true => code,
        false => format!("use rpc_runtime::{{{}}};\n\n{code}", used.join(", ")),
    }
}

fn config(extern_paths: &[(String, String)]) -> Config {
    let mut config = Config::new();
    config.prost_path("::rpc_runtime::prost").prost_types_path("::rpc_runtime::prost_types").enable_type_names();
    for (proto, rust) in extern_paths {
        config.extern_path(proto, rust);
    }
    config
}

fn modules(config: &mut Config, read: &Read) -> Result<Vec<(Module, String)>, CompileError> {
    let requests = read.files.iter().map(|file| {
        let mut file = file.clone();
        // What was imported for its types brings no interfaces with it.
        if !read.asked.iter().any(|name| name == file.name()) {
            file.service.clear();
        }
        (Module::from_protobuf_package_name(file.package()), file)
    });
    let modules = config.generate(requests.collect());
    Ok(modules.map_err(|error| CompileError::new(error.to_string()))?.into_iter().collect())
}

/// Every message derives `Message`, and knows where its descriptors are.
fn attributes(read: &Read, config: &mut Config) -> Result<(), CompileError> {
    let mut names = Vec::new();
    for file in &read.set.file {
        let scope = if file.package.is_empty() { String::new() } else { format!("{}.", file.package) };
        nested(&file.message_type, &scope, 0, &mut names);
    }
    let names: Vec<_> = names.into_iter().filter(|(name, _)| !name.starts_with("google.protobuf.")).collect();
    for (name, depth) in &names {
        // Without a dot before it the name stands for this message, and not for those that are nested in it; but also for
        // every one whose name ends in it.
        let end = format!(".{name}");
        if let Some((other, _)) = names.iter().find(|(other, _)| other.ends_with(&end)) {
            return Err(CompileError::new(format!(
                "`{name}` and `{other}` cannot be compiled in one go: use two calls with an `out_dir` each, or put `{name}` \
                 into a package"
            )));
        }
        let up = "super::".repeat(*depth);
        config.message_attribute(name, "#[derive(::rpc_runtime::Message)]");
        config.message_attribute(name, format!("#[rpc(prost, descriptors = \"{up}{SET}\")]"));
    }
    Ok(())
}

/// The full names of messages, and how deep each is nested.
fn nested(messages: &[MessageDescriptor], scope: &str, depth: usize, names: &mut Vec<(String, usize)>) {
    for message in messages {
        if message.options.as_ref().is_some_and(|options| options.map_entry) {
            continue;
        }
        let name = format!("{scope}{}", message.name);
        nested(&message.nested_type, &format!("{name}."), depth + 1, names);
        names.push((name, depth));
    }
}

/// The files of a package and those whose types they use.
fn set_of(module: &Module, read: &Read) -> FileDescriptorSet {
    let is_in = |file: &&FileDescriptor| Module::from_protobuf_package_name(&file.package) == *module;
    let own: Vec<String> = read.set.file.iter().filter(is_in).map(|file| file.name.clone()).collect();
    let needed: BTreeSet<String> = needed_files(&read.set.file, &own);
    let file = read.set.file.iter().filter(|file| needed.contains(&file.name)).cloned().map(|mut file| {
        file.dependency.retain(|name| needed.contains(name));
        file
    });
    FileDescriptorSet { file: file.collect() }
}

/// Writes the trait of each service.
struct Traits {
    descriptors: Option<&'static str>,
    left_out: Rc<RefCell<Vec<String>>>,
    /// A copy of all traits, without the messages.
    alone: Option<Rc<RefCell<String>>>,
    /// How often a name stands for a type in a package: `(package, name)`, the name as [`plain`] gives it.
    names: BTreeMap<(String, String), usize>,
}

/// The names of types in packages: messages, enums, and the traits of services.
fn names(read: &Read) -> BTreeMap<(String, String), usize> {
    let mut names = BTreeMap::new();
    for file in &read.files {
        let services = file.service.iter().filter(|_| read.asked.iter().any(|name| name == file.name()));
        let messages = file.message_type.iter().map(|message| message.name());
        let all = messages
            .chain(file.enum_type.iter().map(|names| names.name()))
            .chain(services.map(|service| service.name()));
        for name in all {
            *names.entry((file.package().to_owned(), plain(name))).or_default() += 1;
        }
    }
    names
}

/// A name, however it is spelled: `HTTPClient` is `HttpClient` in Rust.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

impl ServiceGenerator for Traits {
    fn generate(&mut self, service: Service, out: &mut String) {
        let mut text = String::new();
        let is_taken = |name: &str| {
            let plain = plain(name);
            // By others than the service itself.
            let own = usize::from(plain == self::plain(&service.proto_name));
            self.names.get(&(service.package.clone(), plain)).is_some_and(|count| *count > own)
        };
        let left_out = service::write(&service, self.descriptors, is_taken, &mut text);
        self.left_out.borrow_mut().extend(left_out);
        if let Some(alone) = &self.alone {
            let mut alone = alone.borrow_mut();
            let blank = if alone.is_empty() { "" } else { "\n" };
            alone.push_str(blank);
            alone.push_str(&text);
        }
        out.push_str(&text);
    }
}

#[expect(clippy::print_stdout, reason = "this is how a build script speaks to Cargo")]
fn warn(left_out: &[String]) {
    for what in left_out {
        println!("cargo:warning={what}");
    }
}

/// Packages as modules in each other.
#[derive(Default)]
struct Tree {
    /// Where the code of the package itself is, as an expression.
    file: Option<String>,
    inner: BTreeMap<String, Tree>,
}

impl Tree {
    fn at(&mut self, path: &[&str]) -> &mut Self {
        match path {
            [] => self,
            [first, rest @ ..] => self.inner.entry((*first).to_owned()).or_default().at(rest),
        }
    }

    fn write(&self, depth: usize, out: &mut String) {
        let indent = "    ".repeat(depth);
        if let Some(place) = &self.file {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "{indent}include!({place});");
        }
        for (name, inner) in &self.inner {
            let _ = writeln!(
                out,
                "{indent}#[allow(missing_docs, dead_code, unreachable_pub, clippy::all, clippy::pedantic, rustdoc::all)]"
            );
            let _ = writeln!(out, "{indent}pub mod {name} {{");
            inner.write(depth + 1, out);
            let _ = writeln!(out, "{indent}}}");
        }
    }
}
