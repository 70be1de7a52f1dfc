//! From `.proto` files to Rust, in a build script: messages that prost reads and writes, and an `#[interface]` trait for
//! each service.

mod comments;
mod error;
mod generate;
mod read;
mod service;

pub use error::CompileError;
use std::path::{Path, PathBuf};

/// Compiles `.proto` files to Rust: messages that prost reads and writes, and an `#[interface]` trait for each service,
/// whose methods take and return exactly these messages.
///
/// The files are `protos`, and what they import, searched for in `includes`. Google's own (`google/protobuf/`) need not be
/// there, and are not taken from there. No protoc is needed. `include_protos!` brings the code in, as modules that are
/// named and nested like the packages.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), idl::CompileError> {
///     idl::compile(&["proto/route_guide.proto"], &["proto"])
/// }
/// ```
///
/// ```ignore
/// // src/lib.rs; rpc-runtime has the feature `prost`
/// rpc_runtime::include_protos!();
///
/// struct Guide;
///
/// impl routeguide::RouteGuide for Guide {
///     async fn get_feature(&self, request: routeguide::Point) -> Result<routeguide::Feature, CallError> {
///         Ok(routeguide::Feature { location: Some(request), ..Default::default() })
///     }
/// }
/// ```
///
/// Call it once in a build script, with all files; Cargo runs the script again when one of them changes. What is not
/// valid is told with its file and line.
pub fn compile(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), CompileError> {
    Compiler::new().compile(protos, includes)
}

/// The options of [`compile`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Compiler {
    out_dir: Option<PathBuf>,
    extern_paths: Vec<(String, String)>,
    descriptor_set: Option<PathBuf>,
}

impl Compiler {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the code goes, in place of Cargo's `OUT_DIR`. The folder must exist. Then `include!` the file `protos.rs` in
    /// it.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Uses types that are in Rust already: `extern_path(".google.rpc", "::google_rpc")`. `proto` is a package or a
    /// message, with a dot before it. As arguments and results of methods they come as `Prost<T>`.
    pub fn extern_path(mut self, proto: impl Into<String>, rust: impl Into<String>) -> Self {
        self.extern_paths.push((proto.into(), rust.into()));
        self
    }

    /// Writes all descriptors into this file as well: a `FileDescriptorSet`, with imports, comments and foreign options.
    pub fn descriptor_set(mut self, file: impl Into<PathBuf>) -> Self {
        self.descriptor_set = Some(file.into());
        self
    }

    /// Like the function [`compile`], with these options.
    pub fn compile(self, protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), CompileError> {
        let read = read::read(protos, includes)?;
        read.tell_cargo();
        if let Some(path) = &self.descriptor_set {
            write(path, &read.encoded)?;
        }
        let (folder, is_env) = match (&self.out_dir, std::env::var_os("OUT_DIR")) {
            (Some(folder), _) => (folder.clone(), false),
            (None, Some(folder)) => (PathBuf::from(folder), true),
            (None, None) => {
                return Err(CompileError::new(
                    "there is no OUT_DIR: call this in a build script, or say where the code goes with \
                     `Compiler::new().out_dir(…)`",
                ));
            }
        };
        for (name, contents) in generate::generate(&read, &self.extern_paths, is_env)? {
            write(&folder.join(name), &contents)?;
        }
        Ok(())
    }
}

/// The traits that [`compile`] writes for the services of these files, to be read by a person.
pub fn traits(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<String, CompileError> {
    generate::traits(&read::read(protos, includes)?)
}

/// The descriptions of these files and of what they import.
pub fn read_protos(
    protos: &[impl AsRef<Path>],
    includes: &[impl AsRef<Path>],
) -> Result<crate::descriptor::FileDescriptorSet, CompileError> {
    read::read(protos, includes).map(|read| read.set)
}

/// Leaves a file alone that has these contents already, so that nothing is built anew for it.
fn write(path: &Path, contents: &[u8]) -> Result<(), CompileError> {
    if std::fs::read(path).is_ok_and(|found| found == contents) {
        return Ok(());
    }
    std::fs::write(path, contents)
        .map_err(|error| CompileError::new(format!("{} cannot be written: {error}", path.display())))
}
