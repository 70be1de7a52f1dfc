//! `idl proto`: descriptions as `.proto` files.

use crate::input;
use crate::reach::{Reach, Target};
use crate::remote::Remote;
use idl::descriptor::FileDescriptor;
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

/// The descriptions in a file, or what is exported at an address or under a name.
pub(crate) async fn proto(
    source: &str,
    interface: Option<&str>,
    out: Option<&Path>,
    includes: &[PathBuf],
    reach: &Reach,
) -> Result<String, String> {
    let path = Path::new(source);
    let is_address = matches!(Target::of(source), Target::Address(_));
    // A file that is not there has a suffix or a folder, a name has not.
    if path.is_file() || !is_address && (path.extension().is_some() || path.components().count() > 1) {
        return print(&input::read(path, includes)?.file, out);
    }
    let remote = Remote::new(source, reach).await?;
    let interfaces = remote.interfaces(interface).await;
    remote.close().await;
    let interfaces = interfaces.map_err(|error| match (interface, is_address) {
        (None, true) => format!("{error}\n  natively an interface is asked for by name: --interface library.v1.Store"),
        (None, false) => format!("{error}\n  and there is no file {source}"),
        (Some(_), _) => error,
    })?;
    print(&idl::files(&interfaces).files, out)
}

/// The text of the files, or what was written where.
fn print(files: &[FileDescriptor], out: Option<&Path>) -> Result<String, String> {
    // Everybody has these.
    let files: Vec<_> = files.iter().filter(|file| !file.name.starts_with("google/protobuf/")).collect();
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
