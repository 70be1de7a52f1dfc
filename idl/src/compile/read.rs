//! Reading `.proto` files with protox.

use super::CompileError;
use super::comments;
use crate::describe::needed_files;
use crate::descriptor::FileDescriptorSet;
use protox::file::{ChainFileResolver, GoogleFileResolver, IncludeFileResolver};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What was read.
pub(super) struct Read {
    /// For prost-build: the files that were asked for, and those whose types they use.
    pub(super) files: Vec<prost_types::FileDescriptorProto>,
    /// All files, as this crate describes them.
    pub(super) set: FileDescriptorSet,
    /// All files, with all that stands in them.
    pub(super) encoded: Vec<u8>,
    /// The names of those that were asked for.
    pub(super) asked: Vec<String>,
    paths: Vec<PathBuf>,
}

pub(super) fn read(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<Read, CompileError> {
    if protos.is_empty() {
        return Err(CompileError::new(
            "no `.proto` file was given: name one, and the folder that imports are relative to",
        ));
    }
    if let Some(folder) = includes.iter().map(AsRef::as_ref).find(|folder| !folder.is_dir()) {
        return Err(CompileError::new(format!(
            "{} is no folder: give those that imports are relative to{}",
            folder.display(),
            from_where(folder)
        )));
    }
    let is_there =
        |proto: &&Path| proto.is_file() || includes.iter().any(|folder| folder.as_ref().join(proto).is_file());
    if let Some(proto) = protos.iter().map(AsRef::as_ref).find(|proto| !is_there(proto)) {
        return Err(CompileError::new(format!("{} does not exist{}", proto.display(), from_where(proto))));
    }
    let mut resolver = ChainFileResolver::new();
    // First, because the folders may have newer ones than protox can read.
    resolver.add(GoogleFileResolver::new());
    for folder in includes {
        resolver.add(IncludeFileResolver::new(folder.as_ref().to_owned()));
    }
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_source_info(true).include_imports(true);
    for proto in protos {
        compiler.open_file(proto).map_err(|error| explain(&error, includes))?;
    }
    let encoded = compiler.encode_file_descriptor_set();
    let set = FileDescriptorSet::from_bytes(&encoded)
        .map_err(|error| CompileError::new(format!("the descriptors cannot be read: {error}")))?;
    let asked: Vec<String> =
        compiler.files().filter(|file| !file.is_import()).map(|file| file.name().to_owned()).collect();
    let paths = compiler.files().filter_map(|file| file.path().map(Path::to_owned)).collect();
    let needed: BTreeSet<String> = needed_files(&set.file, &asked);
    let mut files = compiler.file_descriptor_set().file;
    files.retain(|file| needed.contains(file.name()));
    files.iter_mut().for_each(comments::soften);
    Ok(Read { files, set, encoded, asked, paths })
}

impl Read {
    /// The build script is to run again when one of the files changes.
    #[expect(clippy::print_stdout, reason = "this is how a build script speaks to Cargo")]
    pub(super) fn tell_cargo(&self) {
        for path in &self.paths {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}

/// The words of protox, and what to do.
fn explain(error: &protox::Error, includes: &[impl AsRef<Path>]) -> CompileError {
    // Its long form has file, line and column in front.
    let words = format!("{error:?}");
    let folders: Vec<_> = includes.iter().map(|folder| folder.as_ref().display().to_string()).collect();
    let folders = if folders.is_empty() { "no folder".to_owned() } else { folders.join(", ") };
    let advice = if words.contains("is not in any include path") {
        format!("\n  the folders that imports are relative to are: {folders}; add the one that the file is in")
    } else if error.is_file_not_found() {
        format!(
            "\n  searched in: {folders}; a path in an `import` is relative to one of them, so add the folder that it begins in"
        )
    } else if words.contains("found 'edition'") {
        "\n  editions are not read yet, `syntax = \"proto2\"` and `\"proto3\"` are".to_owned()
    } else if words.contains("resolves to") && words.contains("which is not defined") {
        // protoc looks at packages only that the file imports itself.
        "\n  a package within this one's has the same name: write the name in full, with a dot before it".to_owned()
    } else {
        String::new()
    };
    CompileError::new(words + &advice)
}

/// For a relative path: where it starts.
fn from_where(path: &Path) -> String {
    match std::env::current_dir() {
        Ok(here) if path.is_relative() => format!(" (relative to {})", here.display()),
        _ => String::new(),
    }
}
