//! Reading what a user names: a `.proto`, or descriptors.

use idl::descriptor::{FileDescriptor, FileDescriptorSet};
use std::path::{Path, PathBuf};

/// The descriptions that a file has in it, imports before what imports them.
pub(crate) fn read(path: &Path, includes: &[PathBuf]) -> Result<FileDescriptorSet, String> {
    if is_proto(path) {
        let files = [path.to_owned()];
        let includes = folders(&files, includes);
        return idl::read_protos(&files, &includes).map_err(|error| with_advice(error, &files));
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
    let text = idl::traits(files, &folders(files, includes)).map_err(|error| with_advice(error, files))?;
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

/// Where imports are searched: where the files are, and where the user says. A folder that a file is in comes before those that it is not in:
/// two versions of a file may have one name.
fn folders(files: &[PathBuf], includes: &[PathBuf]) -> Vec<PathBuf> {
    let (mut folders, others): (Vec<PathBuf>, Vec<PathBuf>) =
        includes.iter().cloned().partition(|folder| files.iter().any(|file| is_in(file, folder)));
    for file in files {
        if !folders.iter().any(|folder| is_in(file, folder)) {
            folders.push(match file.parent() {
                Some(folder) if folder != Path::new("") => folder.to_owned(),
                _ => PathBuf::from("."),
            });
        }
    }
    folders.extend(others);
    folders
}

/// Whether a file is in a folder, or in one within it, however both are written.
fn is_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

/// What to do, where that can be told: the folder that has what was not found is one of those above the file.
fn with_advice(error: idl::CompileError, files: &[PathBuf]) -> String {
    let text = error.to_string();
    if !text.contains("add the") {
        return text;
    }
    let import = text.split_once("import '").and_then(|(_, rest)| rest.split_once('\'')).map(|(import, _)| import);
    let above = files.first().and_then(|file| file.canonicalize().ok());
    let found = above.iter().flat_map(|file| file.ancestors()).skip(1);
    match import.and_then(|import| found.into_iter().find(|folder| folder.join(import).is_file())) {
        Some(folder) => format!("{text}\n  it is in {0}: add -I {0}", folder.display()),
        None => text + "\n  name it with -I",
    }
}
