//! Reading what a user names: a `.proto`, or descriptors.

use idl::descriptor::{FileDescriptor, FileDescriptorSet};
use std::path::{Path, PathBuf};

/// The descriptions that a file has in it, imports before what imports them.
pub(crate) fn read(path: &Path, includes: &[PathBuf]) -> Result<FileDescriptorSet, String> {
    if is_proto(path) {
        let includes = folders(std::slice::from_ref(&path.to_owned()), includes);
        return idl::read_protos(&[path], &includes).map_err(with_advice);
    }
    let bytes = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    descriptors(&bytes).ok_or_else(|| {
        format!(
            "{} is neither a .proto nor descriptors: `buf build -o {0}` and `protoc --descriptor_set_out={0} \
             --include_imports --include_source_info` write the latter",
            path.display()
        )
    })
}

/// The traits of some `.proto` files.
pub(crate) fn traits(files: &[PathBuf], includes: &[PathBuf]) -> Result<String, String> {
    if let Some(other) = files.iter().find(|file| !is_proto(file)) {
        return Err(format!(
            "{} is no .proto: the trait is made of the text; `idl proto {0}` writes that for descriptors",
            other.display()
        ));
    }
    let text = idl::traits(files, &folders(files, includes)).map_err(with_advice)?;
    if text.is_empty() {
        return Err("there is no service in it, so there is no trait: name the file with the `service`".into());
    }
    Ok(text)
}

fn is_proto(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "proto")
}

fn descriptors(bytes: &[u8]) -> Option<FileDescriptorSet> {
    let is_named = |file: &FileDescriptor| !file.name.is_empty();
    let set = FileDescriptorSet::from_bytes(bytes).ok();
    if let Some(set) = set.filter(|set| !set.file.is_empty() && set.file.iter().all(is_named)) {
        return Some(set);
    }
    // What an exporter says of itself: one file, with the others that it needs.
    let mut file: FileDescriptor = idl::from_slice(bytes).ok().filter(is_named)?;
    let mut files = file.options.take().map(|options| options.rpc.files).unwrap_or_default();
    files.push(file);
    Some(FileDescriptorSet { file: files })
}

/// Where imports are searched: as the user says; and where a file is that is in none of these folders.
fn folders(files: &[PathBuf], includes: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = includes.to_vec();
    for file in files {
        if folders.iter().any(|folder| is_in(file, folder)) {
            continue;
        }
        folders.push(match file.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        });
    }
    folders
}

/// Whether a file is in a folder, or in one within it, however both are written.
fn is_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

fn with_advice(error: idl::CompileError) -> String {
    let text = error.to_string();
    let advice = if text.contains("add the") { "\n  name it with -I" } else { "" };
    text + advice
}
