//! `idl proto`: descriptions as `.proto` files.

use crate::input;
use idl::descriptor::FileDescriptor;
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

/// The text of the files, or what was written where.
pub(crate) fn proto(file: &Path, out: Option<&Path>, includes: &[PathBuf]) -> Result<String, String> {
    let set = input::read(file, includes)?;
    let of_google = |file: &&FileDescriptor| file.name.starts_with("google/protobuf/");
    // Everybody has these.
    let files: Vec<_> = set.file.iter().filter(|file| !of_google(file)).collect();
    let mut text = String::new();
    for (i, file) in files.iter().enumerate() {
        match out {
            Some(folder) => {
                let path = write(folder, file)?;
                let _ = writeln!(text, "wrote {}", path.display());
            }
            None if files.len() == 1 => text.push_str(&file.to_proto()),
            None => {
                let blank = if i == 0 { "" } else { "\n" };
                let _ = write!(text, "{blank}// ---- {}\n\n{}", file.name, file.to_proto());
            }
        }
    }
    Ok(text)
}

fn write(folder: &Path, file: &FileDescriptor) -> Result<PathBuf, String> {
    let name = Path::new(&file.name);
    // The name came with the descriptors, and may say anything.
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(format!("a file is called `{}`, which leads out of the folder: it is not written", file.name));
    }
    let path = folder.join(name);
    let written =
        path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, file.to_proto()));
    match written {
        Ok(()) => Ok(path),
        Err(error) => Err(format!("{} cannot be written: {error}", path.display())),
    }
}
